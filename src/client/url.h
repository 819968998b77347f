// Where the daemon is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace windlass::client {

struct Url {
    std::vector<std::string> addresses;  // IP addresses, to be tried in this order
    std::uint16_t port;
    std::string host_field;  // as it stands in the Host header: "[::1]:7411"
};

// Reads "http://HOST[:PORT][/]". Only IP addresses and "localhost": looking up a name can block for
// longer than any deadline. Errors: invalid_input.
base::Result<Url> parse_url(const std::string& text);

// Every byte that may not stand in a path segment as % and two digits.
std::string percent_encode(std::string_view text);

}  // namespace windlass::client
