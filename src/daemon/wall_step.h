// By how much the wall clock was set, seen beside a clock that nobody sets. Thread: the loop's.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace windlass::daemon {

class WallStep {
  public:
    // Since the last time, or zero at the first. Less than a second is left to a later time: clocks
    // are slewed, and nothing here is as exact as that.
    std::chrono::milliseconds take(std::int64_t wall_now_ms, base::Instant now);
    // Whether take() would give one.
    bool is_pending(std::int64_t wall_now_ms, base::Instant now) const;
    // It had no effect, and is to be told again.
    void give_back(std::chrono::milliseconds step);

  private:
    std::optional<std::int64_t> apart_ms_;  // the one clock from the other, when last told
};

}  // namespace windlass::daemon
