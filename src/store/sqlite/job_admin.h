// What people order about jobs, and what goes by itself when it is old. Within a transaction of the
// caller's. Thread: the order thread's.
#pragma once

#include <cstdint>

#include "store/job_store.h"
#include "store/sqlite/job_row.h"

namespace windlass::store::sqlite {

Carried<JobState> cancel_job(const JobTransaction& transaction, JobId job);
Carried<JobState> hold_job(const JobTransaction& transaction, JobId job);
Carried<JobState> release_job(const JobTransaction& transaction, JobId job);
Carried<JobState> retry_job(const JobTransaction& transaction, JobId job);
Carried<void> remove_job(const JobTransaction& transaction, JobId job);
Carried<BulkResult> change_jobs(const JobTransaction& transaction, BulkAction action,
                                const JobQuery& query);
Carried<std::uint64_t> retain_jobs(const JobTransaction& transaction,
                                   const JobRetention& retention);

}  // namespace windlass::store::sqlite
