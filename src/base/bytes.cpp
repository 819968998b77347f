// Amounts of memory to and from text.
#include "base/bytes.h"

#include <fmt/core.h>

#include <array>
#include <charconv>

namespace windlass::base {
namespace {

struct Unit {
    std::string_view suffix;
    double bytes;
};

// Longest suffix first: every one ends in "B".
constexpr std::array kUnits = {
    Unit{"KiB", 0x1p10}, Unit{"MiB", 0x1p20}, Unit{"GiB", 0x1p30},
    Unit{"TiB", 0x1p40}, Unit{"kB", 1e3},     Unit{"MB", 1e6},
    Unit{"GB", 1e9},     Unit{"TB", 1e12},    Unit{"B", 1},
};
constexpr double kLargest = 0x1p50;  // a petabyte: beyond any machine that runs one daemon

}  // namespace

std::string to_text(Bytes bytes) {
    constexpr std::array kNames = {"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1_KiB) return fmt::format("{} B", bytes.count());
    double value = static_cast<double>(bytes.count()) / 1024;
    std::size_t index = 0;
    for (; value >= 1024 && index + 1 < kNames.size(); ++index) value /= 1024;
    const std::string digits = fmt::format("{:.1f}", value);
    return fmt::format("{} {}",
                       digits.ends_with(".0") ? digits.substr(0, digits.size() - 2) : digits,
                       kNames[index]);
}

std::optional<Bytes> parse_bytes(std::string_view text) {
    for (const Unit& unit : kUnits) {
        if (!text.ends_with(unit.suffix)) continue;
        const std::string_view number = text.substr(0, text.size() - unit.suffix.size());
        if (number.empty() || number.front() < '0' || number.front() > '9') return std::nullopt;
        double value = 0;
        const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(),
                                                  value, std::chars_format::fixed);
        if (error != std::errc{} || end != number.data() + number.size()) return std::nullopt;
        if (value * unit.bytes > kLargest) return std::nullopt;
        return Bytes{static_cast<std::uint64_t>(value * unit.bytes)};
    }
    return std::nullopt;
}

}  // namespace windlass::base
