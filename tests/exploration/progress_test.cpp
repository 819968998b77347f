// The walk backwards, over a few states.
#include "exploration/progress.h"

#include <doctest/doctest.h>

namespace windlass::exploration {

TEST_CASE("a state without a way to a quiet one is found, the first of them") {
    Progress progress;
    CHECK(progress.find_stuck(1) == 0);
    progress.note_quiet(0);
    CHECK_FALSE(progress.find_stuck(1));
    progress.note_way(0, 1);
    progress.note_way(1, 2);
    progress.note_way(2, 1);  // a circle that nobody leaves
    CHECK(progress.find_stuck(3) == 1);
    progress.note_way(2, 0);
    CHECK_FALSE(progress.find_stuck(3));
    CHECK(progress.find_stuck(4) == 3);
}

}  // namespace windlass::exploration
