// Times of day as people and other programs write them: UTC, to the millisecond. No clock is read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace windlass::base {

// "2026-11-21T02:51:13.273Z", of milliseconds since 1970.
std::string utc_text(std::int64_t since_1970_ms);

// Reads the same, also without milliseconds or with others than three digits of a second's
// fraction. Empty when it is none.
std::optional<std::int64_t> parse_utc(std::string_view text);

}  // namespace windlass::base
