// Cuts queries at "&" and "=".
#include "http/query_parameters.h"

#include <fmt/core.h>

#include "http/target.h"

namespace windlass::http {

base::Error bad_parameter(std::string_view name, std::string_view value,
                          std::string_view expected) {
    return base::fail(base::Errc::invalid_input,
                      fmt::format("{}={} cannot be read; {}", name, value, expected));
}

base::Result<void> take_parameters(std::string_view query, const TakeParameter& take) {
    while (!query.empty()) {
        const std::string_view whole = query.substr(0, query.find('&'));
        query.remove_prefix(whole.size() + (whole.size() < query.size() ? 1 : 0));
        if (whole.empty()) continue;
        const std::size_t mark = std::min(whole.find('='), whole.size());
        auto value = percent_decode(whole.substr(std::min(mark + 1, whole.size())));
        if (!value) return bad_parameter(whole.substr(0, mark), "...", "its % escapes are broken");
        WL_TRY(take(whole.substr(0, mark), std::move(*value)));
    }
    return {};
}

base::Result<bool> read_switch(std::string_view name, std::string_view value) {
    if (value.empty() || value == "1" || value == "true") return true;
    if (value == "0" || value == "false") return false;
    return bad_parameter(name, value, "write 1 or 0");
}

}  // namespace windlass::http
