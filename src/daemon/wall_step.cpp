// Compares the two clocks' distance with what it was.
#include "daemon/wall_step.h"

#include <cstdlib>

namespace windlass::daemon {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLeast = std::chrono::seconds{1};

}  // namespace

milliseconds WallStep::take(std::int64_t wall_now_ms, base::Instant now) {
    const auto since_start = std::chrono::duration_cast<milliseconds>(now.time_since_epoch());
    const std::int64_t apart_ms = wall_now_ms - since_start.count();
    const milliseconds step{apart_ms - apart_ms_.value_or(apart_ms)};
    if (apart_ms_ && std::chrono::abs(step) < kLeast) return milliseconds{0};
    apart_ms_ = apart_ms;
    return step;
}

void WallStep::give_back(milliseconds step) {
    if (apart_ms_) *apart_ms_ -= step.count();
}

}  // namespace windlass::daemon
