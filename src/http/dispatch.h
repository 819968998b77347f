// From a request to whoever answers it, in two steps, so that a request that is refused for its
// head costs no body.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "http/api.h"
#include "http/event_query.h"
#include "http/forward_api.h"
#include "http/jobs_api.h"
#include "http/listener.h"
#include "http/order_query.h"
#include "http/origin_guard.h"
#include "http/request_parser.h"
#include "http/router.h"

namespace windlass::http {

struct Task {
    Route route;
    ModelAction action = {};  // of an order
    OrderQuery query = {};    // likewise
    EventRequest events = {};
    JobTask job = {};
    std::optional<ForwardRequest> forward = {};  // of a forward, which perform_forward() is for
    CallRequest call;  // of an order only `model` and `timeout` count, of GETs `model`
};

// What the request with that head asks for, or the reply that refuses it. Passed on by its address:
// it is large, and moved often.
std::expected<std::unique_ptr<Task>, Reply> plan(const RequestHead& head, Transport transport,
                                                 const OriginGuard& guard);

// Returns the backend's number of what was begun, of the route `job` that of JobBackend; 0 when
// `respond` was called already, or what was begun is not withdrawn when its client goes away.
// `counters` is what the server knows itself.
std::uint64_t perform(std::unique_ptr<Task> task, std::string body, Backend& backend,
                      const ConnectionCounters& counters, Respond respond);

}  // namespace windlass::http
