// JSON of events to lines.
#include "cli/event_json.h"

#include <fmt/core.h>

#include <boost/json.hpp>
#include <utility>

#include "base/wall_time.h"
#include "cli/body_text.h"
#include "cli/json_fields.h"

namespace windlass::cli {
namespace {

namespace json = boost::json;

base::Error not_of_events() {
    return base::fail(base::Errc::data_corrupt,
                      "the answer is not what a Windlass daemon says of events; is `--url` one?");
}

std::string text_of(const json::value& value) {
    if (value.is_double()) return fmt::format("{}", value.get_double());
    if (!value.is_string()) return json::serialize(value);
    const std::string text{value.get_string()};
    const bool is_word = !text.empty() && text.find_first_of(" \"=\t") == std::string::npos;
    return is_word ? one_line(text) : json::serialize(json::value(one_line(text)));
}

bool has_lines(const json::value& value) {
    return value.is_string() && value.get_string().find('\n') != json::string::npos;
}

// "2026-11-22T15:48:10.066Z warning model.load_failed model=digits worker=3 message=...", then what
// has lines of its own, as the log shows it.
std::string line_of(const json::object& event) {
    std::string line =
        fmt::format("{} {:<7} {}", one_line(read_text(event, "time")),
                    one_line(read_text(event, "level")), one_line(read_text(event, "code")));
    std::string blocks;
    const auto add = [&](std::string_view name, const json::value& value) {
        if (value.is_null()) return;
        if (!has_lines(value)) {
            line += fmt::format(" {}={}", one_line(name), text_of(value));
            return;
        }
        blocks += fmt::format("\n    {}:", one_line(name));
        std::string_view text = value.get_string();
        while (!text.empty()) {
            const std::size_t end = std::min(text.find('\n'), text.size());
            blocks += fmt::format("\n    | {}", one_line(text.substr(0, end)));
            text.remove_prefix(std::min(end + 1, text.size()));
        }
    };
    for (const char* name : {"model", "job", "worker", "pid", "device", "request"}) {
        if (const json::value* value = event.if_contains(name)) add(name, *value);
    }
    const json::value* const fields = event.if_contains("fields");
    if (fields != nullptr && fields->is_object()) {
        for (const auto& [name, value] : fields->get_object()) add(name, value);
    }
    return line + blocks;
}

std::optional<EventState> to_event(const json::value& value) {
    if (!value.is_object()) return std::nullopt;
    const json::object& event = value.get_object();
    if (read_text(event, "code").empty()) return std::nullopt;
    return EventState{.number = read_count(event, "number"),
                      .json = json::serialize(value),
                      .text = line_of(event)};
}

}  // namespace

base::Result<EventList> parse_events(std::string_view text) {
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    if (error || !value.is_object()) return not_of_events();
    const json::object& object = value.get_object();
    const json::value* const events = object.if_contains("events");
    const auto last = read_count(object, "last");
    if (events == nullptr || !events->is_array() || !last) return not_of_events();
    EventList list{.events = {}, .last = *last, .next = read_count(object, "next")};
    for (const json::value& one : events->get_array()) {
        auto event = to_event(one);
        if (!event) return not_of_events();
        list.events.push_back(std::move(*event));
    }
    return list;
}

void EventStreamReader::feed(std::string_view piece) {
    while (true) {
        const std::size_t end = piece.find('\n');
        rest_ += piece.substr(0, end);
        if (end == std::string_view::npos) return;
        piece.remove_prefix(end + 1);
        const std::string line = std::exchange(rest_, {});
        line.empty() ? finish_event() : take_line(line);
    }
}

void EventStreamReader::take_line(std::string_view line) {
    constexpr std::string_view kKind = "event: ";
    constexpr std::string_view kData = "data: ";
    if (line.starts_with(kKind)) kind_ = line.substr(kKind.size());
    if (line.starts_with(kData)) data_ += line.substr(kData.size());
}

void EventStreamReader::finish_event() {
    const std::string kind = std::exchange(kind_, {});
    const std::string data = std::exchange(data_, {});
    boost::system::error_code error;
    const json::value value = json::parse(data, error);
    if (error || !value.is_object()) return;  // a comment, or of a later version
    const json::object& object = value.get_object();
    if (kind == "gap") {
        handlers_.on_gap(read_count(object, "after").value_or(0),
                         read_count(object, "next").value_or(0));
    } else if (kind == "end") {
        handlers_.on_end(read_text(object, "reason"), read_text(object, "message"));
    } else if (const auto event = to_event(value); event && kind.empty()) {
        handlers_.on_event(*event);
    }
}

}  // namespace windlass::cli
