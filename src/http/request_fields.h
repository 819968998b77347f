// Reads the X-Windlass-* header fields of a request. Every error is an invalid_input that names the
// field and shows a right value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "http/headers.h"

namespace windlass::http {

// A field that decides something must not be there twice: which one counts would be a guess.
base::Result<std::optional<std::string_view>> find_single(const Headers& headers,
                                                          std::string_view name);

enum class ZeroDuration : std::uint8_t { allowed, refused };

base::Result<std::optional<base::Duration>> read_duration(const Headers& headers,
                                                          std::string_view name, ZeroDuration zero);
// 0 to 9.
base::Result<std::optional<unsigned>> read_priority(const Headers& headers);
// [A-Za-z0-9._-]{1,64}.
base::Result<std::optional<std::string>> read_variant(const Headers& headers);
// Empty when there is none. Only printable ASCII: it travels on in the worker's JSON.
base::Result<std::string> read_content_type(const Headers& headers);

}  // namespace windlass::http
