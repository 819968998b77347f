// Parameters and header fields of GET /api/events.
#include "http/event_query.h"

#include <fmt/core.h>

#include <charconv>
#include <optional>
#include <string>

#include "base/time.h"
#include "base/wall_time.h"
#include "http/query_parameters.h"

namespace windlass::http {
namespace {

base::Result<std::uint64_t> read_number(std::string_view name, const std::string& value) {
    std::uint64_t number = 0;
    const char* const end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, number);
    // SQL has no larger ones.
    if (error == std::errc{} && stop == end && number <= INT64_MAX) return number;
    return bad_parameter(name, value, "write a whole number, such as 17");
}

base::Result<std::int64_t> read_time(std::string_view value, std::int64_t now_ms) {
    if (const auto back = base::parse_duration(value)) {
        return now_ms - std::chrono::duration_cast<std::chrono::milliseconds>(*back).count();
    }
    if (const auto time = base::parse_utc(value)) return *time;
    return bad_parameter(
        "since", value,
        "write how far back, such as 10m or 2h, or a time, such as 2026-01-31T13:45:00Z");
}

base::Result<void> read_parameter(std::string_view name, const std::string& value,
                                  std::int64_t now_ms, EventRequest& request) {
    base::EventFilter& filter = request.query.filter;
    if (name == "after") {
        request.query.after = WL_TRY(read_number(name, value));
    } else if (name == "limit") {
        request.query.limit = WL_TRY(read_number(name, value));
        if (request.query.limit < 1 || request.query.limit > base::EventQuery::kLimitMax) {
            return bad_parameter(name, value,
                                 fmt::format("write 1 to {}", base::EventQuery::kLimitMax));
        }
    } else if (name == "model") {
        filter.model = value;
    } else if (name == "job") {
        filter.job = value;
    } else if (name == "worker") {
        filter.worker = WL_TRY(read_number(name, value));
    } else if (name == "code") {
        filter.code = value;
    } else if (name == "level") {
        const auto level = base::find_level(value);
        if (!level) return bad_parameter(name, value, "write info, warning or error");
        filter.level = *level;
    } else if (name == "since") {
        filter.since_ms = WL_TRY(read_time(value, now_ms));
    } else if (name == "follow") {
        request.is_followed = WL_TRY(read_switch(name, value));
    } else {
        return bad_parameter(
            name, value,
            "it may be after, limit, model, worker, job, code, level, since, or follow=1");
    }
    return {};
}

// What a browser's EventSource, or whoever else was cut off, sends when it comes again.
base::Result<void> read_headers(const Headers& headers, EventRequest& request) {
    if (const auto last = headers.find("Last-Event-ID"); last && !last->empty()) {
        request.query.after = WL_TRY(read_number("Last-Event-ID", std::string{*last}));
    }
    const auto accept = headers.find("Accept");
    if (accept && accept->contains("text/event-stream")) request.is_followed = true;
    return {};
}

}  // namespace

base::Result<EventRequest> read_event_request(std::string_view query, const Headers& headers,
                                              std::int64_t now_ms) {
    EventRequest request;
    WL_TRY(take_parameters(query, [&](std::string_view name, const std::string& value) {
        return read_parameter(name, value, now_ms, request);
    }));
    WL_TRY(read_headers(headers, request));
    return request;
}

}  // namespace windlass::http
