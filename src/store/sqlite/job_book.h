// What is known of the queues of jobs without a look at the file: order, counts, keys, the jobs
// that were written last, and the statistics of these minutes. It changes with a transaction:
// written before its end, and as it was when that fails. Thread: the order thread's.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "store/fair_order.h"
#include "store/job.h"
#include "store/job_slice.h"
#include "store/sqlite/companion.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/recent_jobs.h"

namespace windlass::store::sqlite {

struct JobQueue {
    std::int64_t id = 0;
    std::string model;
    FairOrder order = {};
    std::array<std::int64_t, kJobStates> counts{};  // indexed by JobState
    // As they are in the file.
    std::int64_t clock_stored = 0;
    std::array<std::int64_t, kJobStates> counts_stored{};

    std::int64_t waiting() const { return counts[0] + counts[1] + counts[2]; }
};

class JobBook final : public Companion {
  public:
    base::Result<void> opened(Connection& connection) override;
    base::Result<void> flush(Connection& connection) override;
    void committed() override;
    void rolled_back() override;

    // --- queues
    const std::map<std::int64_t, JobQueue>& queues() const { return queues_; }
    const JobQueue* find_queue(const std::string& model) const;  // null: it never had a job
    base::Result<std::int64_t> make_queue(Connection& connection, const std::string& model);
    const std::string& model(std::int64_t queue) const;  // empty: there is no such queue
    void count(std::int64_t queue, std::optional<JobState> from, std::optional<JobState> to);
    std::int64_t enter(std::int64_t queue, const Flow& flow);  // the rank of one more job
    void dispatch(std::int64_t queue, std::int64_t rank);

    // --- keys: who may have it; the row tells
    std::vector<JobId> find_key(const std::string& key) const;
    void add_key(const std::string& key, JobId job);
    void remove_key(const std::string& key, JobId job);

    RecentJobs& recent() { return recent_; }

    // --- attempts
    std::uint64_t incarnation() const { return incarnation_; }
    void begin(std::uint64_t incarnation);
    bool is_next(AttemptId attempt) const;
    void use(AttemptId attempt) { last_attempt_ = attempt.value; }

    // --- statistics: of the slice at that time, to be changed
    base::Result<JobSlice*> slice(Connection& connection, std::int64_t queue, std::int64_t now_ms);
    // What the transaction changed of them, so that it can be read.
    base::Result<void> flush_slices(Connection& connection);

  private:
    using SliceKey = std::pair<std::int64_t, std::int64_t>;  // number, queue
    using FlowKey = std::pair<std::int64_t, Flow>;           // queue
    JobQueue& touch(std::int64_t queue);
    base::Result<void> flush_queues(Connection& connection);
    void erase_key(std::size_t hash, JobId job);

    std::map<std::int64_t, JobQueue> queues_;
    std::map<std::string, std::int64_t> by_model_;
    std::unordered_multimap<std::size_t, JobId> keys_;  // by their hash
    std::uint64_t incarnation_ = 0;                     // 0: nobody began
    std::uint64_t last_attempt_ = 0;
    std::map<SliceKey, JobSlice> slices_;
    RecentJobs recent_;  // nothing of a transaction that failed
    // What the transaction has changed so far.
    std::map<std::int64_t, bool> touched_;  // queue: whether it is new
    std::map<FlowKey, std::optional<std::int64_t>> tails_before_;
    std::vector<std::pair<std::size_t, JobId>> keys_added_;
    std::vector<std::pair<std::size_t, JobId>> keys_removed_;
    std::map<SliceKey, std::optional<JobSlice>> slices_before_;
    std::uint64_t incarnation_before_ = 0;
    std::uint64_t last_attempt_before_ = 0;
};

// Counts as text, and the row of a slice.
base::Result<std::optional<JobSlice>> select_slice(Connection& connection, std::int64_t number,
                                                   std::int64_t queue);
JobSlice slice_of_row(const Statement& row, int column);

}  // namespace windlass::store::sqlite
