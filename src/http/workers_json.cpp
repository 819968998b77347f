// Writes what worker_status.h holds.
#include "http/workers_json.h"

#include "http/json_writer.h"

namespace windlass::http {
namespace {

void write_or_null(JsonWriter& json, std::string_view name, const std::string& text) {
    json.key(name);
    text.empty() ? json.null() : json.string(text);
}

void write_age(JsonWriter& json, std::string_view name, const std::optional<base::Duration>& age) {
    json.key(name);
    age ? json.seconds(*age) : json.null();
}

void write_bytes(JsonWriter& json, std::string_view name, const std::optional<base::Bytes>& bytes) {
    json.key(name);
    bytes ? json.number(bytes->count()) : json.null();
}

void write_lines(JsonWriter& json, std::string_view name, const std::vector<std::string>& lines) {
    json.key(name).begin_array();
    for (const std::string& line : lines) json.string(line);
    json.end_array();
}

void write_progress(JsonWriter& json, const std::optional<ProgressStatus>& progress) {
    json.key("progress");
    if (!progress) {
        json.null();
        return;
    }
    json.begin_object();
    write_or_null(json, "request", progress->request);
    json.key("step");
    progress->step ? json.number(*progress->step) : json.null();
    json.key("total");
    progress->total ? json.number(*progress->total) : json.null();
    write_or_null(json, "phase", progress->phase.value_or(""));
    json.key("age_s").seconds(progress->age);
    json.end_object();
}

void write_next(JsonWriter& json, const std::optional<NextMoveStatus>& next) {
    json.key("next");
    if (!next) {
        json.null();
        return;
    }
    json.begin_object();
    json.key("step").string(next->step);
    json.key("in_s").seconds(next->in);
    json.end_object();
}

void write_runs(JsonWriter& json, const std::vector<RunStatus>& runs) {
    json.key("running").begin_array();
    for (const RunStatus& run : runs) json.string(run.request);
    json.end_array();
    json.key("runs").begin_array();
    for (const RunStatus& run : runs) {
        json.begin_object();
        json.key("request").string(run.request);
        json.key("since_s").seconds(run.since);
        write_age(json, "limit_in_s", run.limit_in);
        write_bytes(json, "peak_bytes", run.peak);
        json.key("shared").boolean(run.is_shared);
        write_progress(json, run.progress);
        json.end_object();
    }
    json.end_array();
}

void write_worker(JsonWriter& json, const WorkerStatus& worker) {
    json.begin_object();
    json.key("id").number(worker.id);
    json.key("pid").number(static_cast<std::uint64_t>(worker.pid));
    json.key("model").string(worker.model);
    json.key("device");
    worker.device.empty() ? json.null() : json.string(worker.device);
    json.key("state").string(worker.state);
    json.key("since_s").seconds(worker.since);
    write_next(json, worker.next);
    write_memory(json, worker.memory);
    write_runs(json, worker.runs);
    write_age(json, "heartbeat_age_s", worker.heartbeat_age);
    write_progress(json, worker.progress);
    json.end_object();
}

void write_thread(JsonWriter& json, const ThreadStatus& thread) {
    json.begin_object();
    json.key("process").number(static_cast<std::uint64_t>(thread.process));
    json.key("thread").number(static_cast<std::uint64_t>(thread.thread));
    json.key("name").string(thread.name);
    json.key("state").string(thread.state);
    write_or_null(json, "wait_channel", thread.wait_channel);
    write_lines(json, "kernel_stack", thread.kernel_stack);
    write_lines(json, "native_stack", thread.native_stack);
    json.end_object();
}

void write_activity(JsonWriter& json, const DeviceActivityStatus& activity) {
    write_bytes(json, "worker_bytes", activity.worker_bytes);
    write_bytes(json, "used_bytes", activity.used);
    json.key("busy_percent");
    activity.busy_percent ? json.number(*activity.busy_percent) : json.null();
    write_age(json, "age_s", activity.age);
}

void write_activity(JsonWriter& json, const DeviceActivityHistory& activity) {
    json.key("device").begin_object();
    write_activity(json, activity.last);
    json.key("earlier").begin_array();
    for (const DeviceActivityStatus& before : activity.earlier) {
        json.begin_object();
        write_activity(json, before);
        json.end_object();
    }
    json.end_array();
    json.end_object();
}

void write_step(JsonWriter& json, const IncidentStep& step) {
    json.begin_object();
    json.key("step").string(step.name);
    json.key("after_ms").milliseconds(step.after);
    if (!step.by.empty()) json.key("by").string(step.by);
    if (step.bytes) json.key("bytes").number(step.bytes->count());
    json.end_object();
}

void write_evidence(JsonWriter& json, const std::optional<EvidenceStatus>& evidence) {
    json.key("evidence");
    if (!evidence) {
        json.null();
        return;
    }
    json.begin_object();
    json.key("took_ms").milliseconds(evidence->took);
    json.key("complete").boolean(evidence->is_complete);
    json.key("threads").begin_array();
    for (const ThreadStatus& thread : evidence->threads) write_thread(json, thread);
    json.end_array();
    write_lines(json, "python_stacks", evidence->python_stacks);
    write_lines(json, "missing", evidence->missing);
    write_activity(json, evidence->activity);
    json.end_object();
}

void write_cause(JsonWriter& json, const std::optional<base::Error>& cause) {
    json.key("cause");
    if (!cause) {
        json.null();
        return;
    }
    json.begin_object();
    json.key("type").string(base::traits(cause->code).name);
    json.key("message").string(cause->message);
    json.end_object();
}

void write_incident(JsonWriter& json, const IncidentStatus& incident) {
    json.begin_object();
    json.key("id").number(incident.id);
    json.key("detected_at").string(incident.detected_at);
    json.key("worker").number(incident.worker);
    json.key("pid").number(static_cast<std::uint64_t>(incident.pid));
    json.key("model").string(incident.model);
    json.key("device");
    incident.device.empty() ? json.null() : json.string(incident.device);
    write_or_null(json, "request", incident.request);
    write_cause(json, incident.cause);
    write_or_null(json, "how", incident.how);
    json.key("leftovers").number(incident.leftovers);
    json.key("steps").begin_array();
    for (const IncidentStep& step : incident.steps) write_step(json, step);
    json.end_array();
    write_progress(json, incident.progress);
    write_age(json, "heartbeat_age_s", incident.heartbeat_age);
    write_evidence(json, incident.evidence);
    json.key("output").begin_array();
    for (const std::string& line : incident.output) json.string(line);
    json.end_array();
    json.end_object();
}

}  // namespace

std::string to_json(const WorkerStatus& worker) {
    JsonWriter json;
    write_worker(json, worker);
    return json.take();
}

std::string to_json(const std::vector<WorkerStatus>& workers) {
    JsonWriter json;
    json.begin_object().key("workers").begin_array();
    for (const WorkerStatus& worker : workers) write_worker(json, worker);
    json.end_array().end_object();
    return json.take();
}

std::string to_json(const IncidentStatus& incident) {
    JsonWriter json;
    write_incident(json, incident);
    return json.take();
}

std::string to_json(const std::vector<IncidentStatus>& incidents) {
    JsonWriter json;
    json.begin_object().key("incidents").begin_array();
    for (const IncidentStatus& incident : incidents) write_incident(json, incident);
    json.end_array().end_object();
    return json.take();
}

}  // namespace windlass::http
