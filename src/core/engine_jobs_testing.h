// For tests: an engine with one model, its store of jobs told event by event.
#pragma once

#include <utility>
#include <vector>

#include "core/engine_testing.h"

namespace windlass::core::testing {

inline constexpr std::uint64_t kFirstAttempt = (std::uint64_t{1} << 40) + 1;

// Job n has the request n + 1000.
inline JobHead head_of(std::uint64_t job, std::uint64_t rank = 10) {
    return {.job = {job}, .request = {job + 1000}, .rank = rank};
}

class JobStory : public Story {
  public:
    explicit JobStory(ModelSpec spec = {}) : Story(steady(std::move(spec))) {
        happen(JobStoreOpened{kFirstAttempt});
    }
    void tell_heads(std::vector<JobHead> heads) {
        happen(JobsReady{kModel});
        happen(HeadFetched{kModel, std::move(heads)});
    }
    void claim(std::uint64_t job) { happen(JobClaimed{RequestId{job + 1000}}); }
    void begin_job(std::uint64_t job, Generation generation = kFirst) {
        claim(job);
        begin(job + 1000, generation);
    }
    void settle(std::uint64_t job, std::uint64_t attempt) {
        happen(JobSettled{JobId{job}, attempt});
    }
    // The model is loaded, and this job runs.
    void run_first(JobHead head) {
        const std::uint64_t job = head.job.value;
        tell_heads({head});
        make_ready();
        begin_job(job);
    }
    void exit(Generation generation = kFirst) { happen(WorkerExited{generation, "signal 9"}); }

    bool was_claimed(std::uint64_t job) const {
        const auto* claimed = find<ClaimJob>();
        return claimed != nullptr && claimed->job == JobId{job};
    }
    bool was_dispatched(std::uint64_t job) const { return was_sent(job + 1000); }
    const SettleJob& settled() const {
        const auto* settled = find<SettleJob>();
        WL_ASSERT(settled != nullptr);
        return *settled;
    }
    WaitReason reason(std::uint64_t job) {
        const auto reason = engine().wait_reason(RequestId{job + 1000});
        WL_ASSERT(reason);
        return *reason;
    }

  private:
    static ModelSpec steady(ModelSpec spec) {
        spec.prefetch = 0;
        spec.unload_after.reset();
        return spec;
    }
};

}  // namespace windlass::core::testing
