// The calendar is the standard library's; it knows no leap seconds, as the system's clock does not.
#include "base/wall_time.h"

#include <chrono>
#include <concepts>
#include <cstdlib>

#include "base/digits.h"

namespace windlass::base {
namespace {

using std::chrono::milliseconds;
using Days = std::chrono::sys_days;

// `size` digits at the front; empty when there are fewer.
std::optional<int> take_digits(std::string_view& text, std::size_t size) {
    if (text.size() < size) return std::nullopt;
    int number = 0;
    for (const char c : text.substr(0, size)) {
        if (c < '0' || c > '9') return std::nullopt;
        number = number * 10 + (c - '0');
    }
    text.remove_prefix(size);
    return number;
}

bool take(std::string_view& text, char mark) {
    if (!text.starts_with(mark)) return false;
    text.remove_prefix(1);
    return true;
}

// What stands behind the seconds: ".273Z" is 273.
std::optional<int> read_fraction(std::string_view text) {
    if (!take(text, '.')) return text == "Z" ? std::optional{0} : std::nullopt;
    int number = 0;
    int unit = 100;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
        number += (text.front() - '0') * unit;
        unit /= 10;
        text.remove_prefix(1);
    }
    return text == "Z" && unit < 100 ? std::optional{number} : std::nullopt;
}

// With zeros before it, until it has as many digits as `least`, a power of ten. An answer about a
// job has five times of day, and by a pattern each took four times as long.
template <std::integral Number>
void append_padded(std::string& text, Number number, std::uint64_t least) {
    const auto value = static_cast<std::uint64_t>(number);
    for (; value < least && least > 1; least /= 10) text += '0';
    append_digits(text, value);
}

}  // namespace

std::string utc_text(std::int64_t since_1970_ms) {
    const milliseconds since_1970{since_1970_ms};
    const auto day = std::chrono::floor<std::chrono::days>(since_1970);
    const std::chrono::year_month_day date{Days{day}};
    const std::chrono::hh_mm_ss time{since_1970 - day};
    const int year{date.year()};
    std::string text;
    text.reserve(std::string_view{"2026-11-21T02:51:13.273Z"}.size());
    if (year < 0) text += '-';
    append_padded(text, std::abs(year), 1'000);
    append_padded(text += '-', unsigned{date.month()}, 10);
    append_padded(text += '-', unsigned{date.day()}, 10);
    append_padded(text += 'T', time.hours().count(), 10);
    append_padded(text += ':', time.minutes().count(), 10);
    append_padded(text += ':', time.seconds().count(), 10);
    append_padded(text += '.', time.subseconds().count(), 100);
    return text += 'Z';
}

std::optional<std::int64_t> parse_utc(std::string_view text) {
    const auto year = take_digits(text, 4);
    if (!year || !take(text, '-')) return std::nullopt;
    const auto month = take_digits(text, 2);
    if (!month || !take(text, '-')) return std::nullopt;
    const auto day = take_digits(text, 2);
    if (!day || !take(text, 'T')) return std::nullopt;
    const auto hour = take_digits(text, 2);
    if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
    const auto minute = take_digits(text, 2);
    if (!minute || *minute > 59 || !take(text, ':')) return std::nullopt;
    const auto second = take_digits(text, 2);
    const auto fraction = read_fraction(text);
    if (!second || *second > 59 || !fraction) return std::nullopt;
    const std::chrono::year_month_day date{std::chrono::year{*year},
                                           std::chrono::month{static_cast<unsigned>(*month)},
                                           std::chrono::day{static_cast<unsigned>(*day)}};
    if (!date.ok()) return std::nullopt;
    const milliseconds since_1970 = Days{date}.time_since_epoch() + std::chrono::hours{*hour} +
                                    std::chrono::minutes{*minute} + std::chrono::seconds{*second} +
                                    milliseconds{*fraction};
    return since_1970.count();
}

}  // namespace windlass::base
