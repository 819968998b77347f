// The one place that knows the names of the API's JSON fields.
#include "http/models_json.h"

#include <algorithm>

#include "http/json_writer.h"

namespace windlass::http {
namespace {

constexpr std::size_t kWaitingRequestsShown = 100;

void write_optional_seconds(JsonWriter& json, std::string_view name,
                            const std::optional<base::Duration>& duration) {
    json.key(name);
    duration ? json.seconds(*duration) : json.null();
}

void write_optional_string(JsonWriter& json, std::string_view name, const std::string& text) {
    if (!text.empty()) json.key(name).string(text);
}

void write_optional_bytes(JsonWriter& json, std::string_view name,
                          const std::optional<base::Bytes>& bytes) {
    json.key(name);
    bytes ? json.number(bytes->count()) : json.null();
}

void write_shortage(JsonWriter& json, const base::MemoryShortage& memory) {
    json.key("device").string(memory.device);
    write_optional_bytes(json, "required", memory.required);
    write_optional_bytes(json, "available", memory.available);
    json.key("holders").begin_array();
    for (const base::MemoryHolder& holder : memory.holders) {
        json.begin_object();
        json.key("kind").string(holder.kind);
        write_optional_string(json, "model", holder.model);
        if (holder.generation != 0) json.key("generation").number(holder.generation);
        json.key("bytes").number(holder.bytes.count());
        json.end_object();
    }
    json.end_array();
}

void write_last_error(JsonWriter& json, const std::optional<base::Error>& error) {
    json.key("last_error");
    if (!error) {
        json.null();
        return;
    }
    json.begin_object();
    json.key("type").string(base::traits(error->code).name);
    json.key("message").string(error->message);
    json.end_object();
}

void write_waiting_requests(JsonWriter& json, std::span<const WaitingRequest> requests) {
    json.key("waiting_requests").begin_array();
    for (const WaitingRequest& request :
         requests.first(std::min(requests.size(), kWaitingRequestsShown))) {
        json.begin_object();
        json.key("request_id").string(request.request_id);
        json.key("reason").string(request.reason);
        json.key("waited_ms").milliseconds(request.waited);
        json.key("priority").number(request.priority);
        json.end_object();
    }
    json.end_array();
}

void write_model(JsonWriter& json, const ModelStatus& model) {
    json.begin_object();
    json.key("name").string(model.name);
    json.key("model").string(model.model);
    json.key("variant");
    model.variant.empty() ? json.null() : json.string(model.variant);
    json.key("residency").string(model.residency);
    json.key("copies").number(model.copies);
    json.key("worker_pid");
    model.worker_pid ? json.number(static_cast<std::uint64_t>(*model.worker_pid)) : json.null();
    json.key("generation").number(model.generation);
    json.key("device");
    model.device.empty() ? json.null() : json.string(model.device);
    json.key("workers").begin_array();
    for (const ModelProcess& process : model.processes) {
        json.begin_object();
        json.key("id").number(process.worker);
        json.key("pid").number(static_cast<std::uint64_t>(process.pid));
        json.key("device");
        process.device.empty() ? json.null() : json.string(process.device);
        json.key("state").string(process.state);
        json.end_object();
    }
    json.end_array();
    json.key("need").string(model.need);
    write_optional_bytes(json, "need_bytes", model.need_bytes);
    write_memory(json, model.memory);
    json.key("running").number(model.running);
    json.key("waiting").number(model.waiting);
    json.key("paused").boolean(model.paused);
    json.key("breaker").string(model.breaker);
    json.key("loads").number(model.loads);
    json.key("failures").number(model.failures);
    write_optional_seconds(json, "ready_since_s", model.ready_since);
    write_optional_seconds(json, "loading_for_s", model.loading_for);
    write_last_error(json, model.last_error);
    write_optional_seconds(json, "retry_after_s", model.retry_after);
    write_waiting_requests(json, model.waiting_requests);
    json.end_object();
}

}  // namespace

std::string to_json(const ModelStatus& model) {
    JsonWriter json;
    write_model(json, model);
    return json.take();
}

std::string to_json(std::span<const ModelStatus> models) {
    JsonWriter json;
    json.begin_object().key("models").begin_array();
    for (const ModelStatus& model : models) write_model(json, model);
    json.end_array().end_object();
    return json.take();
}

std::string to_json(const Health& health) {
    JsonWriter json;
    json.begin_object();
    const bool is_degraded = !health.troubles.empty();
    json.key("status").string(health.stopping ? "stopping" : is_degraded ? "degraded" : "ok");
    json.key("version").string(health.version);
    json.key("commit").string(health.commit);
    json.key("daemon_id").string(health.daemon_id);
    json.key("configuration").string(health.configuration);
    json.key("uptime_s").seconds(health.uptime);
    if (is_degraded) {
        json.key("troubles").begin_array();
        for (const Trouble& trouble : health.troubles) {
            json.begin_object();
            json.key("reason").string(trouble.reason);
            write_optional_string(json, "device", trouble.device);
            json.key("message").string(trouble.message);
            json.end_object();
        }
        json.end_array();
    }
    json.end_object();
    return json.take();
}

void write_error(JsonWriter& json, const base::Error& error, const ErrorContext& context) {
    json.begin_object();
    json.key("type").string(base::traits(error.code).name);
    json.key("message").string(error.message);
    write_optional_string(json, "reason", error.reason);
    if (error.retry_after) json.key("retry_after_s").seconds(*error.retry_after);
    if (error.memory) write_shortage(json, *error.memory);
    write_optional_string(json, "request_id", context.request_id);
    write_optional_string(json, "cause", error.cause);
    write_optional_string(json, "traceback", error.traceback);
    write_optional_string(json, "model", context.model);
    write_optional_string(json, "job", context.job);
    json.end_object();
}

std::string to_json(const base::Error& error, const ErrorContext& context) {
    JsonWriter json;
    json.begin_object().key("error");
    write_error(json, error, context);
    json.end_object();
    return json.take();
}

}  // namespace windlass::http
