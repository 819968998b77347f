// The life of a job as SQL: from its submission to the settlement of its last attempt. Within a
// transaction of the caller's. What is refused has changed nothing. Thread: the order thread's.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "store/job_store.h"
#include "store/sqlite/job_row.h"

namespace windlass::store::sqlite {

Carried<JobStart> begin_jobs(const JobTransaction& transaction);

// The `input` of one that is claimed along is not given back: the caller has it.
Carried<Submission> submit_job(const JobTransaction& transaction, const NewJob& job,
                               std::uint64_t queue_limit);
Carried<std::vector<JobHead>> select_heads(const JobTransaction& transaction,
                                           const JobStore::HeadQuery& query);
Carried<Promotion> promote_jobs(const JobTransaction& transaction,
                                std::chrono::milliseconds wall_step);
Carried<ClaimedJob> claim_job(const JobTransaction& transaction, JobId job, AttemptId attempt);
Carried<void> begin_stop_job(const JobTransaction& transaction, JobId job, AttemptId attempt,
                             StopCause cause);
Carried<void> keep_job_progress(const JobTransaction& transaction, JobId job, AttemptId attempt,
                                const std::string& json);
Carried<void> keep_job_settings(const JobTransaction& transaction, JobId job, AttemptId attempt,
                                const std::string& json);
Carried<Settled> settle_job(const JobTransaction& transaction, const Settlement& settlement);

}  // namespace windlass::store::sqlite
