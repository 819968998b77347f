// Parameters and header fields of GET /api/events.
#include "http/event_query.h"

#include <fmt/core.h>

#include <charconv>
#include <optional>
#include <string>

#include "base/time.h"
#include "base/wall_time.h"
#include "http/target.h"

namespace windlass::http {
namespace {

base::Error bad(std::string_view name, std::string_view value, std::string_view expected) {
    return base::fail(base::Errc::invalid_input,
                      fmt::format("{}={} cannot be read; {}", name, value, expected));
}

base::Result<std::uint64_t> read_number(std::string_view name, const std::string& value) {
    std::uint64_t number = 0;
    const char* const end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, number);
    // SQL has no larger ones.
    if (error == std::errc{} && stop == end && number <= INT64_MAX) return number;
    return bad(name, value, "write a whole number, such as 17");
}

base::Result<std::int64_t> read_time(std::string_view value, std::int64_t now_ms) {
    if (const auto back = base::parse_duration(value)) {
        return now_ms - std::chrono::duration_cast<std::chrono::milliseconds>(*back).count();
    }
    if (const auto time = base::parse_utc(value)) return *time;
    return bad("since", value,
               "write how far back, such as 10m or 2h, or a time, such as 2026-01-31T13:45:00Z");
}

bool is_on(std::string_view value) { return value.empty() || value == "1" || value == "true"; }

base::Result<void> read_parameter(std::string_view name, const std::string& value,
                                  std::int64_t now_ms, EventRequest& request) {
    base::EventFilter& filter = request.query.filter;
    if (name == "after") {
        request.query.after = WL_TRY(read_number(name, value));
    } else if (name == "limit") {
        request.query.limit = WL_TRY(read_number(name, value));
        if (request.query.limit < 1 || request.query.limit > base::EventQuery::kLimitMax) {
            return bad(name, value, fmt::format("write 1 to {}", base::EventQuery::kLimitMax));
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
        if (!level) return bad(name, value, "write info, warning or error");
        filter.level = *level;
    } else if (name == "since") {
        filter.since_ms = WL_TRY(read_time(value, now_ms));
    } else if (name == "follow" && (is_on(value) || value == "0" || value == "false")) {
        request.is_followed = is_on(value);
    } else {
        return bad(name, value,
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
    while (!query.empty()) {
        const std::string_view whole = query.substr(0, query.find('&'));
        query.remove_prefix(whole.size() + (whole.size() < query.size() ? 1 : 0));
        if (whole.empty()) continue;
        const std::size_t mark = std::min(whole.find('='), whole.size());
        const auto value = percent_decode(whole.substr(std::min(mark + 1, whole.size())));
        if (!value) return bad(whole.substr(0, mark), "...", "its % escapes are broken");
        WL_TRY(read_parameter(whole.substr(0, mark), *value, now_ms, request));
    }
    WL_TRY(read_headers(headers, request));
    return request;
}

}  // namespace windlass::http
