// Two units at most.
#include "base/rough_time.h"

#include <fmt/core.h>

#include <chrono>

namespace windlass::base {

std::string rough_text(Duration duration) {
    using namespace std::chrono_literals;
    if (duration < 1s) return to_text(std::chrono::floor<std::chrono::milliseconds>(duration));
    const auto seconds = std::chrono::round<std::chrono::seconds>(duration).count();
    if (seconds < 120) return fmt::format("{}s", seconds);
    if (seconds < 7200) return fmt::format("{}m {}s", seconds / 60, seconds % 60);
    const auto minutes = seconds / 60;
    if (minutes < 2'880) return fmt::format("{}h {}m", minutes / 60, minutes % 60);
    return fmt::format("{} days", minutes / 60 / 24);
}

}  // namespace windlass::base
