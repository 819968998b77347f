// What stands behind the "?" of the paths of jobs.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "http/job_status.h"

namespace windlass::http {

// invalid_input, with the parameter's name, for what cannot be read, and for parameters that there
// are not. `query` as it came.

// GET /api/jobs?state=failed,cancelled&model=&tenant=&key=&after=&limit=
base::Result<JobQuery> read_job_query(std::string_view query);

// POST /api/jobs/cancel?state=&model=&tenant=&key=, DELETE /api/jobs?...: an order for all that the
// filter admits. One that admits every job must be meant: all=1.
base::Result<JobFilter> read_job_filter(std::string_view query);

// GET /api/jobs/ID?wait=30s. 0: no wait.
base::Result<base::Duration> read_job_wait(std::string_view query);
inline constexpr base::Duration kJobWaitMax = std::chrono::hours{1};

// GET /api/queue?detailed=1&since=7d: how far back its reports reach; empty: there are none.
inline constexpr base::Duration kReportUsual = std::chrono::hours{24};
base::Result<std::optional<base::Duration>> read_queue_query(std::string_view query);

// Where there are no parameters.
base::Result<void> refuse_parameters(std::string_view query);

}  // namespace windlass::http
