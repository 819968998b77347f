// Why a job does not run that nobody holds ready to begin: it waits for a time or a person, stands
// too far behind, or is over.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/explanation_status.h"
#include "http/job_status.h"

namespace windlass::http {

bool is_job_id(std::string_view text);  // "j17"

ExplanationStatus explain_job(const JobStatus& job, std::int64_t now_ms);

}  // namespace windlass::http
