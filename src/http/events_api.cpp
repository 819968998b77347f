// Events as one list, or as a stream of those that are and those that come.
#include "http/events_api.h"

#include <utility>

#include "http/event_text.h"

namespace windlass::http {
namespace {

Reply stream_reply(base::EventQuery query, Backend& backend) {
    Reply reply{.content_type = "text/event-stream; charset=utf-8"};
    // Neither a cache nor a proxy (nginx knows the second) may keep any of it back.
    append_field(reply.fields, "Cache-Control", "no-store");
    append_field(reply.fields, "X-Accel-Buffering", "no");
    reply.stream =
        StreamBody{.start = [query = std::move(query), &backend](ReplyStream stream) mutable {
            backend.follow_events(std::move(query), std::move(stream));
        }};
    return reply;
}

}  // namespace

void perform_events(EventRequest request, Backend& backend, Respond respond) {
    if (request.is_followed) return respond(stream_reply(std::move(request.query), backend));
    backend.list_events(
        std::move(request.query),
        [respond = std::move(respond)](const base::Result<base::EventPage>& page) mutable {
            respond(page ? Reply{.body = to_json(*page)} : error_reply(page.error()));
        });
}

}  // namespace windlass::http
