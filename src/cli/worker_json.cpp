// JSON of the workers and incidents APIs to plain values.
#include "cli/worker_json.h"

#include <boost/json.hpp>

#include "cli/json_fields.h"

namespace windlass::cli {
namespace {

namespace json = boost::json;

base::Error not_of_workers() {
    return base::fail(
        base::Errc::data_corrupt,
        "the answer is not what a Windlass daemon says of its workers; is `--url` one?");
}

std::vector<std::string> texts_of(const json::object& object, std::string_view key) {
    std::vector<std::string> texts;
    const json::value* const list = object.if_contains(key);
    if (list == nullptr || !list->is_array()) return texts;
    for (const json::value& text : list->get_array()) {
        if (text.is_string()) texts.emplace_back(text.get_string());
    }
    return texts;
}

std::optional<ProgressState> read_progress(const json::object& object) {
    const json::value* const value = object.if_contains("progress");
    if (value == nullptr || !value->is_object()) return std::nullopt;
    const json::object& progress = value->get_object();
    return ProgressState{.step = read_count(progress, "step"),
                         .total = read_count(progress, "total"),
                         .phase = read_text(progress, "phase")};
}

void read_next(const json::object& object, WorkerState& worker) {
    const json::value* const next = object.if_contains("next");
    if (next == nullptr || !next->is_object()) return;
    worker.next_step = read_text(next->get_object(), "step");
    worker.next_in_s = read_number(next->get_object(), "in_s");
}

base::Result<WorkerState> to_worker(const json::value& value) {
    if (!value.is_object()) return not_of_workers();
    const json::object& object = value.get_object();
    WorkerState worker{.id = read_count(object, "id").value_or(0),
                       .pid = read_count(object, "pid").value_or(0),
                       .model = read_text(object, "model"),
                       .device = read_text(object, "device"),
                       .state = read_text(object, "state"),
                       .since_s = read_number(object, "since_s").value_or(0),
                       .next_step = {},
                       .next_in_s = {},
                       .memory = read_memory(object),
                       .running = {},
                       .runs = {},
                       .load = {}};
    if (worker.id == 0 || worker.state.empty()) return not_of_workers();
    worker.running = texts_of(object, "running");
    read_next(object, worker);
    for_each_object(object, "runs", [&](const json::object& run) {
        worker.runs.push_back({.request = read_text(run, "request"),
                               .since_s = read_number(run, "since_s").value_or(0),
                               .limit_in_s = read_number(run, "limit_in_s"),
                               .peak_bytes = read_count(run, "peak_bytes"),
                               .progress = read_progress(run)});
    });
    if (worker.state == "loading") worker.load = read_progress(object);
    return worker;
}

base::Error not_of_incidents() {
    return base::fail(
        base::Errc::data_corrupt,
        "the answer is not what a Windlass daemon says of incidents; is `--url` one?");
}

void read_evidence_of(const json::object& evidence, IncidentState& incident) {
    for_each_object(evidence, "threads", [&](const json::object& thread) {
        incident.threads.push_back({.process = read_count(thread, "process").value_or(0),
                                    .thread = read_count(thread, "thread").value_or(0),
                                    .name = read_text(thread, "name"),
                                    .state = read_text(thread, "state"),
                                    .wait_channel = read_text(thread, "wait_channel"),
                                    .kernel_stack = texts_of(thread, "kernel_stack"),
                                    .native_stack = texts_of(thread, "native_stack")});
    });
    incident.python_stacks = texts_of(evidence, "python_stacks");
    incident.missing = texts_of(evidence, "missing");
    const json::value* const device = evidence.if_contains("device");
    if (device == nullptr || !device->is_object()) return;
    const json::object& said = device->get_object();
    incident.device_age_s = read_number(said, "age_s");
    incident.device_worker_bytes = read_count(said, "worker_bytes");
    incident.device_used_bytes = read_count(said, "used_bytes");
    incident.device_busy_percent = read_count(said, "busy_percent");
}

IncidentState to_incident(const json::object& object) {
    IncidentState incident{.id = read_count(object, "id").value_or(0),
                           .detected_at = read_text(object, "detected_at"),
                           .worker = read_count(object, "worker").value_or(0),
                           .pid = read_count(object, "pid").value_or(0),
                           .model = read_text(object, "model"),
                           .device = read_text(object, "device"),
                           .request = read_text(object, "request"),
                           .how = read_text(object, "how"),
                           .leftovers = read_count(object, "leftovers").value_or(0)};
    if (const json::value* cause = object.if_contains("cause"); cause && cause->is_object()) {
        incident.cause_type = read_text(cause->get_object(), "type");
        incident.cause_message = read_text(cause->get_object(), "message");
    }
    for_each_object(object, "steps", [&](const json::object& step) {
        incident.steps.push_back({.name = read_text(step, "step"),
                                  .after_ms = read_number(step, "after_ms").value_or(0),
                                  .bytes = read_count(step, "bytes")});
    });
    if (const json::value* seen = object.if_contains("evidence"); seen && seen->is_object()) {
        read_evidence_of(seen->get_object(), incident);
    }
    incident.output = texts_of(object, "output");
    return incident;
}

// The list under that key; null: there is none.
const json::array* list_in(const json::value& value, std::string_view key) {
    const json::object* const object = value.if_object();
    const json::value* const list = object == nullptr ? nullptr : object->if_contains(key);
    return list == nullptr ? nullptr : list->if_array();
}

// Null when it is no JSON.
json::value parse_or_null(std::string_view text) {
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    return error ? json::value() : value;
}

}  // namespace

base::Result<WorkerState> parse_worker(std::string_view text) {
    return to_worker(parse_or_null(text));
}

base::Result<std::vector<WorkerState>> parse_workers(std::string_view text) {
    const json::value value = parse_or_null(text);
    const json::array* const list = list_in(value, "workers");
    if (list == nullptr) return not_of_workers();
    std::vector<WorkerState> workers;
    for (const json::value& item : *list) workers.push_back(WL_TRY(to_worker(item)));
    return workers;
}

base::Result<std::vector<IncidentState>> parse_incidents(std::string_view text) {
    const json::value value = parse_or_null(text);
    const json::array* const list = list_in(value, "incidents");
    if (list == nullptr) return not_of_incidents();
    std::vector<IncidentState> incidents;
    for (const json::value& item : *list) {
        if (!item.is_object()) return not_of_incidents();
        incidents.push_back(to_incident(item.get_object()));
        if (incidents.back().id == 0) return not_of_incidents();
    }
    return incidents;
}

std::string incident_json(std::string_view text, std::uint64_t id) {
    const json::value value = parse_or_null(text);
    const json::array* const list = list_in(value, "incidents");
    if (list == nullptr) return {};
    for (const json::value& item : *list) {
        if (!item.is_object()) continue;
        if (read_count(item.get_object(), "id") != id) continue;
        return json::serialize(item);
    }
    return {};
}

}  // namespace windlass::cli
