// The JSON of events is made of single lines, which is what a stream's data must be.
#include "http/event_text.h"

#include <fmt/core.h>

#include "base/wall_time.h"
#include "http/json_writer.h"

namespace windlass::http {
namespace {

void write_text(JsonWriter& json, std::string_view name, const std::string& text) {
    json.key(name);
    text.empty() ? json.null() : json.string(text);
}

void write_event(JsonWriter& json, const base::EventRecord& event) {
    json.begin_object();
    json.key("number");
    event.number == 0 ? json.null() : json.number(event.number);
    json.key("time").string(base::utc_text(event.time_ms));
    json.key("level").string(base::to_text(event.level));
    json.key("code").string(event.code);
    write_text(json, "model", event.model);
    write_text(json, "job", event.job);
    json.key("worker");
    event.worker ? json.number(*event.worker) : json.null();
    json.key("pid");
    event.pid&&* event.pid >= 0 ? json.number(static_cast<std::uint64_t>(*event.pid)) : json.null();
    write_text(json, "device", event.device);
    write_text(json, "request", event.request);
    json.key("fields").value(event.fields);
    json.end_object();
}

void write_number(JsonWriter& json, std::string_view name, std::uint64_t number) {
    json.key(name);
    number == 0 ? json.null() : json.number(number);
}

}  // namespace

std::string to_json(const base::EventRecord& event) {
    JsonWriter json;
    write_event(json, event);
    return json.take();
}

std::string to_json(const base::EventPage& page) {
    JsonWriter json;
    json.begin_object();
    json.key("events").begin_array();
    for (const base::EventRecord& event : page.events) write_event(json, event);
    json.end_array();
    write_number(json, "first", page.first);
    json.key("last").number(page.last);
    write_number(json, "next", page.next.value_or(0));
    json.end_object();
    return json.take();
}

std::string stream_text(const base::EventRecord& event) {
    if (event.number == 0) return fmt::format("data: {}\n\n", to_json(event));
    return fmt::format("id: {}\ndata: {}\n\n", event.number, to_json(event));
}

std::string stream_text(const EventGap& gap) {
    JsonWriter json;
    json.begin_object();
    json.key("after").number(gap.after);
    json.key("next").number(gap.next);
    json.key("reason").string(gap.reason);
    json.end_object();
    return fmt::format("event: gap\ndata: {}\n\n", json.take());
}

std::string stream_end_text(std::string_view reason, std::string_view message) {
    JsonWriter json;
    json.begin_object();
    json.key("reason").string(reason);
    json.key("message").string(message);
    json.end_object();
    return fmt::format("event: end\ndata: {}\n\n", json.take());
}

}  // namespace windlass::http
