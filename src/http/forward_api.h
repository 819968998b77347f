// Requests under /api/models/{model}/http/...: what of them goes on to the model's own program, and
// both directions between the two. Thread: the loop's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "http/api.h"
#include "http/reply.h"
#include "http/request_body.h"
#include "http/request_parser.h"
#include "io/loop.h"

namespace windlass::http {

// What the program is sent, but for its Host.
struct ForwardRequest {
    CallRequest limits;        // without content: whose it is, and how long it may wait
    std::string request_line;  // "GET /v1/models?all HTTP/1.1"
    std::string fields;        // of the head, each ended by CRLF
    bool has_body = false;
    bool is_chunked = false;  // the body, whose length nobody knows
    bool is_head = false;     // its answer has no body
};

// What belongs to the connection, or to Windlass, stays here: RFC 9110 section 7.6.1, and the
// X-Windlass fields.
base::Result<ForwardRequest> read_forward(std::string model, const RequestHead& head);

struct ForwardMeans {
    io::Loop& loop;
    base::Duration body_timeout;  // so long nothing may come of a body for which the program waits
};

// Returns as perform() does. `body` is taken as the program takes it.
std::uint64_t perform_forward(ForwardRequest request, std::shared_ptr<RequestBody> body,
                              Backend& backend, ForwardMeans means, Respond respond);

}  // namespace windlass::http
