// What is said of incidents to people.
#pragma once

#include <string>
#include <vector>

#include "cli/worker_json.h"

namespace windlass::cli {

// A table of incidents; all that is known of one.
std::string incidents_table(const std::vector<IncidentState>& incidents);
std::string incident_details(const IncidentState& incident);

}  // namespace windlass::cli
