// Durations to and from text.
#include "base/time.h"

#include <fmt/core.h>

#include <array>
#include <charconv>

namespace windlass::base {
namespace {

struct Unit {
    std::string_view suffix;
    std::int64_t nanoseconds;
};

// Longest suffix first, so that "ms" is not read as "s".
constexpr std::array kUnits = {
    Unit{"ms", 1'000'000},        Unit{"us", 1'000},
    Unit{"s", 1'000'000'000},     Unit{"m", 60'000'000'000},
    Unit{"h", 3'600'000'000'000}, Unit{"d", 86'400'000'000'000},
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
    for (const Unit& unit : kUnits) {
        if (!text.ends_with(unit.suffix)) continue;
        const std::string_view number = text.substr(0, text.size() - unit.suffix.size());
        if (number.empty() || number.front() < '0' || number.front() > '9') return std::nullopt;
        double value = 0;
        const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(),
                                                  value, std::chars_format::fixed);
        if (error != std::errc{} || end != number.data() + number.size()) return std::nullopt;
        const double nanoseconds = value * static_cast<double>(unit.nanoseconds);
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
