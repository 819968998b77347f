// The table of routes and handlers.
#include "http/dispatch.h"

#include "http/call_api.h"
#include "http/devices_api.h"
#include "http/events_api.h"
#include "http/explain_api.h"
#include "http/models_api.h"
#include "http/order_query.h"
#include "http/probes_api.h"
#include "http/request_fields.h"
#include "http/target.h"
#include "http/workers_api.h"
#include "io/wall_clock.h"

namespace windlass::http {
namespace {

base::Result<CallRequest> read_parameters(Match match, const Headers& headers) {
    if (match.route == Route::call) return read_call(std::move(match.model), headers);
    CallRequest parameters{.model = std::move(match.model)};
    if (match.route == Route::order) {
        parameters.timeout =
            WL_TRY(read_duration(headers, "X-Windlass-Timeout", ZeroDuration::refused));
    }
    return parameters;
}

}  // namespace

std::expected<std::unique_ptr<Task>, Reply> plan(const RequestHead& head, Transport transport,
                                                 const OriginGuard& guard) {
    std::optional<Target> target = parse_target(head.target);
    const OriginGuard::Subject subject{
        .headers = head.headers,
        .authority = target ? target->authority : std::nullopt,
        .http11 = head.http11,
        .over_unix_socket = transport == Transport::unix_socket,
    };
    if (auto refusal = guard.check(subject)) return std::unexpected(refusal_reply(*refusal));
    if (!target) {
        return std::unexpected(error_reply(base::fail(
            base::Errc::invalid_input,
            "the path of the request cannot be read; it must begin with / and write every byte "
            "that is not allowed in a path as % and two hexadecimal digits")));
    }
    const std::string_view query = target->query;
    auto match = find_route(head.method, std::move(*target));
    if (!match) return std::unexpected(refusal_reply(match.error()));
    const Route route = match->route;
    const ModelAction action = match->action;
    const std::string model = match->model;
    auto task = std::make_unique<Task>(route, action);
    if (is_about_jobs(route)) {
        auto read = read_job_task(*match, query, head.headers, io::wall_clock_ms());
        if (!read) return std::unexpected(error_reply(read.error(), {.model = model}));
        task->job = std::move(*read);
    }
    auto parameters = read_parameters(std::move(*match), head.headers);
    if (!parameters) return std::unexpected(error_reply(parameters.error(), {.model = model}));
    task->call = std::move(*parameters);
    if (route == Route::events) {
        auto events = read_event_request(query, head.headers, io::wall_clock_ms());
        if (!events) return std::unexpected(error_reply(events.error()));
        task->events = std::move(*events);
    }
    if (route == Route::forward) {
        auto forward = read_forward(model, head);
        if (!forward) return std::unexpected(error_reply(forward.error(), {.model = model}));
        task->call.variant = forward->limits.variant;
        task->forward = std::move(*forward);
    }
    if (route != Route::order) return task;
    const auto switches = read_order_query(action, query);
    if (!switches) return std::unexpected(error_reply(switches.error(), {.model = model}));
    task->query = *switches;
    return task;
}

std::uint64_t perform(std::unique_ptr<Task> task, std::string body, Backend& backend,
                      const ConnectionCounters& counters, Respond respond) {
    switch (task->route) {
        case Route::health: respond(show_health(backend)); return 0;
        case Route::ready: respond(show_ready(backend)); return 0;
        case Route::metrics: respond(show_metrics(backend, counters)); return 0;
        case Route::devices: respond(list_devices(backend)); return 0;
        case Route::workers: respond(list_workers(backend)); return 0;
        case Route::kill_worker: respond(kill_worker(backend, task->call.model)); return 0;
        case Route::incidents: respond(list_incidents(backend)); return 0;
        case Route::events:
            perform_events(std::move(task->events), backend, std::move(respond));
            return 0;
        case Route::explain_all: respond(explain_all(backend)); return 0;
        case Route::explain:
            explain(backend, task->call.model, io::wall_clock_ms(), std::move(respond));
            return 0;
        case Route::models: respond(list_models(backend)); return 0;
        case Route::model: respond(show_model(backend, task->call.model)); return 0;
        case Route::call:
            task->call.body = std::move(body);
            return perform_call(std::move(task->call), backend, std::move(respond));
        case Route::forward: break;  // perform_forward()
        case Route::order:
            return perform_order({.action = task->action,
                                  .model = std::move(task->call.model),
                                  .timeout = task->call.timeout,
                                  .may_evict = !task->query.is_hint,
                                  .is_awaited = !task->query.is_hint,
                                  .is_forced = task->query.is_forced},
                                 backend, std::move(respond));
        case Route::job_events:
            perform_events(std::move(task->job.events), backend, std::move(respond));
            return 0;
        case Route::submit_body:
        case Route::submit:
        case Route::jobs:
        case Route::order_jobs:
        case Route::job:
        case Route::order_job:
        case Route::job_result:
        case Route::queue:
            return perform_job(task->route, std::move(task->job), std::move(body),
                               io::wall_clock_ms(), backend.jobs(), std::move(respond));
    }
    return 0;
}

}  // namespace windlass::http
