// JSON of the workers and incidents APIs to plain values.
#include "cli/worker_json.h"

#include <boost/json.hpp>

namespace windlass::cli {
namespace {

namespace json = boost::json;

base::Error not_of_workers() {
    return base::fail(
        base::Errc::data_corrupt,
        "the answer is not what a Windlass daemon says of its workers; is `--url` one?");
}

std::string text_of(const json::object& worker, std::string_view key) {
    const json::value* value = worker.if_contains(key);
    return value != nullptr && value->is_string() ? std::string{value->get_string()}
                                                  : std::string{};
}

template <class Number>
Number number_of(const json::object& worker, std::string_view key) {
    const json::value* value = worker.if_contains(key);
    if (value == nullptr || !value->is_number()) return {};
    boost::system::error_code error;
    const Number number = value->to_number<Number>(error);
    return error ? Number{} : number;
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

std::optional<std::uint64_t> count_in(const json::object& object, std::string_view key) {
    const json::value* const value = object.if_contains(key);
    if (value == nullptr || !value->is_number()) return std::nullopt;
    return number_of<std::uint64_t>(object, key);
}

base::Result<WorkerState> to_worker(const json::value& value) {
    if (!value.is_object()) return not_of_workers();
    const json::object& object = value.get_object();
    WorkerState worker{.id = number_of<std::uint64_t>(object, "id"),
                       .pid = number_of<std::uint64_t>(object, "pid"),
                       .model = text_of(object, "model"),
                       .device = text_of(object, "device"),
                       .state = text_of(object, "state"),
                       .since_s = number_of<double>(object, "since_s"),
                       .claimed_bytes = count_in(object, "claimed_bytes"),
                       .used_bytes = count_in(object, "used_bytes"),
                       .running = {}};
    if (worker.id == 0 || worker.state.empty()) return not_of_workers();
    worker.running = texts_of(object, "running");
    return worker;
}

base::Error not_of_incidents() {
    return base::fail(
        base::Errc::data_corrupt,
        "the answer is not what a Windlass daemon says of incidents; is `--url` one?");
}

template <class Read>
void for_each_of(const json::object& object, std::string_view key, Read read) {
    const json::value* const list = object.if_contains(key);
    if (list == nullptr || !list->is_array()) return;
    for (const json::value& item : list->get_array()) {
        if (item.is_object()) read(item.get_object());
    }
}

void read_evidence_of(const json::object& evidence, IncidentState& incident) {
    for_each_of(evidence, "threads", [&](const json::object& thread) {
        incident.threads.push_back({.process = number_of<std::uint64_t>(thread, "process"),
                                    .thread = number_of<std::uint64_t>(thread, "thread"),
                                    .name = text_of(thread, "name"),
                                    .state = text_of(thread, "state"),
                                    .wait_channel = text_of(thread, "wait_channel"),
                                    .kernel_stack = texts_of(thread, "kernel_stack"),
                                    .native_stack = texts_of(thread, "native_stack")});
    });
    incident.python_stacks = texts_of(evidence, "python_stacks");
    incident.missing = texts_of(evidence, "missing");
    const json::value* const device = evidence.if_contains("device");
    if (device == nullptr || !device->is_object()) return;
    const json::object& said = device->get_object();
    if (const json::value* age = said.if_contains("age_s"); age && age->is_number()) {
        incident.device_age_s = number_of<double>(said, "age_s");
    }
    incident.device_worker_bytes = count_in(said, "worker_bytes");
    incident.device_used_bytes = count_in(said, "used_bytes");
    incident.device_busy_percent = count_in(said, "busy_percent");
}

IncidentState to_incident(const json::object& object) {
    IncidentState incident{.id = number_of<std::uint64_t>(object, "id"),
                           .detected_at = text_of(object, "detected_at"),
                           .worker = number_of<std::uint64_t>(object, "worker"),
                           .pid = number_of<std::uint64_t>(object, "pid"),
                           .model = text_of(object, "model"),
                           .device = text_of(object, "device"),
                           .request = text_of(object, "request"),
                           .how = text_of(object, "how"),
                           .leftovers = number_of<std::uint64_t>(object, "leftovers")};
    if (const json::value* cause = object.if_contains("cause"); cause && cause->is_object()) {
        incident.cause_type = text_of(cause->get_object(), "type");
        incident.cause_message = text_of(cause->get_object(), "message");
    }
    for_each_of(object, "steps", [&](const json::object& step) {
        incident.steps.push_back({.name = text_of(step, "step"),
                                  .after_ms = number_of<double>(step, "after_ms"),
                                  .bytes = count_in(step, "bytes")});
    });
    if (const json::value* seen = object.if_contains("evidence"); seen && seen->is_object()) {
        read_evidence_of(seen->get_object(), incident);
    }
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
    json::value value = json::parse(text, error);
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
        if (!item.is_object() || number_of<std::uint64_t>(item.get_object(), "id") != id) continue;
        return json::serialize(item);
    }
    return {};
}

}  // namespace windlass::cli
