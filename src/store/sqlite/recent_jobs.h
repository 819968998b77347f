// The jobs that were written last, as they are in the file: a claim mostly comes soon after the
// submission, a settlement soon after the claim, and neither then reads what was just written. Not
// those that are over, of which nothing more is written. Whoever writes such a row otherwise than
// through job_row.h lets it be forgotten. Thread: the order thread's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>

#include "store/job_record.h"

namespace windlass::store::sqlite {

struct JobRow {
    JobRecord record;  // but for what `lease` has
    std::int64_t queue = 0;
    std::optional<std::int64_t> rank = {};
    std::optional<std::int64_t> available_ms = {};
    std::uint64_t request_hash = 0;

    JobId id() const { return record.head.job; }
    friend bool operator==(const JobRow&, const JobRow&) = default;
};

struct Lease {
    AttemptId attempt;
    std::int64_t started_ms = 0;
    std::int64_t queue_ms = 0;
    std::optional<StopCause> stopping = {};
    bool is_unwanted = false;  // it is to be cancelled, whatever else it was stopped for
    std::string progress = {};
    friend bool operator==(const Lease&, const Lease&) = default;
};

struct RecentJob {
    JobRow row;
    std::optional<Lease> lease = {};        // none: it has none, or look at the file
    std::optional<std::string> input = {};  // none: look at the file
};

class RecentJobs {
  public:
    static constexpr std::size_t kInputMax = 4'096;  // longer ones are not kept,
    static constexpr std::size_t kTextsMax = 4'096;  // nor is a job with more of them in its row

    RecentJob* find(JobId job);                // null: look at the file
    std::optional<RecentJob> take(JobId job);  // and forgets it
    void keep(RecentJob job);
    void forget(JobId job) { jobs_.erase(job.value); }
    void forget_all();

  private:
    static constexpr std::size_t kCountMax = 1'024;

    std::unordered_map<std::uint64_t, RecentJob> jobs_;
    std::deque<std::uint64_t> order_;  // in which they came; also of those that are forgotten
};

}  // namespace windlass::store::sqlite
