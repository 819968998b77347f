// The single values of a job as clients write them, in JSON, in header fields or in a query. Every
// error is an invalid_input that names the field and shows a right value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "http/job_status.h"

namespace windlass::http {

inline constexpr std::size_t kTenantSizeMax = 64;
inline constexpr std::size_t kKeySizeMax = 256;

// Valid UTF-8 without control characters, 1 to `size_max` bytes: it is shown to people as it is.
base::Result<void> check_label(std::string_view field, std::string_view value,
                               std::size_t size_max);
// [A-Za-z0-9._-]{1,64}.
base::Result<void> check_name(std::string_view field, std::string_view value);
// More than 0.
base::Result<base::Duration> read_limit(std::string_view field, std::string_view value);
// "2026-01-31T13:45:00Z", with another offset from UTC, or from now on: "10m", "2h". Milliseconds
// since 1970.
base::Result<std::int64_t> read_moment(std::string_view field, std::string_view value,
                                       std::int64_t now_ms);
// That its deadline lies ahead, and behind its begin.
base::Result<void> check_moments(const JobSubmission& submission, std::int64_t now_ms);

}  // namespace windlass::http
