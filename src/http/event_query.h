// What stands behind the "?" of GET /api/events.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/event_record.h"
#include "base/result.h"
#include "http/headers.h"

namespace windlass::http {

struct EventRequest {
    base::EventQuery query = {};
    bool is_followed = false;  // answered as a stream

    friend bool operator==(const EventRequest&, const EventRequest&) = default;
};

// `query` as it came; `now_ms` since 1970, for times that lie so and so far back. invalid_input,
// with the parameter's name, for what cannot be read.
base::Result<EventRequest> read_event_request(std::string_view query, const Headers& headers,
                                              std::int64_t now_ms);

}  // namespace windlass::http
