// Events as JSON, and as the lines of a text/event-stream (WHATWG HTML section 9.2).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/event_record.h"

namespace windlass::http {

// On one line, as both the list and the stream have it.
std::string to_json(const base::EventRecord& event);
std::string to_json(const base::EventPage& page);

// `id: 17` and `data: {...}`; without a number no id, so that a client that comes again asks for
// what comes after the last one that has.
std::string stream_text(const base::EventRecord& event);

// The numbers above `after` and below `next` cannot be had.
struct EventGap {
    std::uint64_t after = 0;
    std::uint64_t next = 0;
    std::string_view reason = {};  // "deleted", "renumbered"
};
std::string stream_text(const EventGap& gap);  // `event: gap`

// The stream ends here, and why: `event: end`.
std::string stream_end_text(std::string_view reason, std::string_view message);

// What keeps a quiet stream from being taken for a dead one.
inline constexpr std::string_view kStreamAlive = ": alive\n\n";
// The first words: how long a browser waits before it comes again, in milliseconds.
inline constexpr std::string_view kStreamBegin = "retry: 1000\n\n";

}  // namespace windlass::http
