// Written by hand: Boost.JSON prints 12.0 as 1.2E1, which people do not want to read.
#include "http/json_writer.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <limits>

#include "base/digits.h"

namespace windlass::http {
namespace {

// How long the well-formed UTF-8 sequence at the front of `text` is; 0 when there is none (Unicode
// 15, table 3-7: the second byte has the narrower ranges).
std::size_t utf8_sequence_size(std::string_view text) {
    const auto byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const auto within = [&](std::size_t i, unsigned low, unsigned high) {
        return byte(i) >= low && byte(i) <= high;
    };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (first < 0xc2 || first > 0xf4) return 0;
    if (first < 0xe0) return within(1, 0x80, 0xbf) ? 2 : 0;
    if (first < 0xf0) {
        const unsigned low = first == 0xe0 ? 0xa0 : 0x80;
        const unsigned high = first == 0xed ? 0x9f : 0xbf;
        return within(1, low, high) && within(2, 0x80, 0xbf) ? 3 : 0;
    }
    const unsigned low = first == 0xf0 ? 0x90 : 0x80;
    const unsigned high = first == 0xf4 ? 0x8f : 0xbf;
    return within(1, low, high) && within(2, 0x80, 0xbf) && within(3, 0x80, 0xbf) ? 4 : 0;
}

// How many bytes at the front of `text` are written as they are.
std::size_t plain_size(std::string_view text) {
    const auto is_plain = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
    return static_cast<std::size_t>(std::ranges::find_if_not(text, is_plain) - text.begin());
}

void append_ascii(std::string& out, char c) {
    switch (c) {
        case '"': out += "\\\""; return;
        case '\\': out += "\\\\"; return;
        case '\n': out += "\\n"; return;
        case '\r': out += "\\r"; return;
        case '\t': out += "\\t"; return;
        default: break;
    }
    if (static_cast<unsigned char>(c) < 0x20) {
        out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
        out += c;
    }
}

}  // namespace

void JsonWriter::separate() {
    if (after_value_) text_ += ',';
    after_value_ = true;
}

JsonWriter& JsonWriter::begin(char bracket) {
    separate();
    text_ += bracket;
    after_value_ = false;
    return *this;
}

JsonWriter& JsonWriter::end(char bracket) {
    text_ += bracket;
    after_value_ = true;
    return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
    string(name);
    text_ += ':';
    after_value_ = false;
    return *this;
}

JsonWriter& JsonWriter::string(std::string_view text) {
    separate();
    text_ += '"';
    while (true) {
        const std::size_t plain = plain_size(text);
        text_ += text.substr(0, plain);
        text.remove_prefix(plain);
        if (text.empty()) break;
        const std::size_t size = utf8_sequence_size(text);
        if (size == 0) {
            text_ += "\\ufffd";
        } else if (size == 1) {
            append_ascii(text_, text.front());
        } else {
            text_ += text.substr(0, size);
        }
        text.remove_prefix(size == 0 ? 1 : size);
    }
    text_ += '"';
    return *this;
}

JsonWriter& JsonWriter::number(std::uint64_t value) {
    separate();
    std::array<char, std::numeric_limits<std::uint64_t>::digits10 + 1> digits{};
    char* const end = std::to_chars(digits.begin(), digits.end(), value).ptr;
    text_.append(digits.begin(), end);
    return *this;
}

JsonWriter& JsonWriter::value(std::string_view json) {
    separate();
    text_ += json;
    return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
    separate();
    text_ += value ? "true" : "false";
    return *this;
}

JsonWriter& JsonWriter::null() {
    separate();
    text_ += "null";
    return *this;
}

JsonWriter& JsonWriter::seconds(base::Duration duration) {
    separate();
    text_ += fmt::format("{:.3f}", base::to_milliseconds(duration) / 1e3);
    return *this;
}

JsonWriter& JsonWriter::milliseconds(base::Duration duration) {
    separate();
    base::append_milliseconds(text_, duration);
    return *this;
}

}  // namespace windlass::http
