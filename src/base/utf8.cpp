// UTF-8, as Unicode 15 defines it.
#include "base/utf8.h"

#include <algorithm>

namespace windlass::base {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

// What the first byte of a sequence demands of it (Unicode 15, table 3-7).
struct Sequence {
    std::size_t size = 0;  // 0: no sequence begins with this byte
    unsigned char second_min = 0x80;
    unsigned char second_max = 0xBF;
};

Sequence sequence_of(char first) {
    const auto byte = static_cast<unsigned char>(first);
    if (byte < 0x80) return {.size = 1};
    if (byte >= 0xC2 && byte <= 0xDF) return {.size = 2};
    if (byte == 0xE0) return {.size = 3, .second_min = 0xA0};
    if (byte == 0xED) return {.size = 3, .second_max = 0x9F};  // above it: surrogates
    if (byte >= 0xE1 && byte <= 0xEF) return {.size = 3};
    if (byte == 0xF0) return {.size = 4, .second_min = 0x90};
    if (byte >= 0xF1 && byte <= 0xF3) return {.size = 4};
    if (byte == 0xF4) return {.size = 4, .second_max = 0x8F};
    return {};
}

// How many bytes at the front of `text` belong together, and whether they are a character.
struct Front {
    std::size_t size = 1;
    bool is_valid = false;
};

Front front_of(std::string_view text) {
    const Sequence sequence = sequence_of(text.front());
    if (sequence.size == 0) return {};
    for (std::size_t index = 1; index < sequence.size; ++index) {
        if (index == text.size() || !is_continuation(text[index])) return {.size = index};
        const auto byte = static_cast<unsigned char>(text[index]);
        if (index == 1 && (byte < sequence.second_min || byte > sequence.second_max)) return {};
    }
    return {.size = sequence.size, .is_valid = true};
}

}  // namespace

std::string to_valid_utf8(std::string_view text) {
    std::string valid;
    valid.reserve(text.size());
    while (!text.empty()) {
        const Front front = front_of(text);
        valid.append(front.is_valid ? text.substr(0, front.size) : kReplacement);
        text.remove_prefix(front.size);
    }
    return valid;
}

std::size_t whole_characters_size(std::string_view text) {
    std::size_t cut = text.size();
    const std::size_t earliest = cut - std::min<std::size_t>(cut, 4);
    while (cut > earliest && is_continuation(text[cut - 1])) --cut;
    const bool is_split = cut > 0 && sequence_of(text[cut - 1]).size > text.size() - cut + 1;
    return is_split ? cut - 1 : text.size();
}

}  // namespace windlass::base
