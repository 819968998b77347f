// Numbers in the texts of /proc and of cgroups. Pure.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace windlass::device {

// The number that `text` begins with.
template <class Number>
std::optional<Number> parse_front(std::string_view text) {
    Number number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc{}) return std::nullopt;
    return number;
}

// The number that `text` is, but for a line break at its end.
template <class Number>
std::optional<Number> parse_whole(std::string_view text) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    Number number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc{} || read.ptr != text.data() + text.size()) return std::nullopt;
    return number;
}

// The number after the line's first word, which is `key`: "MemTotal:    24684092 kB".
inline std::optional<std::uint64_t> find_keyed(std::string_view text, std::string_view key) {
    while (!text.empty()) {
        const std::size_t line_end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, line_end);
        text.remove_prefix(std::min(line_end + 1, text.size()));
        if (!line.starts_with(key)) continue;
        line.remove_prefix(key.size());
        const std::size_t number = line.find_first_not_of(' ');
        if (number == 0 || number == std::string_view::npos) continue;
        return parse_front<std::uint64_t>(line.substr(number));
    }
    return std::nullopt;
}

// The same in kB, which /proc means as KiB (proc(5)).
inline std::optional<base::Bytes> find_kibibytes(std::string_view text, std::string_view key) {
    constexpr std::uint64_t kMost = std::uint64_t{1} << 50U;  // an exbibyte
    const auto count = find_keyed(text, key);
    if (!count || *count > kMost) return std::nullopt;
    return base::Bytes{*count << 10U};
}

}  // namespace windlass::device
