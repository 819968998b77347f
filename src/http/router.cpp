// The paths of the API.
#include "http/router.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <optional>

namespace windlass::http {
namespace {

struct NamedAction {
    std::string_view name;
    ModelAction action;
};
constexpr auto kActions = std::to_array<NamedAction>({
    {"load", ModelAction::load},
    {"offload", ModelAction::offload},
    {"unload", ModelAction::unload},
    {"restart", ModelAction::restart},
    {"pause", ModelAction::pause},
    {"resume", ModelAction::resume},
});

struct NamedJobAction {
    std::string_view name;
    JobAction action;
};
constexpr auto kJobActions = std::to_array<NamedJobAction>({
    {"cancel", JobAction::cancel},
    {"retry", JobAction::retry},
    {"hold", JobAction::hold},
    {"release", JobAction::release},
});

std::optional<Match> find_probe(std::string_view name) {
    if (name == "healthz") return Match{Route::health};
    if (name == "readyz") return Match{Route::ready};
    if (name == "metrics") return Match{Route::metrics};
    return std::nullopt;
}

std::optional<Match> find_worker_path(std::vector<std::string> segments) {
    if (segments.size() == 2) return Match{Route::workers};
    if (segments.size() != 4 || segments[3] != "kill") return std::nullopt;
    return Match{Route::kill_worker, std::move(segments[2])};
}

std::optional<Match> find_explanation(std::vector<std::string> segments) {
    if (segments.size() == 2) return Match{Route::explain_all};
    if (segments.size() != 3 || segments[2].empty()) return std::nullopt;
    return Match{Route::explain, std::move(segments[2])};
}

std::optional<JobAction> find_job_action(std::string_view name) {
    const auto* found = std::ranges::find(kJobActions, name, &NamedJobAction::name);
    if (found == kJobActions.end()) return std::nullopt;
    return found->action;
}

// Paths of jobs take more than one method; what a path is for GET stands for all of them until
// find_route() looks at the method.
std::optional<Match> find_job_path(std::vector<std::string> segments) {
    if (segments.size() == 2) return Match{Route::jobs};
    if (segments[2].empty()) return std::nullopt;
    if (segments.size() == 3) {
        if (const auto action = find_job_action(segments[2])) {
            return Match{.route = Route::order_jobs, .job_action = *action};
        }
        return Match{.route = Route::job, .job = std::move(segments[2])};
    }
    if (segments.size() != 4) return std::nullopt;
    Match match{.route = Route::order_job, .job = std::move(segments[2])};
    if (segments[3] == "result") {
        match.route = Route::job_result;
    } else if (segments[3] == "events") {
        match.route = Route::job_events;
    } else if (const auto action = find_job_action(segments[3])) {
        match.job_action = *action;
    } else {
        return std::nullopt;
    }
    return match;
}

std::optional<Match> find_path(std::vector<std::string> segments) {
    if (segments.size() == 1) return find_probe(segments[0]);
    if (segments.size() < 2 || segments[0] != "api") return std::nullopt;
    if (segments.size() == 2 && segments[1] == "devices") return Match{Route::devices};
    if (segments.size() == 2 && segments[1] == "incidents") return Match{Route::incidents};
    if (segments.size() == 2 && segments[1] == "events") return Match{Route::events};
    if (segments.size() == 2 && segments[1] == "queue") return Match{Route::queue};
    if (segments[1] == "jobs") return find_job_path(std::move(segments));
    if (segments[1] == "explain") return find_explanation(std::move(segments));
    if (segments[1] == "workers") return find_worker_path(std::move(segments));
    if (segments[1] != "models") return std::nullopt;
    if (segments.size() == 2) return Match{Route::models};
    if (segments[2].empty()) return std::nullopt;
    if (segments.size() == 3) return Match{Route::model, std::move(segments[2])};
    if (segments[3] == "http") return Match{Route::forward, std::move(segments[2])};
    if (segments.size() != 4) return std::nullopt;
    if (segments[3] == "call") return Match{Route::call, std::move(segments[2])};
    if (segments[3] == "jobs") return Match{Route::submit_body, std::move(segments[2])};
    const auto found = std::ranges::find(kActions, segments[3], &NamedAction::name);
    if (found == kActions.end()) return std::nullopt;
    return Match{Route::order, std::move(segments[2]), found->action};
}

bool is_get(std::string_view method) { return method == "GET" || method == "HEAD"; }

// By the method; false when the path does not take it.
bool choose_by_method(std::string_view method, Match& match) {
    switch (match.route) {
        case Route::call:
        case Route::order:
        case Route::kill_worker:
        case Route::submit_body:
        case Route::order_job:
        case Route::order_jobs: return method == "POST";
        case Route::jobs:
            if (method == "POST") match.route = Route::submit;
            if (method == "DELETE") match.route = Route::order_jobs;
            match.job_action = JobAction::remove;
            return match.route != Route::jobs || is_get(method);
        case Route::job:
            if (method == "DELETE") match.route = Route::order_job;
            match.job_action = JobAction::remove;
            return match.route != Route::job || is_get(method);
        case Route::forward: return true;
        case Route::submit:
        case Route::health:
        case Route::ready:
        case Route::metrics:
        case Route::devices:
        case Route::workers:
        case Route::incidents:
        case Route::events:
        case Route::explain_all:
        case Route::explain:
        case Route::models:
        case Route::model:
        case Route::job_result:
        case Route::job_events:
        case Route::queue: return is_get(method);
    }
    return false;
}

std::string_view methods_of(Route route) {
    if (route == Route::jobs) return "GET, HEAD, POST, DELETE";
    if (route == Route::job) return "GET, HEAD, DELETE";
    Match match{route};
    return choose_by_method("GET", match) ? "GET, HEAD" : "POST";
}

}  // namespace

std::string_view to_text(Route route, ModelAction action) {
    switch (route) {
        case Route::health: return "healthz";
        case Route::ready: return "readyz";
        case Route::metrics: return "metrics";
        case Route::devices: return "devices";
        case Route::workers: return "workers";
        case Route::kill_worker: return "kill_worker";
        case Route::incidents: return "incidents";
        case Route::events: return "events";
        case Route::explain_all:
        case Route::explain: return "explain";
        case Route::models: return "models";
        case Route::model: return "model";
        case Route::call: return "call";
        case Route::forward: return "http";
        case Route::order: return std::ranges::find(kActions, action, &NamedAction::action)->name;
        case Route::submit_body:
        case Route::submit: return "submit";
        case Route::jobs: return "jobs";
        case Route::order_jobs: return "order_jobs";
        case Route::job: return "job";
        case Route::order_job: return "order_job";
        case Route::job_result: return "job_result";
        case Route::job_events: return "job_events";
        case Route::queue: return "queue";
    }
    return "";
}

std::expected<Match, Refusal> find_route(std::string_view method, Target target) {
    std::optional<Match> match = find_path(std::move(target.segments));
    if (!match) {
        return std::unexpected(Refusal{
            404, base::fail(base::Errc::not_found,
                            "there is nothing under this path; the API is GET /api/models, "
                            "GET /api/models/NAME, POST /api/models/NAME/call, .../load, "
                            ".../offload, .../unload, .../restart, .../pause and .../resume, "
                            "/api/models/NAME/http/..., POST /api/models/NAME/jobs and "
                            "/api/jobs, GET /api/jobs, /api/jobs/ID, .../result and .../events, "
                            "POST .../cancel, .../retry, .../hold and .../release, DELETE "
                            "/api/jobs/ID, GET /api/queue, "
                            "/api/devices, /api/workers, /api/incidents, /api/events and "
                            "/api/explain/REQUEST_OR_MODEL, POST "
                            "/api/workers/ID/kill, GET /healthz, /readyz and /metrics")});
    }
    const Route by_path = match->route;
    if (!choose_by_method(method, *match)) {
        const std::string allow{methods_of(by_path)};
        return std::unexpected(
            Refusal{405,
                    base::fail(base::Errc::invalid_input,
                               fmt::format("this path does not take {}; use {}", method, allow)),
                    allow});
    }
    return std::move(*match);
}

bool is_about_jobs(Route route) { return route >= Route::submit_body; }

}  // namespace windlass::http
