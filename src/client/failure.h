// Failures out of errors.
#pragma once

#include "base/error.h"
#include "windlass/client.h"

namespace windlass::client {

// With the type's exit code; http_status stays 0.
Failure to_failure(const base::Error& error);

// The failure that a reply with a status other than 200 stands for. `where` is the daemon's URL.
struct ErrorReply {
    int status;
    std::string_view body;
    std::string_view where;
};
Failure to_failure(const ErrorReply& reply);

}  // namespace windlass::client
