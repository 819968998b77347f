// Goal:   people read times at a glance.
// Method: one of each length.
#include "base/rough_time.h"

#include <doctest/doctest.h>

namespace windlass::base {

TEST_CASE("two units at most, none of them idle") {
    using namespace std::chrono_literals;
    CHECK(rough_text(740ms) == "740ms");
    CHECK(rough_text(4'400ms) == "4s");
    CHECK(rough_text(119s) == "119s");
    CHECK(rough_text(5min + 12s) == "5m 12s");
    CHECK(rough_text(3h + 20min + 59s) == "3h 20m");
    CHECK(rough_text(47h) == "47h 0m");
    CHECK(rough_text(24h * 12 + 5h) == "12 days");
}

}  // namespace windlass::base
