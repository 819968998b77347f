// Who asks for these is mostly a program: a load balancer, a supervisor, Prometheus.
#include "http/probes_api.h"

#include "http/models_json.h"

namespace windlass::http {

Reply show_health(const Backend& backend) { return Reply{.body = to_json(backend.health())}; }

Reply show_ready(const Backend& backend) {
    const std::optional<Unready> unready = backend.unready();
    if (unready) return error_reply(unready->error, {.model = unready->model});
    return Reply{.body = R"({"status":"ready"})"};
}

Reply show_metrics(Backend& backend, const ConnectionCounters& counters) {
    return Reply{.content_type = "text/plain; version=0.0.4; charset=utf-8",
                 .body = backend.metrics(counters)};
}

}  // namespace windlass::http
