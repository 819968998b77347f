// Time as values. Nothing here reads a clock: instants come in as arguments, so that the core runs
// the same under a real and a virtual clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace windlass::base {

using Duration = std::chrono::nanoseconds;

// A clock without now(): it only gives Instant its type. The shell fills it from CLOCK_MONOTONIC.
struct CoreClock {
    using rep = Duration::rep;
    using period = Duration::period;
    using duration = Duration;
    using time_point = std::chrono::time_point<CoreClock>;
    static constexpr bool is_steady = true;
};
using Instant = CoreClock::time_point;

// Milliseconds as the API prints them: 12.345. Negative durations do not occur there.
double to_milliseconds(Duration duration);

// "0s", "250ms", "1.5s", "10m", "2h": the largest unit that keeps it short, for people.
std::string to_text(Duration duration);

// Reads "1500ms", "30s", "1.5s", "10m", "24h", "7d". No bare number, no sign, no space; at most 10
// years. Empty when it is not one.
std::optional<Duration> parse_duration(std::string_view text);

// now + duration, but never past the end of time: "never" stays comparable.
Instant saturating_add(Instant now, Duration duration);

}  // namespace windlass::base
