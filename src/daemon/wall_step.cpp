// Compares the two clocks' distance with what it was.
#include "daemon/wall_step.h"

namespace windlass::daemon {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLeast = std::chrono::seconds{1};

std::int64_t distance_ms(std::int64_t wall_now_ms, base::Instant now) {
    const auto since_start = std::chrono::duration_cast<milliseconds>(now.time_since_epoch());
    return wall_now_ms - since_start.count();
}

}  // namespace

bool WallStep::is_pending(std::int64_t wall_now_ms, base::Instant now) const {
    const std::int64_t apart_ms = distance_ms(wall_now_ms, now);
    return std::chrono::abs(milliseconds{apart_ms - apart_ms_.value_or(apart_ms)}) >= kLeast;
}

milliseconds WallStep::take(std::int64_t wall_now_ms, base::Instant now) {
    if (apart_ms_ && !is_pending(wall_now_ms, now)) return milliseconds{0};
    const std::int64_t apart_ms = distance_ms(wall_now_ms, now);
    const milliseconds step{apart_ms - apart_ms_.value_or(apart_ms)};
    apart_ms_ = apart_ms;
    return step;
}

void WallStep::give_back(milliseconds step) {
    if (apart_ms_) *apart_ms_ -= step.count();
}

}  // namespace windlass::daemon
