// What counts as a step of the wall clock.
#include "daemon/wall_step.h"

#include <doctest/doctest.h>

namespace {

using namespace std::chrono_literals;
using windlass::base::Instant;
using windlass::daemon::WallStep;

constexpr Instant kStart{1'000s};

TEST_CASE("time that passes on both clocks is no step") {
    WallStep step;
    CHECK(step.take(5'000, kStart) == 0ms);
    CHECK(step.take(65'000, kStart + 60s) == 0ms);
}

TEST_CASE("a clock that is set is told once, in either direction") {
    WallStep step;
    step.take(5'000, kStart);
    CHECK(step.take(5'000 + 3'600'000, kStart) == 1h);
    CHECK(step.take(6'000 + 3'600'000, kStart + 1s) == 0ms);
    CHECK(step.take(7'000, kStart + 2s) == -1h);
}

TEST_CASE("a clock that is slewed is told by the second") {
    WallStep step;
    step.take(5'000, kStart);
    CHECK_FALSE(step.is_pending(5'600, kStart));
    CHECK(step.take(5'600, kStart) == 0ms);
    CHECK(step.is_pending(6'200, kStart));
    CHECK(step.take(6'200, kStart) == 1'200ms);
    CHECK_FALSE(step.is_pending(6'200, kStart));
}

TEST_CASE("a step that had no effect is told again") {
    WallStep step;
    step.take(5'000, kStart);
    const auto told = step.take(9'000, kStart);
    step.give_back(told);
    CHECK(step.take(9'000, kStart) == told);
}

}  // namespace
