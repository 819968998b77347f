// The jobs that the engine holds: heads that wait, and attempts that were claimed and are not
// settled. Values; only the engine changes them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/error.h"
#include "core/backoff.h"
#include "core/ids.h"
#include "core/job.h"
#include "core/model_spec.h"
#include "core/request_queue.h"
#include "core/state_encoder.h"

namespace windlass::core {

struct Job {
    // Of the model's jobs it is seen at most so far, and fetched again below that.
    static constexpr std::uint32_t kHeadsMax = 256;
    static constexpr std::size_t kHeadsLow = 64;
    // So long a place is kept while the store is asked; then others may have it.
    static constexpr base::Duration kClaimPatience = std::chrono::seconds{10};
    static constexpr base::Duration kStorePause = std::chrono::seconds{1};
    static constexpr base::Duration kStorePauseMax = std::chrono::minutes{1};

    ModelId model;
    JobHead head;
    std::uint64_t attempt = 0;  // 0: only a head
    Generation generation;      // where it has its place; none: it has none
    bool has_begun = false;
    bool is_overdue = false;    // it was asked to end, and its time for that is over
    bool is_uncharged = false;  // over, by no fault of its own
    std::optional<JobStopCause> verdict = {};
    std::optional<base::Error> error = {};
    std::optional<base::Error> load_error = {};  // claimed for no place, but to be charged with it

    friend bool operator==(const Job&, const Job&) = default;
    JobPlace place() const { return {head.rank, head.job, head.request}; }
    // Its last attempts may have taken workers along: poison is told from its victims.
    bool is_to_be_alone() const { return head.crashes > 0; }
};

// What the engine knows of a model's jobs, beside those that it holds.
struct JobSupply {
    struct Told {
        JobHead head;
        base::Instant at;
        friend bool operator==(const Told&, const Told&) = default;
    };
    bool is_fetching = false;
    bool has_more = false;                  // in the store, beyond those that are held
    bool is_stale = false;                  // some may come before those that are held
    std::vector<Told> told = {};            // became ready while others are fetched
    base::Instant turn_since = {};          // none was chosen since, though some waited
    std::optional<base::Error> error = {};  // the store's latest trouble with them
    friend bool operator==(const JobSupply&, const JobSupply&) = default;
};

struct Settling {  // the store is told how it ended
    std::uint64_t attempt = 0;
    ModelId model;
    bool is_ready_again = false;
    friend bool operator==(const Settling&, const Settling&) = default;
};

struct JobBook {
    std::map<RequestId, Job> jobs;
    std::map<JobId, RequestId> requests;  // of each of these
    std::map<JobId, Settling> settling;
    std::map<Generation, std::set<RequestId>> ending;  // once this process is gone they are settled
    std::set<RequestId> overdue_claims;                // while there is one nothing else is claimed
    std::uint64_t next_attempt = 0;                    // 0: there is no store
    Backoff store_backoff;
    bool is_paused = false;  // the store was in trouble

    bool may_claim() const { return next_attempt > 0 && !is_paused && overdue_claims.empty(); }
    void encode(StateEncoder& encoder) const;
    friend bool operator==(const JobBook&, const JobBook&) = default;
};

// When a job that was charged for the n-th time is tried again: `job_backoff` doubled each time,
// and up to a fifth more or less, drawn from job and attempt so that a replay gives the same.
base::Duration retry_delay(const ModelSpec& spec, const Job& job, std::uint32_t charges);

}  // namespace windlass::core
