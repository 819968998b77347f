// One request as it is written down when it is over: for the access log and the metrics.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"

namespace windlass::http {

// What a reply leaves behind for the record, beside what its client sees.
struct Trace {
    std::string request_id = {};       // "r17"; empty: it got none, or was not answered
    std::string_view error_type = {};  // a literal; empty: it was answered
    bool has_run = false;              // then these count
    base::Duration queue = {};
    base::Duration load = {};
    base::Duration run = {};
};

// The texts last until the function that is given the record returns. What a client sent is in
// them as it came: any bytes.
struct ExchangeRecord {
    std::string_view client;    // "127.0.0.1:40112", "[::1]:40112" or "unix"
    std::string_view method;    // empty, as the next three, when the head could not be read
    std::string_view target;    // path and query
    std::string_view route;     // "call", "load", "models", ...
    std::string_view model;     // as in the path, known or not
    std::string_view variant;   // as a call's header names it; empty: it does not
    std::uint64_t request = 0;  // the backend's number, if it had one and was not answered
    int status = 0;             // 499: the client went away before it had an answer
    Trace trace;
    base::Duration total = {};   // first byte of the request to last byte of the reply
    std::uint64_t bytes_in = 0;  // of the bodies, without heads
    std::uint64_t bytes_out = 0;
};

}  // namespace windlass::http
