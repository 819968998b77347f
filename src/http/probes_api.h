// GET /healthz, /readyz and /metrics.
#pragma once

#include "http/api.h"
#include "http/reply.h"

namespace windlass::http {

// Always 200: whoever can ask, gets an answer; its "status" says whether the daemon is going,
// and what does not work.
Reply show_health(const Backend& backend);

// 200 when requests can be sent here, else `unavailable` with the cause.
Reply show_ready(const Backend& backend);

// For Prometheus.
Reply show_metrics(Backend& backend, const ConnectionCounters& counters);

}  // namespace windlass::http
