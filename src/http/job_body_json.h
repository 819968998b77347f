// The body of POST /api/jobs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/job_status.h"

namespace windlass::http {

// `body` is one JSON object; `input` is handed on byte for byte, so that no number in it loses a
// digit. `now_ms` since 1970, for times that lie so and so far ahead. invalid_input, with the
// field's name, for what cannot be read, and for fields that there are not.
base::Result<JobSubmission> read_submission(std::string_view body, std::int64_t now_ms);

}  // namespace windlass::http
