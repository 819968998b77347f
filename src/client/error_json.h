// Reads the error bodies of the API.
#pragma once

#include <optional>
#include <string_view>

#include "windlass/client.h"

namespace windlass::client {

// {"error": {"type": "...", "message": "...", ...}}; unknown keys are ignored. Empty when it is not
// JSON or has no type. http_status and exit_code are left alone.
std::optional<Failure> parse_error_body(std::string_view body);

}  // namespace windlass::client
