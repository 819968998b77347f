// Splits and decodes request targets.
#include "http/target.h"

#include "http/headers.h"

namespace windlass::http {
namespace {

constexpr std::size_t kSegmentsUsual = 4;  // api/models/NAME/call

std::optional<unsigned> hexadecimal_digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
    return std::nullopt;
}

// "http://host:port/path" -> authority "host:port", rest "/path".
bool take_authority(std::string_view& rest, Target& target) {
    constexpr std::string_view kScheme = "http://";
    if (!equal_ignoring_case(rest.substr(0, kScheme.size()), kScheme)) return false;
    rest.remove_prefix(kScheme.size());
    const std::size_t size = std::min(rest.find_first_of("/?"), rest.size());
    target.authority = rest.substr(0, size);
    rest.remove_prefix(size);
    return true;
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text) {
    if (text.find('%') == std::string_view::npos) return std::string{text};
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            decoded += text[i];
            continue;
        }
        if (i + 2 >= text.size()) return std::nullopt;
        const auto high = hexadecimal_digit(text[i + 1]);
        const auto low = hexadecimal_digit(text[i + 2]);
        if (!high || !low) return std::nullopt;
        decoded += static_cast<char>(*high * 16 + *low);
        i += 2;
    }
    return decoded;
}

std::optional<Target> parse_target(std::string_view text) {
    Target target;
    if (!text.starts_with('/') && !take_authority(text, target)) return std::nullopt;
    text = text.substr(0, text.find('#'));
    if (const std::size_t mark = text.find('?'); mark != std::string_view::npos) {
        target.query = text.substr(mark + 1);
        text = text.substr(0, mark);
    }
    if (text.empty() || text == "/") return target;
    text.remove_prefix(1);
    target.segments.reserve(kSegmentsUsual);
    for (;;) {
        const std::size_t size = std::min(text.find('/'), text.size());
        auto segment = percent_decode(text.substr(0, size));
        if (!segment) return std::nullopt;
        target.segments.push_back(std::move(*segment));
        if (size == text.size()) return target;
        text.remove_prefix(size + 1);
    }
}

}  // namespace windlass::http
