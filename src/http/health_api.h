// GET /healthz.
#pragma once

#include "http/api.h"
#include "http/reply.h"

namespace windlass::http {

// Always 200: whoever can ask, gets an answer; its "status" says whether the daemon is going.
Reply show_health(const Backend& backend);

}  // namespace windlass::http
