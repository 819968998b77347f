// Queries of the HTTP API, parameter by parameter.
#pragma once

#include <string>
#include <string_view>

namespace windlass::cli {

// Appends "name=value" with what has a meaning in a query written as % and digits; nothing when the
// value is empty.
void add_parameter(std::string& query, std::string_view name, std::string_view value);

}  // namespace windlass::cli
