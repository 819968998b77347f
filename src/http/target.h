// The request target of RFC 9112 section 3.2: which path is meant, and on which host.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace windlass::http {

struct Target {
    std::vector<std::string> segments;          // percent-decoded; "/" has none, "/a/" has "a", ""
    std::string_view query = {};                // as it came, without its "?"
    std::optional<std::string_view> authority;  // of the absolute form; it outranks the Host header
};

// Reads "/a/b%20c?query" and "http://host:port/a". Empty when it is neither or an escape is broken.
// `authority` and `query` point into `target`.
std::optional<Target> parse_target(std::string_view target);

// "a%20b" is "a b". Empty when an escape is broken.
std::optional<std::string> percent_decode(std::string_view text);

}  // namespace windlass::http
