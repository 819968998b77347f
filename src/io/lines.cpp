// Lines and UTF-8.
#include "io/lines.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace windlass::io {
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

void LineSplitter::feed(std::span<const char> bytes) {
    std::string_view text{bytes.data(), bytes.size()};
    while (true) {
        const std::size_t end = text.find_first_of("\r\n");
        append(text.substr(0, end));
        if (end == std::string_view::npos) return;
        deliver(line_.size());
        text.remove_prefix(end + 1);
    }
}

void LineSplitter::finish() { deliver(line_.size()); }

void LineSplitter::append(std::string_view text) {
    while (!text.empty()) {
        const std::size_t taken = std::min(text.size(), kLineSizeMax - line_.size());
        line_.append(text.substr(0, taken));
        text.remove_prefix(taken);
        if (line_.size() < kLineSizeMax) return;
        // Leaves a character that may not be complete for the next piece.
        std::size_t cut = line_.size();
        while (cut > line_.size() - 4 && is_continuation(line_[cut - 1])) --cut;
        const bool is_split = cut > 0 && sequence_of(line_[cut - 1]).size > line_.size() - cut + 1;
        deliver(is_split ? cut - 1 : line_.size());
    }
}

void LineSplitter::deliver(std::size_t size) {
    if (size == 0) return;
    std::string piece = to_valid_utf8(std::string_view{line_}.substr(0, size));
    line_.erase(0, size);
    sink_(std::move(piece));
}

}  // namespace windlass::io
