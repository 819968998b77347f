// The JSON of workers and incidents, as docs/http-api.md shows it.
#pragma once

#include <string>
#include <vector>

#include "http/worker_status.h"

namespace windlass::http {

std::string to_json(const WorkerStatus& worker);
std::string to_json(const std::vector<WorkerStatus>& workers);
std::string to_json(const IncidentStatus& incident);
std::string to_json(const std::vector<IncidentStatus>& incidents);

}  // namespace windlass::http
