// What stands behind the "?" of a target, one parameter after the other.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace windlass::http {

using TakeParameter = std::function<base::Result<void>(std::string_view name, std::string value)>;

// `query` as it came; values are percent-decoded, "a" is "a" with an empty value. Ends at the first
// error: invalid_input where an escape is broken, or what `take` says.
base::Result<void> take_parameters(std::string_view query, const TakeParameter& take);

// invalid_input: "NAME=VALUE cannot be read; EXPECTED".
base::Error bad_parameter(std::string_view name, std::string_view value, std::string_view expected);

// A switch: "", "1" and "true" are on, "0" and "false" off.
base::Result<bool> read_switch(std::string_view name, std::string_view value);

}  // namespace windlass::http
