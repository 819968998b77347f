// Writes what explanation_status.h holds.
#include "http/explain_json.h"

#include "http/json_writer.h"

namespace windlass::http {
namespace {

void put_text(JsonWriter& json, std::string_view name, std::string_view text) {
    json.key(name);
    text.empty() ? json.null() : json.string(text);
}

void put_number(JsonWriter& json, std::string_view name, std::uint64_t number) {
    json.key(name);
    number == 0 ? json.null() : json.number(number);
}

void put_bytes(JsonWriter& json, std::string_view name, const std::optional<base::Bytes>& bytes) {
    json.key(name);
    bytes ? json.number(bytes->count()) : json.null();
}

void put_seconds(JsonWriter& json, std::string_view name,
                 const std::optional<base::Duration>& duration) {
    json.key(name);
    duration ? json.seconds(*duration) : json.null();
}

void put_texts(JsonWriter& json, std::string_view name, const std::vector<std::string>& texts) {
    json.key(name).begin_array();
    for (const std::string& text : texts) json.string(text);
    json.end_array();
}

void put_change(JsonWriter& json, std::string_view name, const std::optional<NextChange>& change) {
    json.key(name);
    if (!change) {
        json.null();
        return;
    }
    json.begin_object();
    json.key("step").string(change->step);
    json.key("in_s").seconds(change->in);
    put_number(json, "worker", change->worker);
    put_text(json, "model", change->model);
    put_text(json, "request_id", change->request);
    json.end_object();
}

void put_progress(JsonWriter& json, const std::optional<ProgressStatus>& progress) {
    json.key("progress");
    if (!progress) {
        json.null();
        return;
    }
    json.begin_object();
    put_text(json, "request_id", progress->request);
    json.key("step");
    progress->step ? json.number(*progress->step) : json.null();
    json.key("total");
    progress->total ? json.number(*progress->total) : json.null();
    put_text(json, "phase", progress->phase.value_or(""));
    json.key("age_s").seconds(progress->age);
    json.end_object();
}

void put_holder(JsonWriter& json, const ExplainedHolder& holder) {
    json.begin_object();
    json.key("kind").string(holder.kind);
    put_text(json, "model", holder.model);
    put_number(json, "worker", holder.worker);
    put_number(json, "pid", static_cast<std::uint64_t>(holder.pid));
    json.key("doing").string(holder.doing);
    json.key("bytes").number(holder.bytes.count());
    put_bytes(json, "measured_bytes", holder.measured);
    json.key("parked").boolean(holder.is_parked);
    json.key("pinned").boolean(holder.is_pinned);
    json.key("provisional").boolean(holder.is_provisional);
    put_texts(json, "requests", holder.requests);
    put_texts(json, "sent_ahead", holder.sent_ahead);
    put_seconds(json, "since_s", holder.since);
    put_change(json, "until", holder.until);
    put_seconds(json, "makes_room_in_s", holder.makes_room_in);
    put_progress(json, holder.progress);
    json.key("processes").begin_array();
    for (const Stranger& stranger : holder.strangers) {
        json.begin_object();
        json.key("pid").number(static_cast<std::uint64_t>(stranger.pid));
        put_text(json, "name", stranger.name);
        put_bytes(json, "bytes", stranger.bytes);
        json.end_object();
    }
    json.end_array();
    json.end_object();
}

void put_holders(JsonWriter& json, std::string_view name,
                 const std::vector<ExplainedHolder>& holders) {
    json.key(name).begin_array();
    for (const ExplainedHolder& holder : holders) put_holder(json, holder);
    json.end_array();
}

void put_memory(JsonWriter& json, const std::optional<ExplainedMemory>& memory) {
    json.key("memory");
    if (!memory) {
        json.null();
        return;
    }
    json.begin_object();
    put_text(json, "device", memory->device);
    json.key("need_source").string(memory->need_source);
    put_bytes(json, "required_bytes", memory->required);
    json.key("needs_all").boolean(memory->needs_all);
    put_bytes(json, "capacity_bytes", memory->capacity);
    json.key("headroom_bytes").number(memory->headroom.count());
    put_bytes(json, "free_bytes", memory->free);
    put_bytes(json, "missing_bytes", memory->missing);
    json.key("promised_bytes").number(memory->promised.count());
    json.key("kept_bytes").number(memory->kept.count());
    json.key("asked").boolean(memory->is_asked);
    json.key("for_run").boolean(memory->is_for_run);
    json.key("reserved").boolean(memory->is_reserved);
    json.key("failed_loads").number(memory->failed_loads);
    put_seconds(json, "since_s", memory->since);
    put_seconds(json, "patience_in_s", memory->patience_in);
    put_texts(json, "before", memory->before);
    put_holders(json, "holders", memory->holders);
    json.end_object();
}

void put_error(JsonWriter& json, const std::optional<base::Error>& error) {
    json.key("error");
    if (!error) {
        json.null();
        return;
    }
    json.begin_object();
    json.key("type").string(base::traits(error->code).name);
    json.key("message").string(error->message);
    json.end_object();
}

void put_request_part(JsonWriter& json, const ExplanationStatus& told) {
    json.key("asked").string(told.asked);
    json.key("priority").number(told.priority);
    json.key("position");
    told.position ? json.number(*told.position) : json.null();
    put_seconds(json, "wait_limit_in_s", told.wait_limit_in);
    put_seconds(json, "deadline_in_s", told.deadline_in);
    json.key("failed_tries").number(told.failed_tries);
    put_number(json, "worker", told.worker);
    put_seconds(json, "progress_age_s", told.progress_age);
}

void put_model_part(JsonWriter& json, const ExplanationStatus& told) {
    json.key("waits").begin_object();
    for (const auto& [reason, count] : told.waits) json.key(reason).number(count);
    json.end_object();
    put_text(json, "first", told.first);
    json.key("running").number(told.running);
    json.key("ready").number(told.ready);
    json.key("copies_max").number(told.copies_max);
    json.key("unkillable").number(told.unkillable);
    json.key("failures").number(told.failures);
    json.key("paused").boolean(told.is_paused);
    json.key("breaker").string(told.breaker);
    put_number(json, "incident", told.incident);
}

void put_explanation(JsonWriter& json, const ExplanationStatus& told) {
    json.begin_object();
    json.key("subject").string(told.subject);
    json.key("kind").string(told.kind);
    put_text(json, "model", told.model);
    json.key("state").string(told.state);
    put_text(json, "reason", told.reason);
    json.key("stuck").boolean(told.is_stuck);
    json.key("sentence").string(told.sentence);
    json.key("advice").begin_array();
    for (const Advice& advice : told.advice) {
        json.begin_object();
        put_text(json, "command", advice.command);
        json.key("what").string(advice.what);
        json.end_object();
    }
    json.end_array();
    put_seconds(json, "since_s", told.since);
    json.key("waiting").number(told.waiting);
    told.kind == "request" ? put_request_part(json, told) : put_model_part(json, told);
    put_error(json, told.error);
    put_change(json, "next", told.next);
    put_holders(json, "processes", told.processes);
    put_memory(json, told.memory);
    json.end_object();
}

}  // namespace

std::string to_json(const ExplanationStatus& explanation) {
    JsonWriter json;
    put_explanation(json, explanation);
    return json.take();
}

std::string to_json(std::span<const ExplanationStatus> explanations) {
    JsonWriter json;
    json.begin_object().key("explanations").begin_array();
    for (const ExplanationStatus& explanation : explanations) put_explanation(json, explanation);
    json.end_array().end_object();
    return json.take();
}

}  // namespace windlass::http
