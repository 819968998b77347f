// The jobs of JobStore in memory, at once and by the time that the caller says: for tests and the
// simulation, held to the same contract as the others. Copying it is a snapshot.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "store/fair_order.h"
#include "store/job_slice.h"
#include "store/job_store.h"

namespace windlass::store::testing {

class MemoryJobs {
  public:
    // As the orders of JobStore, which say what each does; `now_ms` since 1970.
    base::Result<JobStart> begin(std::int64_t now_ms);
    JobId reserve() { return {++last_job_}; }
    base::Result<Submission> submit(const NewJob& job, std::uint64_t queue_limit,
                                    std::int64_t now_ms);
    base::Result<std::vector<JobHead>> heads(const JobStore::HeadQuery& query) const;
    base::Result<Promotion> promote(std::int64_t now_ms, std::chrono::milliseconds wall_step);
    base::Result<ClaimedJob> claim(JobId job, AttemptId attempt, std::int64_t now_ms);
    base::Result<void> begin_stop(JobId job, AttemptId attempt, StopCause cause);
    base::Result<void> keep_progress(JobId job, AttemptId attempt, const std::string& json);
    base::Result<void> keep_settings(JobId job, AttemptId attempt, const std::string& json);
    base::Result<Settled> settle(const Settlement& settlement, std::int64_t now_ms);
    base::Result<JobState> cancel(JobId job, std::int64_t now_ms);
    base::Result<JobState> hold(JobId job, std::int64_t now_ms);
    base::Result<JobState> release(JobId job, std::int64_t now_ms);
    base::Result<JobState> retry(JobId job, std::int64_t now_ms);
    base::Result<void> remove(JobId job);
    base::Result<BulkResult> bulk(BulkAction action, const JobQuery& query, std::int64_t now_ms);
    base::Result<JobHistory> read(JobId job) const;
    base::Result<JobResult> result(JobId job) const;
    base::Result<JobPage> list(const JobQuery& query) const;
    std::vector<ModelCounts> counts() const;
    std::vector<ModelStatistics> statistics(std::int64_t since_ms) const;
    std::uint64_t retain(const JobRetention& retention, std::int64_t now_ms);

  private:
    struct Lease {
        AttemptId attempt = {};  // none: nobody has it
        std::int64_t started_ms = 0;
        std::int64_t queue_ms = 0;
        std::optional<StopCause> stopping = {};
        bool is_unwanted = false;
        std::string progress = {};
    };
    struct Job {
        JobRecord record;
        std::string input;
        std::uint64_t request_hash = 0;
        std::optional<std::int64_t> rank = {};
        std::int64_t available_ms = 0;
        Lease lease = {};
        std::optional<JobResult> result = {};
        std::vector<AttemptRecord> attempts = {};
        std::vector<std::int64_t> deaths_ms = {};  // of daemons
    };
    struct Queue {
        FairOrder order;
        std::set<std::pair<std::int64_t, JobId>> ready;  // rank
        std::array<std::uint64_t, kJobStates> counts{};
    };

    Job* find(JobId job);
    const Job* find(JobId job) const;
    bool is_next(AttemptId attempt) const;
    Job* find_leased(JobId job, AttemptId attempt);
    Job* find_keyed(const std::string& key);
    void place(Job& job, JobState state, std::int64_t now_ms);
    void move(Job& job, JobState to, std::int64_t now_ms);
    void fail(Job& job, FailReason reason, std::int64_t now_ms);
    bool change(BulkAction action, Job& job, std::int64_t now_ms);
    void finish_attempt(Job& job, AttemptRecord attempt, std::int64_t now_ms);
    void apply(Job& job, const Outcome& outcome, std::int64_t now_ms);
    void take_back(Job& job, JobStart& start, std::int64_t now_ms);
    JobSlice& slice(const Job& job, std::int64_t now_ms);

    std::map<JobId, Job> jobs_;
    std::map<std::string, Queue> queues_;           // by model
    std::set<std::pair<std::int64_t, JobId>> due_;  // when
    std::map<std::pair<std::int64_t, std::string>, JobSlice> slices_;
    std::uint64_t last_job_ = 0;
    std::uint64_t incarnation_ = 0;
    std::uint64_t last_attempt_ = 0;
};

}  // namespace windlass::store::testing
