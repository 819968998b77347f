// The grammar of RFC 8259, top down.
#include "client/json_reader.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace windlass::client {
namespace {

constexpr int kDepthMax = 32;  // the bodies have four levels; the limit guards the stack

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

void append_utf8(std::string& text, unsigned code_point) {
    const auto append = [&](unsigned byte) { text += static_cast<char>(byte); };
    const auto append_tail = [&](unsigned shift) {
        append(0x80U | ((code_point >> shift) & 0x3fU));
    };
    if (code_point < 0x80) {
        append(code_point);
    } else if (code_point < 0x800) {
        append(0xc0U | (code_point >> 6U));
        append_tail(0);
    } else if (code_point < 0x10000) {
        append(0xe0U | (code_point >> 12U));
        append_tail(6);
        append_tail(0);
    } else {
        append(0xf0U | (code_point >> 18U));
        append_tail(12);
        append_tail(6);
        append_tail(0);
    }
}

bool is_high_surrogate(unsigned unit) { return unit >= 0xd800 && unit < 0xdc00; }
bool is_low_surrogate(unsigned unit) { return unit >= 0xdc00 && unit < 0xe000; }

std::optional<char> find_short_escape(char c) {
    switch (c) {
        case '"':
        case '\\':
        case '/': return c;
        case 'b': return '\b';
        case 'f': return '\f';
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        default: return std::nullopt;
    }
}

std::size_t digits_size(std::string_view text) {
    return std::min(text.find_first_not_of("0123456789"), text.size());
}

// Length of the number that `text` begins with (RFC 8259 section 6); 0 when there is none.
// std::from_chars takes more: "01", "1.", "-inf".
std::size_t number_size(std::string_view text) {
    std::size_t size = text.starts_with('-') ? 1 : 0;
    const std::size_t whole = digits_size(text.substr(size));
    if (whole == 0 || (whole > 1 && text[size] == '0')) return 0;
    size += whole;
    if (text.substr(size).starts_with('.')) {
        const std::size_t fraction = digits_size(text.substr(size + 1));
        if (fraction == 0) return 0;
        size += 1 + fraction;
    }
    if (const std::string_view rest = text.substr(size);
        rest.starts_with('e') || rest.starts_with('E')) {
        const std::size_t sign = rest.substr(1).starts_with('-') || rest.substr(1).starts_with('+');
        const std::size_t exponent = digits_size(rest.substr(1 + sign));
        if (exponent == 0) return 0;
        size += 1 + sign + exponent;
    }
    return size;
}

// Control characters must be escaped within a string (RFC 8259 section 7).
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20; }

}  // namespace

char JsonReader::peek() {
    while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
    return rest_.empty() ? '\0' : rest_.front();
}

bool JsonReader::take(char c) {
    if (peek() != c) return false;
    rest_.remove_prefix(1);
    return true;
}

bool JsonReader::take_word(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
}

bool JsonReader::is_at_end() { return peek() == '\0' && rest_.empty(); }

bool JsonReader::read_object(const std::function<bool(std::string_view key)>& on_key) {
    if (!take('{') || ++depth_ > kDepthMax) return false;
    if (!take('}')) {
        std::string key;
        do {
            if (!read_string(key) || !take(':') || !on_key(key)) return false;
        } while (take(','));
        if (!take('}')) return false;
    }
    --depth_;
    return true;
}

bool JsonReader::read_array(const std::function<bool()>& on_value) {
    if (!take('[') || ++depth_ > kDepthMax) return false;
    if (!take(']')) {
        do {
            if (!on_value()) return false;
        } while (take(','));
        if (!take(']')) return false;
    }
    --depth_;
    return true;
}

bool JsonReader::skip_value() {
    std::string text;
    switch (peek()) {
        case '{': return read_object([this](std::string_view) { return skip_value(); });
        case '[': return read_array([this] { return skip_value(); });
        case '"': return read_string(text);
        case 't': return take_word("true");
        case 'f': return take_word("false");
        case 'n': return take_word("null");
        default: return skip_number();
    }
}

// One that no double can hold is well-formed all the same.
bool JsonReader::skip_number() {
    peek();
    const std::size_t size = number_size(rest_);
    rest_.remove_prefix(size);
    return size > 0;
}

bool JsonReader::read_number(double& number) {
    peek();
    const std::size_t size = number_size(rest_);
    const char* const begin = rest_.data();
    const auto [stop, error] = std::from_chars(begin, begin + size, number);
    if (size == 0 || error != std::errc{}) return false;
    rest_.remove_prefix(size);
    return true;
}

bool JsonReader::read_count(std::uint64_t& count) {
    peek();
    const std::size_t size = number_size(rest_);
    const char* const begin = rest_.data();
    const auto [stop, error] = std::from_chars(begin, begin + size, count);
    if (size == 0 || error != std::errc{} || stop != begin + size) return false;
    rest_.remove_prefix(size);
    return true;
}

bool JsonReader::take_null() { return peek() == 'n' && take_word("null"); }

bool JsonReader::read_bool(bool& value) {
    value = peek() == 't';
    return take_word(value ? "true" : "false");
}

bool JsonReader::read_string(std::string& text) {
    text.clear();
    if (!take('"')) return false;
    while (!rest_.empty()) {
        const std::size_t plain = std::min(rest_.find_first_of("\"\\"), rest_.size());
        if (std::ranges::any_of(rest_.substr(0, plain), is_control)) return false;
        text += rest_.substr(0, plain);
        rest_.remove_prefix(plain);
        if (take_word("\"")) return true;
        if (!take_word("\\") || !read_escape(text)) return false;
    }
    return false;
}

bool JsonReader::read_escape(std::string& text) {
    if (rest_.empty()) return false;
    if (const auto byte = find_short_escape(rest_.front())) {
        text += *byte;
        rest_.remove_prefix(1);
        return true;
    }
    unsigned unit = 0;
    if (!take_word("u") || !read_code_unit(unit) || is_low_surrogate(unit)) return false;
    if (is_high_surrogate(unit)) {
        unsigned low = 0;
        if (!take_word("\\u") || !read_code_unit(low) || !is_low_surrogate(low)) return false;
        unit = 0x10000U + ((unit - 0xd800U) << 10U) + (low - 0xdc00U);
    }
    append_utf8(text, unit);
    return true;
}

bool JsonReader::read_code_unit(unsigned& unit) {
    constexpr std::size_t kDigits = 4;
    if (rest_.size() < kDigits) return false;
    const char* const begin = rest_.data();
    const auto [stop, error] = std::from_chars(begin, begin + kDigits, unit, 16);
    if (error != std::errc{} || stop != begin + kDigits) return false;
    rest_.remove_prefix(kDigits);
    return true;
}

}  // namespace windlass::client
