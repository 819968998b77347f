// Four characters are three bytes.
#include "http/base64.h"

#include <array>
#include <cstdint>

namespace windlass::http {
namespace {

constexpr std::uint8_t kNone = 64;

constexpr auto kValues = [] {
    constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::array<std::uint8_t, 256> values{};
    values.fill(kNone);
    for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
        values.at(static_cast<unsigned char>(kAlphabet[i])) = static_cast<std::uint8_t>(i);
    }
    return values;
}();

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::size_t padding = 0;
    while (padding < 2 && text.ends_with('=')) {
        text.remove_suffix(1);
        ++padding;
    }
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3 + 3);
    std::uint32_t bits = 0;
    unsigned bit_count = 0;
    for (const char c : text) {
        const std::uint8_t value = kValues[static_cast<unsigned char>(c)];
        if (value == kNone) return std::nullopt;
        bits = (bits << 6U) | value;
        bit_count += 6;
        if (bit_count < 8) continue;
        bit_count -= 8;
        bytes.push_back(static_cast<char>(bits >> bit_count & 0xFFU));
    }
    // What is left over of the last character must be nothing.
    if ((bits & ((1U << bit_count) - 1)) != 0) return std::nullopt;
    return bytes;
}

}  // namespace windlass::http
