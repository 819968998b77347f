// One thing that happened, as it is kept, listed and followed: law 13's events, with a number that
// never repeats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"

namespace windlass::base {

struct EventRecord {
    std::uint64_t number = 0;  // from 1; 0: it has none, because it is not kept
    std::int64_t time_ms = 0;  // since 1970, by the wall clock
    log::Level level = log::Level::info;
    std::string code = {};  // "model.ready"
    std::string model = {};
    std::string job = {};
    std::optional<std::uint64_t> worker = {};  // generation of the replica
    std::optional<std::int64_t> pid = {};
    std::string device = {};
    std::string request = {};   // "r17"
    std::string fields = "{}";  // all others, a JSON object

    friend bool operator==(const EventRecord&, const EventRecord&) = default;
};

// Which ones are wanted; what is not set admits all.
struct EventFilter {
    std::string model = {};
    std::string job = {};
    std::optional<std::uint64_t> worker = {};
    std::string code = {};  // "model.ready", or with a dot at its end all that begin so
    log::Level level = log::Level::debug;  // and above
    std::optional<std::int64_t> since_ms = {};

    bool admits(const EventRecord& event) const;

    friend bool operator==(const EventFilter&, const EventFilter&) = default;
};

// A piece of all that are kept.
struct EventQuery {
    static constexpr std::size_t kLimitMax = 1'000;

    EventFilter filter = {};
    // Those with higher numbers, the lowest first. None, and no time in the filter: the latest.
    std::optional<std::uint64_t> after = {};
    std::size_t limit = 100;

    friend bool operator==(const EventQuery&, const EventQuery&) = default;
};

struct EventPage {
    std::vector<EventRecord> events = {};  // in the order of their numbers
    std::uint64_t first = 0;               // the lowest number that is kept; 0: there is none
    std::uint64_t last = 0;                // the highest that was ever given; 0: there is none
    // There may be more: ask for those after that. None: there are none yet.
    std::optional<std::uint64_t> next = {};

    friend bool operator==(const EventPage&, const EventPage&) = default;
};

// "debug", "info", "warning", "error".
std::string_view to_text(log::Level level);
std::optional<log::Level> find_level(std::string_view name);

}  // namespace windlass::base
