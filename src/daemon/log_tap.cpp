// From log lines to events.
#include "daemon/log_tap.h"

#include <fmt/core.h>

#include <cmath>
#include <string>

#include "http/json_writer.h"
#include "io/wall_clock.h"

namespace windlass::daemon {
namespace {

using base::log::Field;

// With that, 100,000 events of the largest kind are some gigabytes, and of the usual kind 40 MB.
constexpr std::size_t kTextMax = std::size_t{32} * 1024;

std::string cut(const std::string& text) {
    if (text.size() <= kTextMax) return text;
    return fmt::format("{}... ({} bytes more are in the log only)", text.substr(0, kTextMax),
                       text.size() - kTextMax);
}

void write_value(http::JsonWriter& json, const Field& field) {
    json.key(field.key);
    if (const auto* text = std::get_if<std::string>(&field.value)) {
        json.string(cut(*text));
    } else if (const auto* integer = std::get_if<std::int64_t>(&field.value)) {
        json.value(std::to_string(*integer));
    } else if (const auto* real = std::get_if<double>(&field.value)) {
        json.value(std::isfinite(*real) ? fmt::format("{}", *real) : "null");
    } else {
        json.boolean(std::get<bool>(field.value));
    }
}

// True: it has a field of its own, which now has its value.
bool set_own(base::EventRecord& event, const Field& field) {
    if (const auto* text = std::get_if<std::string>(&field.value)) {
        std::string* const place = field.key == "model"     ? &event.model
                                   : field.key == "job"     ? &event.job
                                   : field.key == "device"  ? &event.device
                                   : field.key == "request" ? &event.request
                                                            : nullptr;
        if (place != nullptr) *place = *text;
        return place != nullptr;
    }
    const auto* const number = std::get_if<std::int64_t>(&field.value);
    if (number == nullptr || *number < 0) return false;
    if (field.key == "generation") {
        event.worker = static_cast<std::uint64_t>(*number);
    } else if (field.key == "pid") {
        event.pid = *number;
    } else {
        return false;
    }
    return true;
}

}  // namespace

bool is_event(base::log::Level level, std::string_view code) {
    return level > base::log::Level::debug && code != "worker.output";
}

base::EventRecord to_event(base::log::Level level, std::string_view code,
                           std::span<const Field> fields, std::int64_t now_ms) {
    base::EventRecord event{.time_ms = now_ms, .level = level, .code = std::string{code}};
    http::JsonWriter json;
    json.begin_object();
    for (const Field& field : fields) {
        if (!set_own(event, field)) write_value(json, field);
    }
    json.end_object();
    event.fields = json.take();
    return event;
}

void LogTap::note(base::log::Level level, std::string_view code, std::span<const Field> fields) {
    if (!is_event(level, code)) return;
    if (!waiting_.post(to_event(level, code, fields, io::wall_clock_ms()))) ++lost_;
    if (rope_) rope_->pull();
}

}  // namespace windlass::daemon
