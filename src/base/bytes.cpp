// Amounts of memory to and from text.
#include "base/bytes.h"

#include <fmt/core.h>

#include <array>

#include "base/decimal.h"

namespace windlass::base {
namespace {

struct ByteUnit {
    std::string_view suffix;
    double bytes;
};

// Longest suffix first: every one ends in "B".
constexpr std::array kByteUnits = {
    ByteUnit{"KiB", 0x1p10}, ByteUnit{"MiB", 0x1p20}, ByteUnit{"GiB", 0x1p30},
    ByteUnit{"TiB", 0x1p40}, ByteUnit{"kB", 1e3},     ByteUnit{"MB", 1e6},
    ByteUnit{"GB", 1e9},     ByteUnit{"TB", 1e12},    ByteUnit{"B", 1},
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
    for (const ByteUnit& unit : kByteUnits) {
        if (!text.ends_with(unit.suffix)) continue;
        const auto value = parse_decimal(text.substr(0, text.size() - unit.suffix.size()));
        if (!value) return std::nullopt;
        if (*value * unit.bytes > kLargest) return std::nullopt;
        return Bytes{static_cast<std::uint64_t>(*value * unit.bytes)};
    }
    return std::nullopt;
}

}  // namespace windlass::base
