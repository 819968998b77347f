// What drills read of what workers wrote down.
#include "cli/drill_log.h"

#include <doctest/doctest.h>

namespace windlass::cli::drill {

TEST_CASE("a log of runs is read line by line, and no more of it than is whole") {
    const auto lines = parse_log(
        "began a 7 100\nended a 7 250\nnonsense\nbegan b 8 300\nbegan a 8 400\nended a 8 50");
    REQUIRE(lines.size() == 4);
    CHECK(lines[1].word == "ended");
    CHECK(lines[1].pid == 7);
    CHECK(lines[1].at == std::chrono::nanoseconds{250});
    CHECK(count_lines(lines, "began", "a") == 2);
    CHECK(count_lines(lines, "ended", "a") == 1);
    CHECK(lines_of(lines, "began").size() == 3);
    CHECK(lines_of(lines, "began", "b").front().pid == 8);
    CHECK(parse_log("").empty());
    CHECK(read_log("/nowhere/at/all").empty());
}

}  // namespace windlass::cli::drill
