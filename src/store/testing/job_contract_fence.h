// For tests: whose word about an attempt counts, as every store of jobs must keep it.
#pragma once

#include <chrono>

#include "store/testing/job_bench.h"

namespace windlass::store::testing {

inline void check_fence(const MakeJobs& make) {
    JobBench bench{make};
    const JobId id = bench.submit();
    const AttemptId attempt = bench.claim(id);
    const auto check_stale = [&](Outcome outcome) {
        check_refused(bench.settle(id, attempt, std::move(outcome)), base::Errc::conflict,
                      "stale_attempt");
    };

    SUBCASE("after a verdict the worker's word is refused, and what follows is not") {
        for (const StopCause cause : {StopCause::stall, StopCause::drain}) {
            REQUIRE(bench.stop(id, attempt, cause));  // the first stays
        }
        CHECK(bench.read(id).job.stopping == StopCause::stall);
        check_stale(Succeeded{});
        check_stale(RetryAfter{});
        check_stale(Failed{FailReason::rejected, {}, {}});
        CHECK(bench.settle(id, attempt, RetryAfter{.charge = Charge::crash}) ==
              JobState::available);
        CHECK(bench.read(id).attempts[0].end == AttemptEnd::stalled);
    }
    SUBCASE("a job that somebody wants cancelled is not tried again, whatever ends its attempt") {
        SUBCASE("by an error of its own") {
            REQUIRE(bench.stop(id, attempt, StopCause::cancel));
            CHECK(bench.settle(id, attempt, RetryAfter{.delay = std::chrono::seconds{1}}) ==
                  JobState::cancelled);
        }
        SUBCASE("by another stop that came before") {
            REQUIRE(bench.stop(id, attempt, StopCause::drain));
            REQUIRE(bench.stop(id, attempt, StopCause::cancel));
            CHECK(bench.settle(id, attempt, Returned{}) == JobState::cancelled);
        }
        SUBCASE("by the death of the daemon") {
            REQUIRE(bench.stop(id, attempt, StopCause::drain));
            REQUIRE(bench.stop(id, attempt, StopCause::cancel));
            CHECK(bench.restart().cancelled == 1);
        }
        CHECK(bench.read(id).job.state == JobState::cancelled);
    }
    SUBCASE("a result that comes while it is cancelled or drained counts") {
        REQUIRE(bench.stop(id, attempt, StopCause::cancel));
        CHECK(bench.settle(id, attempt, Succeeded{}) == JobState::succeeded);
    }
    SUBCASE("a late result of an earlier attempt is refused") {
        REQUIRE(bench.settle(id, attempt, Returned{}));
        check_stale(Succeeded{});
        const AttemptId second = bench.claim(id);
        check_stale(Succeeded{"", "first"});
        check_refused(bench.stop(id, attempt, StopCause::stall), base::Errc::conflict,
                      "stale_attempt");
        check_refused(bench.progress(id, attempt, "x"), base::Errc::conflict, "stale_attempt");
        CHECK(bench.settle(id, second, Succeeded{"", "second"}) == JobState::succeeded);
        check_refused(bench.settle(id, second, Succeeded{}), base::Errc::conflict, "stale_attempt");
    }
}

}  // namespace windlass::store::testing
