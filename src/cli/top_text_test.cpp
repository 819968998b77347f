// Cells, bars and histories of `windlass top`.
#include "cli/top_text.h"

#include <doctest/doctest.h>

namespace cli = windlass::cli;
using cli::Align;
using cli::ascii_glyphs;
using cli::unicode_glyphs;

namespace {

std::string text_of(const std::vector<cli::Span>& spans) {
    std::string text;
    for (const cli::Span& span : spans) text += span.text;
    return text;
}

constexpr std::uint64_t kMiB = 1 << 20;

}  // namespace

TEST_CASE("text fills its cells exactly, or is cut and says so") {
    CHECK(cli::fit("ab", 4, unicode_glyphs()) == "ab  ");
    CHECK(cli::fit("ab", 4, unicode_glyphs(), Align::right) == "  ab");
    CHECK(cli::fit("abcdef", 4, unicode_glyphs()) == "abc…");
    CHECK(cli::fit("abcdef", 4, ascii_glyphs()) == "abc~");
    CHECK(cli::fit("abc", 0, unicode_glyphs()).empty());
    CHECK(cli::fit("模型", 4, unicode_glyphs()) == "模型");
    CHECK(cli::fit("模型", 3, unicode_glyphs()) == "模…");
    CHECK(cli::fit("模型", 4, ascii_glyphs()) == "????");
    CHECK(cli::cell_count("e\u0301") == 1);
    CHECK(cli::cell_count("\xff\xfe") >= 1);  // no UTF-8, and no harm
}

TEST_CASE("a line never grows wider than it may") {
    cli::Line line;
    line.add("12345").add("模型").add("678");
    cli::fit(line, 6, unicode_glyphs());
    CHECK(text_of(line.spans) == "12345");
    line.is_chosen = true;
    cli::fit(line, 6, unicode_glyphs());
    CHECK(text_of(line.spans) == "12345 ");
}

TEST_CASE("[R81] amounts are whole MiB, and unknown is not zero") {
    CHECK(cli::mebibytes(std::nullopt, 6) == "-");
    CHECK(cli::mebibytes(0, 6) == "0");
    CHECK(cli::mebibytes(3522 * kMiB, 6) == "3522");
    CHECK(cli::mebibytes(3522 * kMiB + kMiB / 2 + 1, 6) == "3523");
    CHECK(cli::mebibytes(1234567 * kMiB, 6) == "1.2T");
    CHECK(cli::short_time(0.2) == "0s");
    CHECK(cli::short_time(99) == "99s");
    CHECK(cli::short_time(100) == "2m");
    CHECK(cli::short_time(7200) == "2h");
    CHECK(cli::short_time(9e6) == "104d");
}

TEST_CASE("a bar shows each kind by a character of its own, in proportion") {
    const cli::Shares shares{
        .capacity = 100, .own = 40, .claimed = 20, .foreign = 10, .fenced = 10};
    CHECK(text_of(cli::bar(shares, 10, ascii_glyphs())) == "####ox==..");
    CHECK(text_of(cli::bar(shares, 10, unicode_glyphs())) == "████▚×▒▒··");
    CHECK(text_of(cli::bar({.capacity = 1000, .own = 1, .foreign = 999}, 5, ascii_glyphs())) ==
          "#oooo");
    CHECK(text_of(cli::bar({.capacity = 10, .own = 99}, 5, ascii_glyphs())) == "#####");
    CHECK(text_of(cli::bar({}, 5, ascii_glyphs())) == ".....");
}

TEST_CASE("a history has the latest at its right, and gaps where nothing was known") {
    CHECK(cli::history({0.0, std::nullopt, 1.0}, 5, ascii_glyphs()) == "  _ #");
    CHECK(cli::history({0.0, 0.5, 0.99}, 2, unicode_glyphs()) == "▅█");
    CHECK(cli::history({}, 3, ascii_glyphs()) == "   ");
    CHECK(cli::history({7.0, -1.0}, 2, ascii_glyphs()) == "#_");
}
