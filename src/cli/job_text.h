// What is said of jobs and queues to people.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/job_json.h"
#include "cli/worker_json.h"

namespace windlass::cli {

// `now_ms` since 1970. A note below says how to see more.
std::string jobs_table(const JobList& list, std::int64_t now_ms);
std::string job_details(const JobView& job);
// "j17 of flux: running, attempt 2".
std::string job_line(const JobView& job);

std::string queue_table(const std::vector<QueueView>& queues);
// What ended, and how long it took; a table each. Empty where there are no reports.
std::string ended_tables(const std::vector<QueueView>& queues);
// Incidents since then, by model and cause.
std::string incident_counts(const std::vector<IncidentState>& incidents, std::int64_t since_ms);

}  // namespace windlass::cli
