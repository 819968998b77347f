// A flat store for header fields.
#include "http/headers.h"

#include <algorithm>

namespace windlass::http {
namespace {

// Enough for what clients send by themselves. A connection that is idle keeps no more.
constexpr std::size_t kTextKept = 1'024;

constexpr char to_lower_ascii(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
               return to_lower_ascii(x) == to_lower_ascii(y);
           });
}

void Headers::add(std::string_view name, std::string_view value) {
    fields_.push_back(Field{.begin = static_cast<std::uint32_t>(text_.size()),
                            .name_size = static_cast<std::uint32_t>(name.size()),
                            .value_size = static_cast<std::uint32_t>(value.size())});
    text_.append(name).append(value);
}

void Headers::clear() {
    text_.clear();
    fields_.clear();
    if (text_.capacity() <= kTextKept) return;
    text_ = {};
    fields_ = {};
}

std::string_view Headers::name_of(const Field& field) const {
    return std::string_view{text_}.substr(field.begin, field.name_size);
}

Headers::Line Headers::at(std::size_t index) const {
    const Field& field = fields_[index];
    return {
        .name = name_of(field),
        .value = std::string_view{text_}.substr(field.begin + field.name_size, field.value_size)};
}

std::optional<std::string_view> Headers::find(std::string_view name) const {
    const auto field = std::ranges::find_if(
        fields_, [&](const Field& f) { return equal_ignoring_case(name_of(f), name); });
    if (field == fields_.end()) return std::nullopt;
    return std::string_view{text_}.substr(field->begin + field->name_size, field->value_size);
}

std::size_t Headers::count(std::string_view name) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        fields_, [&](const Field& f) { return equal_ignoring_case(name_of(f), name); }));
}

}  // namespace windlass::http
