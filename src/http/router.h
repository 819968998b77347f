// Which resource a request means.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "http/api.h"
#include "http/job_backend.h"
#include "http/reply.h"
#include "http/target.h"

namespace windlass::http {

enum class Route : std::uint8_t {
    health,       // GET  /healthz
    ready,        // GET  /readyz
    metrics,      // GET  /metrics
    devices,      // GET  /api/devices
    workers,      // GET  /api/workers
    kill_worker,  // POST /api/workers/{id}/kill
    incidents,    // GET  /api/incidents
    events,       // GET  /api/events
    explain_all,  // GET  /api/explain
    explain,      // GET  /api/explain/{request or model}
    models,       // GET  /api/models
    model,        // GET  /api/models/{model}
    call,         // POST /api/models/{model}/call
    forward,      // any  /api/models/{model}/http/...
    order,        // POST /api/models/{model}/load, and the other actions of an administrator
    submit_body,  // POST /api/models/{model}/jobs
    submit,       // POST /api/jobs
    jobs,         // GET  /api/jobs
    order_jobs,   // POST /api/jobs/cancel, ...; DELETE /api/jobs
    job,          // GET  /api/jobs/{id}
    order_job,    // POST /api/jobs/{id}/cancel, ...; DELETE /api/jobs/{id}
    job_result,   // GET  /api/jobs/{id}/result
    job_events,   // GET  /api/jobs/{id}/events
    queue,        // GET  /api/queue
};

// "call", "models", ...: as above; an order by its action, "load", "restart", ...
std::string_view to_text(Route route, ModelAction action);

struct Match {
    Route route;
    std::string model = {};   // or the worker's id, or what is to be explained
    ModelAction action = {};  // of an order
    std::string job = {};     // its id
    JobAction job_action = {};
};

// Of which jobs_api.h is told.
bool is_about_jobs(Route route);

// 404 for a path that is not one of ours, 405 with the right methods for a wrong method. HEAD goes
// wherever GET does.
std::expected<Match, Refusal> find_route(std::string_view method, Target target);

}  // namespace windlass::http
