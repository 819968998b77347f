// The JSON of jobs and queues, as docs/http-api.md shows it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "http/job_status.h"
#include "http/queue_status.h"

namespace windlass::http {

std::string to_json(const JobTicket& ticket);
std::string to_json(const JobStatus& job);  // with its attempts
std::string to_json(const JobPage& page);   // without
// `since`: how far back their reports reach; empty: they have none.
std::string to_json(const std::vector<QueueStatus>& queues, std::optional<base::Duration> since);
std::string count_json(std::uint64_t count);

}  // namespace windlass::http
