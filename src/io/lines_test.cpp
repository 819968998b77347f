// Lines out of bytes, however they are cut.
#include "io/lines.h"

#include <doctest/doctest.h>

#include <vector>

namespace io = windlass::io;

namespace {

std::vector<std::string> split(std::initializer_list<std::string> pieces) {
    std::vector<std::string> lines;
    io::LineSplitter splitter{[&](std::string line) { lines.push_back(std::move(line)); }};
    for (const std::string& piece : pieces) splitter.feed(piece);
    splitter.finish();
    return lines;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("lines end in each of the three ways, and empty ones are left out") {
    CHECK(split({"a\nb\r\nc\rd"}) == Lines{"a", "b", "c", "d"});
    CHECK(split({"\n\n\r\r\n"}) == Lines{});
    CHECK(split({"\r 10%\r 20%\r\n"}) == Lines{" 10%", " 20%"});
}

TEST_CASE("a line may come in any number of pieces") {
    CHECK(split({"he", "", "llo\nwor", "ld\r", "\n"}) == Lines{"hello", "world"});
    CHECK(split({"\xC3", "\xBC\n"}) == Lines{"\xC3\xBC"});
}

TEST_CASE("a line of the largest size is whole, a longer one comes in pieces") {
    const std::string full(io::LineSplitter::kLineSizeMax, 'x');
    CHECK(split({full + "\n"}) == Lines{full});
    CHECK(split({full + "y\nz"}) == Lines{full, "y", "z"});
    CHECK(split({full + full + full}) == Lines{full, full, full});
}

TEST_CASE("a long line is not cut within a character") {
    for (std::size_t shift = 0; shift < 4; ++shift) {
        std::string text(shift, 'x');
        while (text.size() < 2 * io::LineSplitter::kLineSizeMax) text += "\xF0\x9F\x98\x80";
        std::string joined;
        for (const std::string& line : split({text})) {
            CHECK(line.size() <= io::LineSplitter::kLineSizeMax);
            CHECK(line.size() > io::LineSplitter::kLineSizeMax - 4);
            joined += line;
            if (joined.size() == text.size()) break;
            if (text.size() - joined.size() < io::LineSplitter::kLineSizeMax - 4) {
                joined = text;  // the rest is shorter by nature
                break;
            }
        }
        CHECK(joined == text);
    }
}
