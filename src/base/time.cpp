// Durations to and from text.
#include "base/time.h"

#include <fmt/core.h>

#include <array>

#include "base/decimal.h"

namespace windlass::base {
namespace {

struct TimeUnit {
    std::string_view suffix;
    std::int64_t nanoseconds;
};

// Longest suffix first, so that "ms" is not read as "s".
constexpr std::array kTimeUnits = {
    TimeUnit{"ms", 1'000'000},        TimeUnit{"us", 1'000},
    TimeUnit{"s", 1'000'000'000},     TimeUnit{"m", 60'000'000'000},
    TimeUnit{"h", 3'600'000'000'000}, TimeUnit{"d", 86'400'000'000'000},
};
constexpr double kLongest = 10.0 * 365 * 86'400 * 1e9;

}  // namespace

double to_milliseconds(Duration duration) { return static_cast<double>(duration.count()) / 1e6; }

std::string to_text(Duration duration) {
    using namespace std::chrono_literals;
    const auto count = duration.count();
    if (duration == 0s) return "0s";
    if (duration < 1ms) return fmt::format("{}us", count / 1'000);
    if (duration < 1s) return fmt::format("{}ms", count / 1'000'000);
    if (duration % 1h == 0s) return fmt::format("{}h", count / 3'600'000'000'000);
    if (duration % 1min == 0s) return fmt::format("{}m", count / 60'000'000'000);
    return fmt::format("{:.4g}s", static_cast<double>(count) / 1e9);
}

std::optional<Duration> parse_duration(std::string_view text) {
    for (const TimeUnit& unit : kTimeUnits) {
        if (!text.ends_with(unit.suffix)) continue;
        const auto value = parse_decimal(text.substr(0, text.size() - unit.suffix.size()));
        if (!value) return std::nullopt;
        const double nanoseconds = *value * static_cast<double>(unit.nanoseconds);
        if (nanoseconds > kLongest) return std::nullopt;
        return Duration{static_cast<std::int64_t>(nanoseconds + 0.5)};
    }
    return std::nullopt;
}

Instant saturating_add(Instant now, Duration duration) {
    if (duration > Instant::max() - now) return Instant::max();
    return now + duration;
}

}  // namespace windlass::base
