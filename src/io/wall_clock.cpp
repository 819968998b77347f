// The one place of the daemon that asks for the time of day.
#include "io/wall_clock.h"

#include <chrono>

namespace windlass::io {

std::int64_t wall_clock_ms() {
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::floor<std::chrono::milliseconds>(since_1970).count();
}

}  // namespace windlass::io
