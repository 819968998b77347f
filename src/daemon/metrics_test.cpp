// Which series there are, and that clients cannot make new ones.
#include "daemon/metrics.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
namespace wd = windlass::daemon;
namespace http = windlass::http;

namespace {

bool has_line(const std::string& text, const std::string& line) {
    const bool found = ("\n" + text).find("\n" + line + "\n") != std::string::npos;
    if (!found) MESSAGE(line << " is not in\n" << text);
    return found;
}

http::ExchangeRecord answered(std::string_view model) {
    return {.route = "call",
            .model = model,
            .status = 200,
            .trace = {.has_run = true, .queue = 2ms, .load = 3s, .run = 20ms},
            .total = 4s};
}

}  // namespace

TEST_CASE("requests are counted by model, route, status and type, their times by bucket") {
    wd::Metrics metrics{{"digits", "other"}};
    metrics.count(answered("digits"));
    metrics.count(answered("digits"));
    metrics.count(
        {.route = "call", .model = "digits", .status = 504, .trace = {.error_type = "timeout"}});
    const std::string text = metrics.text({});
    CHECK(has_line(text, R"(windlass_requests_total{model="digits",route="call",)"
                         R"(status="200",type="ok"} 2)"));
    CHECK(has_line(text, R"(windlass_requests_total{model="digits",route="call",)"
                         R"(status="504",type="timeout"} 1)"));
    CHECK(has_line(text, R"(windlass_call_run_seconds_count{model="digits"} 2)"));
    CHECK(has_line(text, R"(windlass_call_run_seconds_bucket{model="digits",le="0.01"} 0)"));
    CHECK(has_line(text, R"(windlass_call_run_seconds_bucket{model="digits",le="0.025"} 2)"));
    CHECK(has_line(text, R"(windlass_call_load_seconds_sum{model="digits"} 6)"));
    CHECK(has_line(text, R"(windlass_call_queue_seconds_count{model="other"} 0)"));
    CHECK(has_line(text, "# TYPE windlass_call_run_seconds histogram"));
}

TEST_CASE("what clients invent makes no series of its own") {
    wd::Metrics metrics{{"digits"}};
    for (const char* invented : {"a", "b", "\"}\n"}) {
        metrics.count(
            {.route = "call", .model = invented, .status = 404, .trace = {.error_type = "x"}});
    }
    CHECK(has_line(metrics.text({}),
                   R"(windlass_requests_total{model="",route="call",status="404",type="x"} 3)"));
}

TEST_CASE("states, totals and connections are those of the moment of the question") {
    wd::Metrics metrics{{"digits"}};
    wd::MetricsSnapshot snapshot{
        .models = {{.name = "digits",
                    .residency = "ready",
                    .waiting = 3,
                    .running = 1,
                    .loads = 2,
                    .failures = 1}},
        .connections = {.open = 5, .accepted = 9, .refused = 1, .body_bytes = 77},
        .access_lines_lost = 7};
    metrics.count_event("worker.lost", "digits");
    metrics.count_recycled("runs", "digits");
    metrics.observe_loop_lag(2ms);
    for (int i = 0; i < 2; ++i) {  // asking does not count
        const std::string text = metrics.text(snapshot);
        CHECK(has_line(text, R"(windlass_model_residency{model="digits",residency="ready"} 1)"));
        CHECK(has_line(text, R"(windlass_model_residency{model="digits",residency="cold"} 0)"));
        CHECK(has_line(text, R"(windlass_requests_waiting{model="digits"} 3)"));
        CHECK(has_line(text, R"(windlass_requests_running{model="digits"} 1)"));
        CHECK(has_line(text, R"(windlass_model_loads_total{model="digits"} 2)"));
        CHECK(has_line(text, R"(windlass_model_failures_total{model="digits"} 1)"));
        CHECK(has_line(text, R"(windlass_events_total{event="worker.lost",model="digits"} 1)"));
        CHECK(has_line(text, R"(windlass_workers_recycled_total{cause="runs",model="digits"} 1)"));
        CHECK(
            has_line(text, R"(windlass_workers_recycled_total{cause="growth",model="digits"} 0)"));
        CHECK(has_line(text, "windlass_connections_open 5"));
        CHECK(has_line(text, "windlass_connections_accepted_total 9"));
        CHECK(has_line(text, "windlass_connections_refused_total 1"));
        CHECK(has_line(text, "windlass_bodies_bytes 77"));
        CHECK(has_line(text, "windlass_access_log_lost_total 7"));
        CHECK(has_line(text, R"(windlass_loop_lag_seconds_bucket{le="0.0025"} 1)"));
        CHECK(text.find("\nwindlass_resident_memory_bytes ") != std::string::npos);
        CHECK(text.find("\nwindlass_open_fds ") != std::string::npos);
    }
    metrics.add_model("new");
    snapshot.models = {{.name = "new", .residency = "cold"}};  // after a reload
    const std::string text = metrics.text(snapshot);
    CHECK(has_line(text, R"(windlass_model_residency{model="digits",residency="ready"} 0)"));
    CHECK(has_line(text, R"(windlass_model_residency{model="new",residency="cold"} 1)"));
}
