// One switch for each of two actions.
#include "http/order_query.h"

#include <fmt/core.h>

#include <string>

namespace windlass::http {
namespace {

struct Parameter {
    std::string_view name;
    std::string_view value;
};

Parameter take_parameter(std::string_view& query) {
    const std::string_view whole = query.substr(0, query.find('&'));
    query.remove_prefix(whole.size() + (whole.size() < query.size() ? 1 : 0));
    const std::size_t mark = whole.find('=');
    if (mark == std::string_view::npos) return {.name = whole, .value = ""};
    return {.name = whole.substr(0, mark), .value = whole.substr(mark + 1)};
}

std::string_view known_to(ModelAction action) {
    if (action == ModelAction::load) return "it knows wait=0 (answer at once) and wait=1";
    if (action == ModelAction::unload) return "it knows force (give no grace) and force=0";
    return "it knows none";
}

}  // namespace

base::Result<OrderQuery> read_order_query(ModelAction action, std::string_view query) {
    OrderQuery read;
    while (!query.empty()) {
        const auto [name, value] = take_parameter(query);
        const bool is_on = value == "1" || value == "true";
        const bool is_off = value == "0" || value == "false";
        if (action == ModelAction::load && name == "wait" && (is_on || is_off)) {
            read.is_hint = is_off;
        } else if (action == ModelAction::unload && name == "force" &&
                   (value.empty() || is_on || is_off)) {
            read.is_forced = !is_off;
        } else {
            return base::fail(base::Errc::invalid_input,
                              fmt::format("the order has no parameter {}{}{}; {}", name,
                                          value.empty() ? "" : "=", value, known_to(action)));
        }
    }
    return read;
}

}  // namespace windlass::http
