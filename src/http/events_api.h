// GET /api/events.
#pragma once

#include "http/api.h"
#include "http/event_query.h"
#include "http/reply.h"

namespace windlass::http {

void perform_events(EventRequest request, Backend& backend, Respond respond);

}  // namespace windlass::http
