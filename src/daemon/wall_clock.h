// What time of day it is, as it is kept: milliseconds since 1970. It may be set at any moment;
// nothing that lasts is measured by it.
#pragma once

#include <chrono>
#include <cstdint>

namespace windlass::daemon {

inline std::int64_t wall_now_ms() {
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count();
}

}  // namespace windlass::daemon
