// What a daemon says of events, read: the list, and the stream piece by piece.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace windlass::cli {

struct EventState {
    std::optional<std::uint64_t> number;
    std::string json;  // all of it, on one line
    std::string text;  // for people, on one line, or with a block of lines below it
};

struct EventList {
    std::vector<EventState> events;
    std::uint64_t last = 0;
    std::optional<std::uint64_t> next;
};

// Of GET /api/events. data_corrupt: no daemon says so.
base::Result<EventList> parse_events(std::string_view json);

// Text of server-sent events, however it is cut.
class EventStreamReader {
  public:
    struct Handlers {
        std::function<void(const EventState&)> on_event;
        // Numbers above `after` and below `next` cannot be had.
        std::function<void(std::uint64_t after, std::uint64_t next)> on_gap;
        std::function<void(const std::string& reason, const std::string& message)> on_end;
    };
    explicit EventStreamReader(Handlers handlers) : handlers_(std::move(handlers)) {}

    void feed(std::string_view piece);
    // What was begun is dropped: another connection follows.
    void restart() { rest_ = kind_ = data_ = {}; }

  private:
    void take_line(std::string_view line);
    void finish_event();

    const Handlers handlers_;
    std::string rest_;  // the beginning of a line
    std::string kind_;
    std::string data_;
};

}  // namespace windlass::cli
