// A generator whose numbers depend on the seed alone, on any machine (SplitMix64, Steele et al.
// 2014).
#pragma once

#include <cstdint>

#include "base/time.h"

namespace windlass::simulation {

class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    std::uint64_t below(std::uint64_t end) { return next() % end; }
    bool chance(std::uint32_t permille) { return below(1000) < permille; }
    base::Duration between(base::Duration low, base::Duration high) {
        return low + base::Duration{static_cast<std::int64_t>(
                         below(static_cast<std::uint64_t>((high - low).count()) + 1))};
    }

  private:
    std::uint64_t state_;
};

}  // namespace windlass::simulation
