// How long a model pauses after its n-th failure in a row: first x 2^(n-1), at most `max`.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace windlass::core {

class Backoff {
  public:
    // Counts a failure and returns the pause. The count stands still once the pause has reached its
    // maximum, so that a model that always fails has finitely many states.
    base::Duration on_failure(base::Duration first, base::Duration max) {
        base::Duration pause = first;
        for (std::uint32_t i = 0; i < failure_count_ && pause < max; ++i) pause *= 2;
        if (pause < max) {
            ++failure_count_;
            return pause;
        }
        return max;
    }
    void on_success() { reset(); }
    void reset() { *this = {}; }

    std::uint32_t failure_count() const { return failure_count_; }
    friend bool operator==(const Backoff&, const Backoff&) = default;

  private:
    std::uint32_t failure_count_ = 0;
};

}  // namespace windlass::core
