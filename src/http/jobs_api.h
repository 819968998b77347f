// The paths of jobs: handing them over, looking at them, and what is done with them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/event_query.h"
#include "http/headers.h"
#include "http/job_backend.h"
#include "http/reply.h"
#include "http/router.h"

namespace windlass::http {

// What a request about jobs asks for; of each route only what belongs to it counts.
struct JobTask {
    std::string id = {};
    JobAction action = {};
    JobSubmission submission = {};  // of POST /api/models/{model}/jobs, without its body
    JobQuery query = {};            // of orders for many: its filter
    base::Duration wait = {};
    std::optional<base::Duration> since = {};  // of the queue: how far back its reports reach
    EventRequest events = {};                  // of one job
};

// Everything but the body. `match` is one of the routes of jobs.
base::Result<JobTask> read_job_task(const Match& match, std::string_view query,
                                    const Headers& headers, std::int64_t now_ms);

// Returns the number of the wait that was begun, for JobBackend::withdraw(); else 0. All but
// `job_events`, which perform_events() is for.
std::uint64_t perform_job(Route route, JobTask task, std::string body, std::int64_t now_ms,
                          JobBackend& jobs, Respond respond);

}  // namespace windlass::http
