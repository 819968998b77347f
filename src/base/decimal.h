// Reads "12" and "1.5": digits, with or without a fraction; no sign, no exponent, no space.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace windlass::base {

inline std::optional<double> parse_decimal(std::string_view text) {
    if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
    double value = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, value, std::chars_format::fixed);
    if (error != std::errc{} || end != last) return std::nullopt;
    return value;
}

}  // namespace windlass::base
