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

std::optional<Match> find_path(std::vector<std::string> segments) {
    if (segments.size() == 1) return find_probe(segments[0]);
    if (segments.size() < 2 || segments[0] != "api") return std::nullopt;
    if (segments.size() == 2 && segments[1] == "devices") return Match{Route::devices};
    if (segments.size() == 2 && segments[1] == "incidents") return Match{Route::incidents};
    if (segments.size() == 2 && segments[1] == "events") return Match{Route::events};
    if (segments[1] == "explain") return find_explanation(std::move(segments));
    if (segments[1] == "workers") return find_worker_path(std::move(segments));
    if (segments[1] != "models") return std::nullopt;
    if (segments.size() == 2) return Match{Route::models};
    if (segments[2].empty()) return std::nullopt;
    if (segments.size() == 3) return Match{Route::model, std::move(segments[2])};
    if (segments[3] == "http") return Match{Route::forward, std::move(segments[2])};
    if (segments.size() != 4) return std::nullopt;
    if (segments[3] == "call") return Match{Route::call, std::move(segments[2])};
    const auto found = std::ranges::find(kActions, segments[3], &NamedAction::name);
    if (found == kActions.end()) return std::nullopt;
    return Match{Route::order, std::move(segments[2]), found->action};
}

bool is_read_only(Route route) {
    return route != Route::call && route != Route::order && route != Route::kill_worker;
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
                            "/api/models/NAME/http/..., GET "
                            "/api/devices, /api/workers, /api/incidents, /api/events and "
                            "/api/explain/REQUEST_OR_MODEL, POST "
                            "/api/workers/ID/kill, GET /healthz, /readyz and /metrics")});
    }
    if (match->route == Route::forward) return std::move(*match);
    const bool read_only = is_read_only(match->route);
    const bool fits = read_only ? method == "GET" || method == "HEAD" : method == "POST";
    if (!fits) {
        const char* allow = read_only ? "GET, HEAD" : "POST";
        return std::unexpected(
            Refusal{405,
                    base::fail(base::Errc::invalid_input,
                               fmt::format("this path does not take {}; use {}", method, allow)),
                    allow});
    }
    return std::move(*match);
}

}  // namespace windlass::http
