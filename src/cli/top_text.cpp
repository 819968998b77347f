// Cells, bars and histories.
#include "cli/top_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

namespace windlass::cli {
namespace {

struct Range {
    char32_t first;
    char32_t last;
};
// Two cells wide, of what names are made of. Source: Unicode 15, EastAsianWidth.txt (W and F).
constexpr auto kWide = std::to_array<Range>({{0x1100, 0x115F},
                                             {0x2E80, 0xA4CF},
                                             {0xAC00, 0xD7A3},
                                             {0xF900, 0xFAFF},
                                             {0xFE30, 0xFE6F},
                                             {0xFF00, 0xFF60},
                                             {0xFFE0, 0xFFE6},
                                             {0x1F300, 0x1FAFF},
                                             {0x20000, 0x3FFFD}});
// Drawn over the character before: none.
constexpr auto kCombining = std::to_array<Range>(
    {{0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}});

template <class Ranges>
bool is_in(const Ranges& ranges, char32_t character) {
    return std::ranges::any_of(ranges, [&](const Range& range) {
        return range.first <= character && character <= range.last;
    });
}

struct Character {
    std::string_view bytes;
    std::size_t cells = 1;
};

// The next character of UTF-8 text; a byte that is none counts as one.
Character take_character(std::string_view& text) {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    Character taken{.bytes = text.substr(0, std::min(size, text.size()))};
    char32_t value = size == 1 ? lead : lead & (0xFFU >> (size + 1));
    for (const char byte : taken.bytes.substr(1)) {
        value = value << 6 | (static_cast<unsigned char>(byte) & 0x3FU);
    }
    if (is_in(kWide, value)) taken.cells = 2;
    if (is_in(kCombining, value)) taken.cells = 0;
    text.remove_prefix(taken.bytes.size());
    return taken;
}

// The beginning that has so many cells at most, and how many it has.
std::pair<std::string, std::size_t> cut(std::string_view text, std::size_t width) {
    std::pair<std::string, std::size_t> result;
    while (!text.empty()) {
        const Character next = take_character(text);
        if (result.second + next.cells > width) break;
        result.first += next.bytes;
        result.second += next.cells;
    }
    return result;
}

std::string to_ascii(std::string_view text) {
    std::string ascii;
    while (!text.empty()) {
        const Character next = take_character(text);
        ascii += next.bytes.size() == 1 ? std::string{next.bytes} : std::string(next.cells, '?');
    }
    return ascii;
}

std::string repeat(std::string_view glyph, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += glyph;
    return text;
}

constexpr double kMebi = 1024.0 * 1024.0;

}  // namespace

Line& Line::add(std::string text, Style style) {
    if (!text.empty()) spans.push_back({.text = std::move(text), .style = style});
    return *this;
}

const Glyphs& unicode_glyphs() {
    static constexpr Glyphs kGlyphs{.is_unicode = true,
                                    .own = "█",
                                    .claimed = "▒",
                                    .foreign = "▚",
                                    .fenced = "×",
                                    .free = "·",
                                    .steps = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
                                    .open = "▾",
                                    .folded = "▸",
                                    .leaf = "└",
                                    .ellipsis = "…"};
    return kGlyphs;
}

const Glyphs& ascii_glyphs() {
    static constexpr Glyphs kGlyphs{.is_unicode = false,
                                    .own = "#",
                                    .claimed = "=",
                                    .foreign = "o",
                                    .fenced = "x",
                                    .free = ".",
                                    .steps = {"_", ".", ":", "-", "=", "+", "*", "#"},
                                    .open = "-",
                                    .folded = "+",
                                    .leaf = "`",
                                    .ellipsis = "~"};
    return kGlyphs;
}

std::size_t cell_count(std::string_view text) {
    std::size_t cells = 0;
    while (!text.empty()) cells += take_character(text).cells;
    return cells;
}

std::string fit(std::string_view text, std::size_t width, const Glyphs& glyphs, Align align) {
    const std::string shown = glyphs.is_unicode ? std::string{text} : to_ascii(text);
    auto [kept, cells] = cut(shown, width);
    if (kept.size() < shown.size() && width > 0) {
        std::tie(kept, cells) = cut(shown, width - 1);
        kept += glyphs.ellipsis;
        ++cells;
    }
    const std::string space(width - cells, ' ');
    return align == Align::left ? kept + space : space + kept;
}

void fit(Line& line, std::size_t width, const Glyphs& glyphs) {
    std::size_t left = width;
    bool is_cut = false;  // what comes behind that is gone, too
    for (Span& span : line.spans) {
        if (!glyphs.is_unicode) span.text = to_ascii(span.text);
        auto [kept, cells] = cut(span.text, is_cut ? 0 : left);
        is_cut = is_cut || kept.size() < span.text.size();
        span.text = std::move(kept);
        left -= cells;
    }
    if (line.is_chosen) line.add(std::string(left, ' '));
}

std::string mebibytes(const std::optional<std::uint64_t>& bytes, std::size_t width) {
    if (!bytes) return "-";
    const double count = static_cast<double>(*bytes) / kMebi;
    std::string text = fmt::format("{:.0f}", count);
    if (text.size() <= width) return text;
    if (count < 1024.0 * 1024.0) return fmt::format("{:.0f}G", count / 1024.0);
    return fmt::format("{:.1f}T", count / 1024.0 / 1024.0);
}

std::string short_time(double seconds) {
    if (seconds < 99.5) return fmt::format("{:.0f}s", std::max(0.0, seconds));
    if (seconds < 99.5 * 60) return fmt::format("{:.0f}m", seconds / 60);
    if (seconds < 99.5 * 3600) return fmt::format("{:.0f}h", seconds / 3600);
    return fmt::format("{:.0f}d", seconds / 86400);
}

std::vector<Span> bar(const Shares& shares, std::size_t width, const Glyphs& glyphs) {
    struct Part {
        std::uint64_t bytes;
        std::string_view glyph;
        Style style;
        std::size_t cells = 0;
    };
    std::array<Part, 4> parts{{{shares.own, glyphs.own, Style::own},
                               {shares.foreign, glyphs.foreign, Style::foreign},
                               {shares.fenced, glyphs.fenced, Style::fenced},
                               {shares.claimed, glyphs.claimed, Style::claimed}}};
    std::size_t taken = 0;
    for (Part& part : parts) {
        if (part.bytes == 0 || shares.capacity == 0) continue;
        const double share = static_cast<double>(part.bytes) / static_cast<double>(shares.capacity);
        const auto cells = static_cast<std::size_t>(
            std::lround(std::min(share, 1.0) * static_cast<double>(width)));
        part.cells = std::min(std::max<std::size_t>(cells, 1), width - taken);
        taken += part.cells;
    }
    std::vector<Span> spans;
    for (const Part& part : parts) {
        if (part.cells == 0) continue;
        spans.push_back({.text = repeat(part.glyph, part.cells), .style = part.style});
    }
    if (taken < width) {
        spans.push_back({.text = repeat(glyphs.free, width - taken), .style = Style::faint});
    }
    return spans;
}

std::string history(const std::vector<std::optional<double>>& values, std::size_t width,
                    const Glyphs& glyphs) {
    const std::size_t count = std::min(values.size(), width);
    std::string text(width - count, ' ');
    for (std::size_t i = values.size() - count; i < values.size(); ++i) {
        if (!values[i]) {
            text += ' ';
            continue;
        }
        const double step =
            std::floor(std::clamp(*values[i], 0.0, 1.0) * static_cast<double>(glyphs.steps.size()));
        text += glyphs.steps[std::min(static_cast<std::size_t>(step), glyphs.steps.size() - 1)];
    }
    return text;
}

}  // namespace windlass::cli
