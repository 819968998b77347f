// Where the daemon is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace windlass::client {

struct Url {
    // IP addresses, to be tried in this order; or one absolute path, of a Unix socket.
    std::vector<std::string> addresses;
    std::uint16_t port = 0;  // 0 of a Unix socket
    std::string host_field;  // as it stands in the Host header: "[::1]:7411"
};

// Reads "http://HOST[:PORT][/]" and "unix:/PATH". A HOST is an IP address or "localhost": looking
// up a name can block for longer than any deadline. A PATH is taken as it stands, without % codes.
// Errors: invalid_input.
base::Result<Url> parse_url(const std::string& text);

// Every byte that may not stand in a path segment as % and two digits.
std::string percent_encode(std::string_view text);

}  // namespace windlass::client
