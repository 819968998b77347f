// The durable queue of jobs. The store owns order: which job of a model is next. Who may start, and
// when, is decided elsewhere. Nobody waits for a disk: answers come later, from the loop.
//
//   scheduled -> available -> running -> succeeded | failed | cancelled
//       ^            ^          |
//       +------------+----------+   retried after a delay, or returned uncharged
//
// Thread: the loop's.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "store/job.h"
#include "store/job_record.h"

namespace windlass::store {

template <class T>
using Answer = std::move_only_function<void(base::Result<T>)>;

struct JobStart {
    AttemptId first_attempt;      // count on from here
    JobId last_job;               // the highest that there ever was; none: there was none
    std::uint64_t returned = 0;   // jobs that an earlier daemon left running
    std::uint64_t suspected = 0;  // of which so many are held now
    std::uint64_t cancelled = 0;  // which somebody had wanted cancelled
};

struct Expired {
    JobId job;
    std::string model;

    friend bool operator==(const Expired&, const Expired&) = default;
};

struct Promotion {
    std::vector<std::string> models;      // whose queues grew
    std::vector<Expired> expired;         // whose deadlines passed while they waited
    std::optional<std::int64_t> next_ms;  // when to ask again at the latest; none: nothing is due
};

using SharedSettlement = std::shared_ptr<const Settlement>;  // with who may give it once more

enum class BulkAction : std::uint8_t { cancel, hold, release, retry, remove };
struct BulkResult {
    std::uint64_t changed = 0;
    std::vector<JobId> running;  // of `cancel`: these match, and whoever runs them must stop them
    std::optional<JobId> next;   // go on from here; none: all were seen
};

// Orders take effect in the order in which they are given, each as a whole or not at all, and are
// answered exactly once, in that order, from the loop. A success is on disk; but a claim, a stop
// and progress survive only the death of the process, not that of the machine: after it the
// attempt's number is gone for good, and the job waits again.
//
// Refusals change nothing: `invalid_input`, `not_found`, `conflict`, `queue_full`. `conflict` has a
// reason: "key_reused", "not_available" (claim), "stale_attempt" (a late word of an attempt),
// "wrong_state". Other errors are those of Store, and `unavailable` with the reason "disk_full".
// After "store_failed" it is not known whether the order took effect: who repeats a submission uses
// a key, and a settlement may then be told "stale_attempt".
class JobStore {
  public:
    static constexpr std::size_t kHeadsMax = 1'000;
    static constexpr std::size_t kAttemptsShown = 100;
    static constexpr std::size_t kTextMax = 65'536;       // of each JSON and of an error's texts
    static constexpr std::size_t kBodyMax = 999'000'000;  // SQLite's own limit is 1e9
    static constexpr int kSuspectDeaths = 3;
    static constexpr auto kSuspectWindow = std::chrono::hours{24};
    static constexpr std::size_t kStep = 500;  // jobs that one bulk() or retain() changes

    JobStore() = default;
    JobStore(const JobStore&) = delete;
    JobStore& operator=(const JobStore&) = delete;
    virtual ~JobStore() = default;

    // Before all others, once for each life of the daemon. What an earlier one left running is
    // available again, charged to nobody.
    virtual void begin(Answer<JobStart> done) = 0;

    // --- the life of a job
    // An id for a submission to come, higher than all before; none while begin() is not answered.
    virtual JobId reserve() = 0;
    // `queue_full`: so many of its model wait already. A known key gives the job that has it, and
    // `conflict` with another hash; it is known as long as that job is kept.
    virtual void submit(NewJob job, std::uint64_t queue_limit, Answer<Submission> done) = 0;
    // The first of the available jobs by rank, or those behind a given one. Without `after` it is
    // all that is known of the beginning of the queue: what is not in it may not start.
    struct HeadQuery {
        std::string model;
        std::size_t limit = 256;            // 1 to kHeadsMax
        std::optional<JobHead> after = {};  // by {rank, job}
    };
    virtual void read_heads(HeadQuery query, Answer<std::vector<JobHead>> done) = 0;
    // Scheduled jobs whose time has come are available; waiting ones whose deadline passed fail.
    // Some at a time: `next_ms` is in the past when there are more. `wall_step`: by how much the
    // wall clock was set since the last time; the ends of pauses before a retry move along.
    virtual void promote(std::chrono::milliseconds wall_step, Answer<Promotion> done) = 0;
    // The job is `running` by this attempt. Each attempt's number is higher than the one before.
    virtual void claim(JobId job, AttemptId attempt, Answer<ClaimedJob> done) = 0;
    // Why the attempt is about to be ended; the first cause stays, but a `cancel` counts whenever
    // it comes: a job that is to be tried again, or returned, is cancelled then.
    virtual void begin_stop(JobId job, AttemptId attempt, StopCause cause, Answer<void> done) = 0;
    virtual void keep_progress(JobId job, AttemptId attempt, std::string json,
                               Answer<void> done) = 0;
    // What the attempt runs with instead of what the last one did; as progress. Stays for the next.
    virtual void keep_settings(JobId job, AttemptId attempt, std::string json,
                               Answer<void> done) = 0;
    // Exactly one for each claim. A retry that would come after the deadline fails with it instead.
    virtual void settle(SharedSettlement settlement, Answer<Settled> done) = 0;

    // --- orders of people; the state that the job is in now
    // `running` means that nothing was done: whoever runs it must stop it. Finished ones stay.
    virtual void cancel(JobId job, Answer<JobState> done) = 0;
    virtual void hold(JobId job, Answer<JobState> done) = 0;
    virtual void release(JobId job, Answer<JobState> done) = 0;  // to the place that it had
    // A failed or cancelled one from the beginning, its budgets full, its attempts still told.
    virtual void retry(JobId job, Answer<JobState> done) = 0;
    virtual void remove(JobId job, Answer<void> done) = 0;  // only a finished one
    // kStep jobs at most, from the latest down; those in another state are passed over.
    virtual void bulk(BulkAction action, JobQuery query, Answer<BulkResult> done) = 0;

    // --- questions
    virtual void read_job(JobId job, Answer<JobHistory> done) = 0;
    virtual void read_result(JobId job, Answer<JobResult> done) = 0;  // only of a succeeded one
    virtual void list_jobs(JobQuery query, Answer<JobPage> done) = 0;
    virtual void count_jobs(Answer<std::vector<ModelCounts>> done) = 0;
    // Of what ended since then, to the ten minutes: first of all models together, without a name.
    virtual void read_statistics(std::int64_t since_ms,
                                 Answer<std::vector<ModelStatistics>> done) = 0;

    // Deletes kStep of what was kept long enough; how many they were. 0: that is all.
    virtual void retain(JobRetention retention, Answer<std::uint64_t> done) = 0;

    // Blocks until all that was ordered is answered, for `limit` at most, and gives out the
    // answers. False: some are still to come.
    virtual bool finish_orders(base::Duration limit) = 0;
};

}  // namespace windlass::store
