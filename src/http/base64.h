// Base64 of RFC 4648 section 4.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace windlass::http {

// Padded, without spaces or line breaks; empty when it is not that.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace windlass::http
