// Writes the fields of a line, as text or as JSON.
#include "daemon/access_line.h"

#include <fmt/core.h>

#include "base/digits.h"
#include "base/wall_time.h"
#include "http/json_writer.h"

namespace windlass::daemon {
namespace {

constexpr std::size_t kTargetShown = 512;

// A word without spaces, control characters or bytes that are not ASCII: a client decides over
// some of these texts, and may forge neither a line nor a field.
std::string word(std::string_view text) {
    if (text.empty()) return "-";
    std::string out;
    for (const char c : text.substr(0, kTargetShown)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte > 0x20 && byte < 0x7f && c != '"' && c != '\\') {
            out += c;
        } else {
            out += fmt::format("\\x{:02x}", byte);
        }
    }
    return out;
}

std::string milliseconds(bool is_known, base::Duration duration) {
    if (!is_known) return "-";
    std::string text;
    base::append_milliseconds(text, duration);
    return text;
}

std::string text_line(const http::ExchangeRecord& r, std::string_view request_id,
                      std::int64_t now_ms) {
    return fmt::format(
        "{} request={} client={} method={} path={} model={} status={} type={} queue_ms={} "
        "load_ms={} run_ms={} total_ms={} bytes_in={} bytes_out={}\n",
        base::utc_text(now_ms), word(request_id), r.client, word(r.method), word(r.target),
        word(r.model), r.status, word(r.trace.error_type),
        milliseconds(r.trace.has_run, r.trace.queue), milliseconds(r.trace.has_run, r.trace.load),
        milliseconds(r.trace.has_run, r.trace.run), milliseconds(true, r.total), r.bytes_in,
        r.bytes_out);
}

void add_text(http::JsonWriter& json, std::string_view key, std::string_view text) {
    json.key(key);
    if (text.empty()) {
        json.null();
    } else {
        json.string(text.substr(0, kTargetShown));
    }
}

void add_time(http::JsonWriter& json, std::string_view key, bool is_known, base::Duration time) {
    json.key(key);
    if (is_known) {
        json.milliseconds(time);
    } else {
        json.null();
    }
}

std::string json_line(const http::ExchangeRecord& r, std::string_view request_id,
                      std::int64_t now_ms) {
    http::JsonWriter json;
    json.begin_object();
    add_text(json, "time", base::utc_text(now_ms));
    add_text(json, "request", request_id);
    add_text(json, "client", r.client);
    add_text(json, "method", r.method);
    add_text(json, "path", r.target);
    add_text(json, "model", r.model);
    json.key("status").number(static_cast<std::uint64_t>(r.status));
    add_text(json, "type", r.trace.error_type);
    add_time(json, "queue_ms", r.trace.has_run, r.trace.queue);
    add_time(json, "load_ms", r.trace.has_run, r.trace.load);
    add_time(json, "run_ms", r.trace.has_run, r.trace.run);
    add_time(json, "total_ms", true, r.total);
    json.key("bytes_in").number(r.bytes_in);
    json.key("bytes_out").number(r.bytes_out);
    json.end_object();
    return json.take() + "\n";
}

}  // namespace

std::string access_line(const http::ExchangeRecord& record, std::string_view request_id,
                        std::int64_t now_ms, LogFormat format) {
    return format == LogFormat::json ? json_line(record, request_id, now_ms)
                                     : text_line(record, request_id, now_ms);
}

}  // namespace windlass::daemon
