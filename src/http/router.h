// Which resource a request means.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "http/reply.h"
#include "http/target.h"

namespace windlass::http {

enum class Route : std::uint8_t {
    health,   // GET  /healthz
    ready,    // GET  /readyz
    metrics,  // GET  /metrics
    models,   // GET  /api/models
    model,    // GET  /api/models/{model}
    call,     // POST /api/models/{model}/call
    load,     // POST /api/models/{model}/load
    unload,   // POST /api/models/{model}/unload
};

// "call", "models", ...: as above.
std::string_view to_text(Route route);

struct Match {
    Route route;
    std::string model = {};
};

// 404 for a path that is not one of ours, 405 with the right methods for a wrong method. HEAD goes
// wherever GET does.
std::expected<Match, Refusal> find_route(std::string_view method, Target target);

}  // namespace windlass::http
