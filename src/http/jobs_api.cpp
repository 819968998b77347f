// From requests about jobs to the backend's functions, and from its answers to replies.
#include "http/jobs_api.h"

#include <fmt/core.h>

#include <utility>

#include "http/job_body_json.h"
#include "http/job_fields.h"
#include "http/job_query.h"
#include "http/jobs_json.h"
#include "http/request_fields.h"

namespace windlass::http {
namespace {

base::Result<void> read_label(const Headers& headers, std::string_view name, std::size_t size_max,
                              std::string& label) {
    const auto value = WL_TRY(find_single(headers, name));
    if (!value) return {};
    label = *value;
    return check_label(name, *value, size_max);
}

base::Result<void> read_time(const Headers& headers, std::string_view name, std::int64_t now_ms,
                             std::optional<std::int64_t>& time) {
    const auto value = WL_TRY(find_single(headers, name));
    if (value) time = WL_TRY(read_moment(name, *value, now_ms));
    return {};
}

// POST /api/models/{model}/jobs: the body is the model's, all else is said beside it.
base::Result<JobSubmission> read_submission(std::string model, const Headers& headers,
                                            std::int64_t now_ms) {
    JobSubmission job{.model = std::move(model)};
    job.content_type = WL_TRY(read_content_type(headers));
    job.variant = WL_TRY(read_variant(headers));
    job.priority = WL_TRY(read_priority(headers));
    job.run_timeout =
        WL_TRY(read_duration(headers, "X-Windlass-Run-Timeout", ZeroDuration::refused));
    job.stall_timeout =
        WL_TRY(read_duration(headers, "X-Windlass-Stall-Timeout", ZeroDuration::refused));
    WL_TRY(read_label(headers, "X-Windlass-Tenant", kTenantSizeMax, job.tenant));
    WL_TRY(read_label(headers, "X-Windlass-Key", kKeySizeMax, job.key));
    WL_TRY(read_time(headers, "X-Windlass-Run-At", now_ms, job.run_at_ms));
    WL_TRY(read_time(headers, "X-Windlass-Deadline", now_ms, job.deadline_ms));
    WL_TRY(check_moments(job, now_ms));
    return job;
}

base::Result<EventRequest> read_job_events(const std::string& id, std::string_view query,
                                           const Headers& headers, std::int64_t now_ms) {
    EventRequest events = WL_TRY(read_event_request(query, headers, now_ms));
    if (!events.query.filter.job.empty()) {
        return base::fail(base::Errc::invalid_input,
                          "this path says which job is meant; leave the parameter job out");
    }
    events.query.filter.job = id;
    return events;
}

Reply ticket_reply(const JobTicket& ticket) {
    Reply reply{.status = ticket.is_new ? 202 : 200, .body = to_json(ticket)};
    append_field(reply.fields, "Location", "/api/jobs/" + ticket.id);
    return reply;
}

Reply result_reply(const std::string& id, JobResult result) {
    Reply reply{.content_type = std::move(result.content_type), .body = std::move(result.body)};
    append_field(reply.fields, "X-Windlass-Job-Id", id);
    return reply;
}

void submit(JobSubmission submission, JobBackend& jobs, Respond respond) {
    std::string model = submission.model;
    jobs.submit(std::move(submission), [respond = std::move(respond), model = std::move(model)](
                                           const base::Result<JobTicket>& ticket) mutable {
        respond(ticket ? ticket_reply(*ticket)
                       : error_reply(ticket.error(), {.model = std::move(model)}));
    });
}

JobShown show_with(Respond respond, std::string id) {
    return [respond = std::move(respond),
            id = std::move(id)](const base::Result<JobStatus>& job) mutable {
        respond(job ? Reply{.body = to_json(*job)}
                    : error_reply(job.error(), {.job = std::move(id)}));
    };
}

void read_result(std::string id, JobBackend& jobs, Respond respond) {
    auto reply = [respond = std::move(respond), id](base::Result<JobResult> result) mutable {
        respond(result ? result_reply(id, std::move(*result))
                       : error_reply(result.error(), {.job = id}));
    };
    jobs.read_result(std::move(id), std::move(reply));
}

void list(JobQuery query, JobBackend& jobs, Respond respond) {
    jobs.list(std::move(query),
              [respond = std::move(respond)](const base::Result<JobPage>& page) mutable {
                  respond(page ? Reply{.body = to_json(*page)} : error_reply(page.error()));
              });
}

void order_all(JobTask task, JobBackend& jobs, Respond respond) {
    jobs.order_all(
        task.action, std::move(task.query.filter),
        [respond = std::move(respond)](const base::Result<std::uint64_t>& count) mutable {
            respond(count ? Reply{.body = count_json(*count)} : error_reply(count.error()));
        });
}

void show_queues(std::optional<base::Duration> since, JobBackend& jobs, Respond respond) {
    jobs.queues(since, [respond = std::move(respond),
                        since](const base::Result<std::vector<QueueStatus>>& queues) mutable {
        respond(queues ? Reply{.body = to_json(*queues, since)} : error_reply(queues.error()));
    });
}

}  // namespace

base::Result<JobTask> read_job_task(const Match& match, std::string_view query,
                                    const Headers& headers, std::int64_t now_ms) {
    JobTask task{.id = match.job, .action = match.job_action};
    if (match.route == Route::jobs) {
        task.query = WL_TRY(read_job_query(query));
    } else if (match.route == Route::order_jobs) {
        task.query.filter = WL_TRY(read_job_filter(query));
    } else if (match.route == Route::job) {
        task.wait = WL_TRY(read_job_wait(query));
    } else if (match.route == Route::queue) {
        task.since = WL_TRY(read_queue_query(query));
    } else if (match.route == Route::job_events) {
        task.events = WL_TRY(read_job_events(match.job, query, headers, now_ms));
    } else {
        WL_TRY(refuse_parameters(query));
    }
    if (match.route == Route::submit_body) {
        task.submission = WL_TRY(read_submission(match.model, headers, now_ms));
    }
    return task;
}

std::uint64_t perform_job(Route route, JobTask task, std::string body, std::int64_t now_ms,
                          JobBackend& jobs, Respond respond) {
    if (route == Route::submit) {
        auto submission = read_submission(body, now_ms);
        if (submission) {
            submit(std::move(*submission), jobs, std::move(respond));
        } else {
            respond(error_reply(submission.error()));
        }
    } else if (route == Route::submit_body) {
        task.submission.body = std::move(body);
        submit(std::move(task.submission), jobs, std::move(respond));
    } else if (route == Route::jobs) {
        list(std::move(task.query), jobs, std::move(respond));
    } else if (route == Route::job) {
        JobShown reply = show_with(std::move(respond), task.id);
        return jobs.show(std::move(task.id), task.wait, std::move(reply));
    } else if (route == Route::job_result) {
        read_result(std::move(task.id), jobs, std::move(respond));
    } else if (route == Route::order_job) {
        JobShown reply = show_with(std::move(respond), task.id);
        jobs.order(task.action, std::move(task.id), std::move(reply));
    } else if (route == Route::order_jobs) {
        order_all(std::move(task), jobs, std::move(respond));
    } else {
        show_queues(task.since, jobs, std::move(respond));
    }
    return 0;
}

}  // namespace windlass::http
