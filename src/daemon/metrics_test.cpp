// Which series there are, and that clients cannot make new ones.
#include "daemon/metrics.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

using namespace std::chrono_literals;
namespace wd = windlass::daemon;
namespace http = windlass::http;
namespace core = windlass::core;
namespace base = windlass::base;

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
    CHECK(text.find(R"(windlass_call_queue_seconds_count{model="other"})") == std::string::npos);
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

namespace {

// One of everything that there can be.
wd::MetricsSnapshot full_snapshot() {
    const base::Bytes some{7};
    const http::Measured measured{some, "nvml", 2s};
    return {.models = {{.name = "digits",
                        .residency = "ready",
                        .copies = 1,
                        .waiting = 3,
                        .running = 1,
                        .oldest_wait = 1500ms,
                        .is_paused = true,
                        .is_breaker_open = true,
                        .need = some,
                        .loads = 2,
                        .failures = 1,
                        .claimed = {{"GPU-1", some}},
                        .used = {{"GPU-1", some}},
                        .used_peak = base::Bytes{9}}},
            .jobs = {{.model = "digits",
                      .counts = {.counts = {0, 4, 0, 1, 9, 2, 0}},
                      .oldest_wait = 2500ms,
                      .totals = {.accepted = 16,
                                 .attempts = {{"succeeded", 9}, {"retried", 3}},
                                 .stalls = {{"retried", 1}},
                                 .failed = {{"crashes", 2}},
                                 .recovered = 1}}},
            .devices = {{.uuid = "GPU-1",
                         .kind = "gpu",
                         .driver = "nvml",
                         .state = "ok",
                         .name = "A GPU",
                         .capacity = measured,
                         .used = measured,
                         .used_peak = measured,
                         .busy_percent = 25,
                         .claimed = measured,
                         .claimed_peak = measured,
                         .foreign = measured,
                         .fenced = measured}},
            .workers = {{"ready", 2}},
            .is_ready = true,
            .uptime = 5s,
            .connections = {.open = 5, .accepted = 9, .refused = 1, .body_bytes = 77},
            .access_lines_lost = 7};
}

core::Report report(core::EventCode code, std::uint64_t generation = 1,
                    std::optional<base::Error> error = {}) {
    return {.code = code,
            .model = core::ModelId{1},
            .generation = core::Generation{generation},
            .request = {},
            .error = std::move(error)};
}

// Everything that is counted, once.
void count_all(wd::Metrics& metrics) {
    metrics.count(answered("digits"));
    metrics.count_event("worker.lost", "digits");
    metrics.count_recycled("runs", "digits");
    metrics.count_incident("timeout", "digits");
    metrics.count(report(core::EventCode::worker_lost, 1, base::fail(base::Errc::worker_lost, "")),
                  "digits");
    metrics.observe_swap(wd::Swap::restore, "digits", 3s);
    metrics.observe_loop_lag(2ms);
    metrics.observe_commit(3ms, 2ms);
}

}  // namespace

TEST_CASE("states, totals and connections are those of the moment of the question") {
    wd::Metrics metrics{{"digits"}};
    count_all(metrics);
    for (int i = 0; i < 2; ++i) {  // asking does not count
        const std::string text = metrics.text(full_snapshot());
        CHECK(has_line(text, R"(windlass_model_residency{model="digits",residency="ready"} 1)"));
        CHECK(has_line(text, R"(windlass_model_residency{model="digits",residency="cold"} 0)"));
        CHECK(has_line(text, R"(windlass_requests_waiting{model="digits"} 3)"));
        CHECK(has_line(text, R"(windlass_requests_running{model="digits"} 1)"));
        CHECK(has_line(text, R"(windlass_requests_oldest_wait_seconds{model="digits"} 1.5)"));
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
        CHECK(has_line(text, "windlass_ready 1"));
        CHECK(has_line(text, R"(windlass_workers{state="ready"} 2)"));
        CHECK(has_line(text, R"(windlass_workers{state="unkillable"} 0)"));
        CHECK(text.find("\nwindlass_resident_memory_bytes ") != std::string::npos);
        CHECK(text.find("\nwindlass_open_fds ") != std::string::npos);
    }
    metrics.add_model("new");  // after a reload that took the other away
    const std::string text = metrics.text({.models = {{.name = "new", .residency = "cold"}}});
    CHECK(text.find(R"(windlass_model_residency{model="digits")") == std::string::npos);
    CHECK(has_line(text, R"(windlass_model_residency{model="new",residency="cold"} 1)"));
    CHECK(has_line(text, R"(windlass_model_offloads_total{model="digits"} 0)"));
}

TEST_CASE("jobs are told as the store counts them, and what became of them since the start") {
    wd::Metrics metrics{{"digits"}};
    count_all(metrics);
    const std::string text = metrics.text(full_snapshot());
    CHECK(has_line(text, R"(windlass_jobs{model="digits",state="available"} 4)"));
    CHECK(has_line(text, R"(windlass_jobs{model="digits",state="cancelled"} 0)"));
    CHECK(has_line(text, R"(windlass_jobs_oldest_wait_seconds{model="digits"} 2.5)"));
    CHECK(has_line(text, R"(windlass_jobs_accepted_total{model="digits"} 16)"));
    CHECK(has_line(text, R"(windlass_job_attempts_total{end="retried",model="digits"} 3)"));
    CHECK(has_line(text, R"(windlass_job_stalls_total{end="retried",model="digits"} 1)"));
    CHECK(has_line(text, R"(windlass_jobs_failed_total{model="digits",reason="crashes"} 2)"));
    CHECK(has_line(text, R"(windlass_jobs_recovered_total{model="digits"} 1)"));
    CHECK(has_line(text, R"(windlass_store_commit_seconds_bucket{le="0.005"} 1)"));
    CHECK(has_line(text, R"(windlass_store_fsync_seconds_bucket{le="0.0025"} 1)"));
}

TEST_CASE("[R51] [R150] a device's memory is told, and what is not known has no series") {
    wd::Metrics metrics{{"digits"}};
    wd::MetricsSnapshot snapshot = full_snapshot();
    std::string text = metrics.text(snapshot);
    for (const char* what :
         {"capacity", "used", "used_peak", "claimed", "claimed_peak", "foreign", "fenced"}) {
        const std::string name = std::string{"windlass_device_"} + what + "_bytes";
        CHECK(has_line(text, name + R"({device="GPU-1"} 7)"));
    }
    CHECK(has_line(text, R"(windlass_device_utilization_ratio{device="GPU-1"} 0.25)"));
    CHECK(has_line(text, R"(windlass_device_state{device="GPU-1",state="ok"} 1)"));
    CHECK(has_line(text, R"(windlass_device_state{device="GPU-1",state="lost"} 0)"));
    CHECK(has_line(text, R"(windlass_model_claimed_bytes{device="GPU-1",model="digits"} 7)"));
    CHECK(has_line(text, R"(windlass_model_used_bytes{device="GPU-1",model="digits"} 7)"));
    CHECK(has_line(text, R"(windlass_model_used_peak_bytes{model="digits"} 9)"));
    // It hung at its first question, and nothing but its name is known.
    snapshot.devices = {{.uuid = "GPU-1", .kind = "gpu", .state = "unresponsive"}};
    snapshot.models.front().used = {{"GPU-1", std::nullopt}};
    text = metrics.text(snapshot);
    CHECK(text.find("windlass_model_used_bytes{") == std::string::npos);
    CHECK(has_line(text, R"(windlass_device_answers{device="GPU-1"} 0)"));
    CHECK(has_line(text, R"(windlass_device_state{device="GPU-1",state="unresponsive"} 1)"));
    CHECK(text.find(R"(_bytes{device="GPU-1"})") == std::string::npos);
    CHECK(text.find("windlass_device_utilization_ratio{") == std::string::npos);
}

TEST_CASE("moves, restarts, incidents and errors are counted by model") {
    using enum core::EventCode;
    wd::Metrics metrics{{"digits"}};
    const auto count = [&](core::EventCode code, std::uint64_t generation,
                           std::optional<base::Error> error = {}) {
        metrics.count(report(code, generation, std::move(error)), "digits");
    };
    count(model_loading, 1);
    count(model_evicted, 1);
    count(model_offloaded, 1);
    count(model_restored, 1);
    count(run_limit_reached, 1, base::fail(base::Errc::timeout, "too long"));
    count(worker_killed, 1);
    count(model_loading, 2);  // in place of it
    count(model_loading, 3);  // for itself
    metrics.count_incident("timeout", "digits");
    metrics.count_incident("timeout", "nobody's");
    metrics.observe_swap(wd::Swap::load, "digits", 20s);
    const std::string text = metrics.text({});
    CHECK(has_line(text, R"(windlass_model_evictions_total{model="digits"} 1)"));
    CHECK(has_line(text, R"(windlass_model_offloads_total{model="digits"} 1)"));
    CHECK(has_line(text, R"(windlass_model_restores_total{model="digits"} 1)"));
    CHECK(has_line(text, R"(windlass_model_restarts_total{model="digits"} 1)"));
    CHECK(has_line(text, R"(windlass_model_errors_total{model="digits",type="timeout"} 1)"));
    CHECK(has_line(text, R"(windlass_incidents_total{cause="timeout",model="digits"} 1)"));
    CHECK(text.find("nobody's") == std::string::npos);
    CHECK(has_line(text, R"(windlass_model_swap_seconds_sum{model="digits",swap="load"} 20)"));
    CHECK(text.find(R"(swap="restore")") == std::string::npos);
}

// --- docs/metrics.md

namespace {

// "counter windlass_requests_total model route status type"
using Lines = std::set<std::string>;

std::string join(const std::string& type, const std::string& name,
                 const std::set<std::string>& labels) {
    std::string line = type + " " + name;
    for (const std::string& label : labels) line += " " + label;
    return line;
}

bool is_word_byte(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::string_view first_word(std::string_view text) {
    return text.substr(
        0, static_cast<std::size_t>(std::ranges::find_if_not(text, is_word_byte) - text.begin()));
}

// The words that stand right before `end`. By hand: under sanitizers GCC 12 finds fault with
// <regex>.
std::set<std::string> words_before(std::string_view text, std::string_view end) {
    std::set<std::string> found;
    for (std::size_t at = text.find(end); at != text.npos; at = text.find(end, at + end.size())) {
        std::size_t begin = at;
        while (begin > 0 && is_word_byte(text[begin - 1])) --begin;
        if (begin < at) found.emplace(text.substr(begin, at - begin));
    }
    return found;
}

Lines told(const std::string& text) {
    constexpr std::string_view kType = "# TYPE ";
    Lines lines;
    std::map<std::string, std::string> types;
    std::map<std::string, std::set<std::string>> labels;
    std::istringstream in{text};
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with(kType)) {
            const std::string name{first_word(std::string_view{line}.substr(kType.size()))};
            types[name] = line.substr(kType.size() + name.size() + 1);
            continue;
        }
        std::string_view name = first_word(line);
        if (name.empty()) continue;
        for (const std::string_view part : {"_bucket", "_sum", "_count"}) {
            if (!name.ends_with(part)) continue;
            name.remove_suffix(part.size());
            break;
        }
        for (const std::string& label : words_before(line, "=\"")) {
            if (label != "le") labels[std::string{name}].insert(label);
        }
    }
    for (const auto& [name, type] : types) lines.insert(join(type, name, labels[name]));
    return lines;
}

// Rows of the page's tables: | `windlass_name` | type | `label` `label` | meaning |
Lines documented() {
    constexpr std::string_view kRow = "| `windlass_";
    const auto path = std::filesystem::path{WINDLASS_SOURCE_DIR} / "docs" / "metrics.md";
    std::ifstream file{path};
    Lines lines;
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with(kRow)) continue;
        std::istringstream cells{line.substr(1)};
        std::string name;
        std::string type;
        std::string labels;
        std::getline(cells, name, '|');
        std::getline(cells, type, '|');
        std::getline(cells, labels, '|');
        name = *words_before(name, "`").begin();
        type = first_word(std::string_view{type}.substr(1));
        lines.insert(join(type, name, words_before(labels, "`")));
    }
    return lines;
}

}  // namespace

TEST_CASE("[A5.11] docs/metrics.md lists what there is, with type and labels, and nothing else") {
    wd::Metrics metrics{{"digits"}};
    count_all(metrics);
    const Lines there = told(metrics.text(full_snapshot()));
    const Lines page = documented();
    for (const std::string& line : there) {
        INFO("not on the page: " << line);
        CHECK(page.contains(line));
    }
    for (const std::string& line : page) {
        INFO("only on the page: " << line);
        CHECK(there.contains(line));
    }
}
