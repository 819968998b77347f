// Reads and checks one value each.
#include "http/job_fields.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <string>

#include "base/utf8.h"
#include "base/wall_time.h"

namespace windlass::http {
namespace {

constexpr std::size_t kShownMax = 100;
constexpr std::size_t kNameSizeMax = 64;

base::Error bad(std::string_view field, std::string_view value, std::string_view advice) {
    std::string shown = base::to_valid_utf8(value.substr(0, kShownMax));
    std::ranges::replace_if(
        shown, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
    return base::fail(base::Errc::invalid_input,
                      fmt::format("{} has the value \"{}\"; {}", field, shown, advice));
}

// "+02:00" at the end of a time, as minutes that it is ahead of UTC.
std::optional<int> read_offset(std::string_view text) {
    constexpr std::size_t kSize = 6;
    if (text.size() != kSize || text[3] != ':') return std::nullopt;
    int digits[4] = {};
    int count = 0;
    for (const std::size_t place : {1U, 2U, 4U, 5U}) {
        if (text[place] < '0' || text[place] > '9') return std::nullopt;
        digits[count++] = text[place] - '0';
    }
    const int hours = digits[0] * 10 + digits[1];
    const int minutes = digits[2] * 10 + digits[3];
    if (hours > 23 || minutes > 59 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
    return (text[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
}

// RFC 3339 section 5.6, but for its lower-case and its leap seconds.
std::optional<std::int64_t> parse_time(std::string_view text) {
    constexpr std::size_t kOffsetSize = 6;
    if (const auto utc = base::parse_utc(text)) return utc;
    if (text.size() < kOffsetSize) return std::nullopt;
    const auto ahead = read_offset(text.substr(text.size() - kOffsetSize));
    const auto local =
        base::parse_utc(std::string{text.substr(0, text.size() - kOffsetSize)} + "Z");
    if (!ahead || !local) return std::nullopt;
    return *local - std::int64_t{*ahead} * 60'000;
}

}  // namespace

base::Result<void> check_label(std::string_view field, std::string_view value,
                               std::size_t size_max) {
    const bool has_controls = std::ranges::any_of(
        value, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
    if (!value.empty() && value.size() <= size_max && !has_controls &&
        base::to_valid_utf8(value) == value) {
        return {};
    }
    return bad(
        field, value,
        fmt::format("write 1 to {} bytes of text in UTF-8, without control characters", size_max));
}

base::Result<void> check_name(std::string_view field, std::string_view value) {
    constexpr std::string_view kBytes =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    if (!value.empty() && value.size() <= kNameSizeMax &&
        value.find_first_not_of(kBytes) == std::string_view::npos) {
        return {};
    }
    return bad(field, value, "write 1 to 64 of the characters A-Z a-z 0-9 . _ -");
}

base::Result<base::Duration> read_limit(std::string_view field, std::string_view value) {
    const std::optional<base::Duration> duration = base::parse_duration(value);
    if (duration && duration->count() > 0) return *duration;
    return bad(field, value, "write a number above 0 with its unit, such as 30s, 5m or 2h");
}

base::Result<std::int64_t> read_moment(std::string_view field, std::string_view value,
                                       std::int64_t now_ms) {
    if (const auto ahead = base::parse_duration(value)) {
        return now_ms + std::chrono::ceil<std::chrono::milliseconds>(*ahead).count();
    }
    if (const auto time = parse_time(value)) return *time;
    return bad(field, value,
               "write a time, such as 2026-01-31T13:45:00Z or 2026-01-31T15:45:00+02:00, or how "
               "long from now, such as 10m or 2h");
}

base::Result<void> check_moments(const JobSubmission& submission, std::int64_t now_ms) {
    if (!submission.deadline_ms) return {};
    const std::int64_t begin = std::max(now_ms, submission.run_at_ms.value_or(now_ms));
    if (*submission.deadline_ms > begin) return {};
    return base::fail(base::Errc::invalid_input,
                      "the deadline is over before the job may begin; give a later one, or none");
}

}  // namespace windlass::http
