// Text of a screen: pieces with a style, cut and filled to a number of cells. Knows no terminal.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace windlass::cli {

// What a piece means; how that looks is the screen's affair.
enum class Style : std::uint8_t {
    plain,
    title,
    faint,
    good,
    busy,
    bad,
    own,
    claimed,
    foreign,
    fenced
};

struct Span {
    std::string text;
    Style style = Style::plain;
};

struct Line {
    std::vector<Span> spans = {};
    bool is_chosen = false;

    Line& add(std::string text, Style style = Style::plain);
};

// The characters of bars and histories. None of them may be two cells wide.
struct Glyphs {
    bool is_unicode = true;  // false: all text is shown in ASCII
    std::string_view own, claimed, foreign, fenced, free;
    std::array<std::string_view, 8> steps;  // of a history, from none to all
    std::string_view open, folded, leaf, ellipsis;
};
const Glyphs& unicode_glyphs();
const Glyphs& ascii_glyphs();

// The cells that UTF-8 text takes on a terminal.
std::size_t cell_count(std::string_view text);

enum class Align : std::uint8_t { left, right };
// Exactly so many cells: filled with spaces, or cut, with the ellipsis at the end.
std::string fit(std::string_view text, std::size_t width, const Glyphs& glyphs,
                Align align = Align::left);
// Cuts the line to so many cells, and fills it where that is to be seen.
void fit(Line& line, std::size_t width, const Glyphs& glyphs);

// MiB, at most `width` (5 or more) cells: "81559", "1.2T"; unknown is "-".
std::string mebibytes(const std::optional<std::uint64_t>& bytes, std::size_t width);
// "9s", "59s", "4m", "3h", "12d": at most 4 cells up to 999 days.
std::string short_time(double seconds);

// Bytes of a device. What is not known counts as none.
struct Shares {
    std::uint64_t capacity = 0;
    std::uint64_t own = 0;      // used by workers
    std::uint64_t claimed = 0;  // beyond that
    std::uint64_t foreign = 0;
    std::uint64_t fenced = 0;
};
// Whatever there is of a kind has a cell at least.
std::vector<Span> bar(const Shares& shares, std::size_t width, const Glyphs& glyphs);

// The latest values (0 to 1) at the right; a blank where nothing was known.
std::string history(const std::vector<std::optional<double>>& values, std::size_t width,
                    const Glyphs& glyphs);

}  // namespace windlass::cli
