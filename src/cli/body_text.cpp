// Types and encodings of bodies.
#include "cli/body_text.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "cli/output_json.h"

namespace windlass::cli {
namespace {

// Length of the UTF-8 character that `text` begins with, 0 when it is none: RFC 3629 section 4.
std::size_t character_length(std::string_view text) {
    const auto byte = [&](std::size_t i) -> unsigned {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
    };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0U) != 0x80) return 0;
    }
    const unsigned second = byte(1);
    const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
    const bool surrogate = first == 0xED && second >= 0xA0;
    const bool beyond = first == 0xF4 && second >= 0x90;
    return overlong || surrogate || beyond ? 0 : length;
}

std::string without_controls(std::string_view text, bool keep_breaks) {
    std::string result{text};
    for (char& c : result) {
        const bool control = static_cast<unsigned char>(c) < 0x20 || c == '\x7f';
        if (control && !(keep_breaks && (c == '\n' || c == '\t'))) c = ' ';
    }
    return result;
}

}  // namespace

std::string one_line(std::string_view text) { return without_controls(text, false); }

std::string several_lines(std::string_view text) { return without_controls(text, true); }

bool is_utf8(std::string_view body) {
    while (!body.empty()) {
        const std::size_t length = character_length(body);
        if (length == 0) return false;
        body.remove_prefix(length);
    }
    return true;
}

bool is_text(std::string_view body) {
    const auto control = [](char c) {
        return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t') ||
               c == '\x7f';
    };
    return std::ranges::none_of(body, control) && is_utf8(body);
}

std::string to_base64(std::string_view body) {
    constexpr std::string_view kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    text.reserve((body.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < body.size(); i += 3) {
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k) {
            const unsigned char byte =
                i + k < body.size() ? static_cast<unsigned char>(body[i + k]) : 0;
            group = group << 8 | byte;
        }
        const std::size_t digits = std::min<std::size_t>(body.size() - i, 3) + 1;
        for (std::size_t k = 0; k < 4; ++k)
            text += k < digits ? kDigits[group >> (18 - 6 * k) & 0x3FU] : '=';
    }
    return text;
}

std::string type_of_file(std::string_view path) {
    struct Type {
        std::string_view ending;
        const char* type;
    };
    static constexpr std::array kTypes = {
        Type{".json", "application/json"}, Type{".npy", "application/x-npy"},
        Type{".txt", "text/plain"},        Type{".png", "image/png"},
        Type{".jpg", "image/jpeg"},        Type{".jpeg", "image/jpeg"},
        Type{".wav", "audio/wav"},
    };
    for (const Type& type : kTypes) {
        if (path.ends_with(type.ending)) return type.type;
    }
    return "application/octet-stream";
}

std::string type_of_text(std::string_view text) {
    return reads_as_json(text) ? "application/json" : "text/plain";
}

}  // namespace windlass::cli
