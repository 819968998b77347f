// Fields of parsed JSON.
#include "cli/json_fields.h"

#include <fmt/core.h>

#include <boost/json.hpp>

namespace windlass::cli {
namespace {

namespace json = boost::json;

template <class Number>
std::optional<Number> find_number(const json::object& object, std::string_view key) {
    const json::value* const value = object.if_contains(key);
    if (value == nullptr || !value->is_number()) return std::nullopt;
    boost::system::error_code error;
    const Number number = value->to_number<Number>(error);
    if (error) return std::nullopt;
    return number;
}

}  // namespace

std::string read_text(const json::object& object, std::string_view key) {
    const json::value* const value = object.if_contains(key);
    return value != nullptr && value->is_string() ? std::string{value->get_string()}
                                                  : std::string{};
}

std::optional<double> read_number(const json::object& object, std::string_view key) {
    return find_number<double>(object, key);
}

std::optional<std::uint64_t> read_count(const json::object& object, std::string_view key) {
    return find_number<std::uint64_t>(object, key);
}

std::uint64_t count_field(const boost::json::object& object, std::string_view key) {
    return read_count(object, key).value_or(0);
}

base::Error not_a_daemon(std::string_view subject) {
    return base::fail(
        base::Errc::data_corrupt,
        fmt::format("the answer is not what a Windlass daemon says of its {}; is `--url` one?",
                    subject));
}

void for_each_object(const json::object& object, std::string_view key,
                     const std::function<void(const json::object&)>& read) {
    const json::value* const list = object.if_contains(key);
    if (list == nullptr || !list->is_array()) return;
    for (const json::value& item : list->get_array()) {
        if (item.is_object()) read(item.get_object());
    }
}

}  // namespace windlass::cli
