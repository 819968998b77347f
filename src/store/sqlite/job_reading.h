// Questions about jobs. Within a transaction of the caller's. Thread: the order thread's.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "store/job_store.h"
#include "store/sqlite/job_row.h"

namespace windlass::store::sqlite {

Carried<JobHistory> select_job(const JobTransaction& transaction, JobId job);
Carried<JobResult> select_result(const JobTransaction& transaction, JobId job);
Carried<std::vector<ModelCounts>> counts_of(const JobTransaction& transaction);
Carried<std::vector<ModelStatistics>> select_statistics(const JobTransaction& transaction,
                                                        std::int64_t since_ms);

// A list is read in steps, so that nobody who wants to write waits for long.
struct JobReading {
    JobQuery query;
    std::vector<JobRow> rows = {};
    std::optional<JobId> position = query.before;  // what lies below is next
    bool is_over = false;
};
// Until there are `limit` rows, or all were seen, or a step's worth of them.
base::Result<void> read_jobs_step(const JobTransaction& transaction, JobReading& reading);

}  // namespace windlass::store::sqlite
