// For tests: what a store of jobs must know after the death of a daemon, and what it counts.
#pragma once

#include "store/testing/job_bench.h"

namespace windlass::store::testing {

inline void check_restart(const MakeJobs& make) {
    JobBench bench{make};
    const JobId id = bench.submit();

    SUBCASE("what ran is available again, charged to nobody") {
        const JobId second = bench.submit();
        const AttemptId attempt = bench.claim(id);
        REQUIRE(bench.stop(id, attempt, StopCause::timeout));
        const JobStart start = bench.restart();
        CHECK(start.returned == 1);
        CHECK(start.suspected == 0);
        CHECK((start.first_attempt.value >> kIncarnationShift) == 2);
        const JobHistory history = bench.read(id);
        CHECK(history.job.head.attempts == 1);
        CHECK(history.job.head.failures + history.job.head.crashes == 0);
        REQUIRE(history.attempts.size() == 1);
        CHECK(history.attempts[0].end == AttemptEnd::lost);
        CHECK(bench.order() == std::vector{id, second});
        check_refused(bench.settle(id, attempt, Succeeded{}), base::Errc::conflict,
                      "stale_attempt");
        CHECK(bench.settle(id, bench.claim(id), Succeeded{}) == JobState::succeeded);
        CHECK(bench.restart().returned == 0);
        CHECK(bench.state(id) == JobState::succeeded);
    }
    SUBCASE("what somebody wanted cancelled is cancelled") {
        REQUIRE(bench.stop(id, bench.claim(id), StopCause::cancel));
        CHECK(bench.restart().cancelled == 1);
        CHECK(bench.state(id) == JobState::cancelled);
    }
    SUBCASE("a job under which three daemons died within a day is held") {
        bench.claim(id);
        bench.restart();
        bench.pass(std::chrono::hours{25});
        for (int i = 0; i < 2; ++i) {
            CHECK(bench.state(id) == JobState::available);
            bench.claim(id);
            CHECK(bench.restart().suspected == 0);
            bench.pass(std::chrono::hours{1});
        }
        bench.claim(id);
        const JobStart start = bench.restart();
        CHECK(start.returned == 1);
        CHECK(start.suspected == 1);
        CHECK(bench.read(id).job.held == HoldCause::suspect);
        CHECK(bench.tell(&JobStore::release, id) == JobState::available);
    }
    SUBCASE("an end that a daemon saw coming is no death") {
        for (int i = 0; i < 4; ++i) {
            const AttemptId attempt = bench.claim(id);
            REQUIRE(bench.stop(id, attempt, StopCause::drain));
            REQUIRE(bench.settle(id, attempt, Returned{}));
            bench.restart();
        }
        CHECK(bench.state(id) == JobState::available);
    }
}

inline void check_counts(const MakeJobs& make) {
    using std::chrono::milliseconds;
    JobBench bench{make};
    const auto counts = [&] {
        const auto all = bench.ask<std::vector<ModelCounts>>(
            [&](auto done) { bench.store().count_jobs(std::move(done)); });
        REQUIRE(all);
        return *all;
    };

    SUBCASE("counts follow every move, over a restart too") {
        CHECK(counts().empty());
        bench.succeed();
        const JobId held = bench.submit();
        bench.submit({.model = "other", .run_at_ms = bench.now_ms() + 9});
        REQUIRE(bench.tell(&JobStore::hold, held));
        bench.claim(bench.submit());
        const std::vector<ModelCounts> expected = {{"m", {0, 0, 1, 1, 1, 0, 0}},
                                                   {"other", {1, 0, 0, 0, 0, 0, 0}}};
        CHECK(counts() == expected);
        bench.restart();
        CHECK(counts()[0] == ModelCounts{"m", {0, 1, 1, 0, 1, 0, 0}, bench.now_ms()});
    }
    SUBCASE("since when the next of a queue waits") {
        const JobId first = bench.submit();
        const std::int64_t began_ms = bench.now_ms();
        bench.pass(milliseconds{70});
        bench.submit();
        CHECK(counts()[0].waiting_since_ms == began_ms);
        bench.claim(first);
        CHECK(counts()[0].waiting_since_ms == bench.now_ms());
    }
}

}  // namespace windlass::store::testing
