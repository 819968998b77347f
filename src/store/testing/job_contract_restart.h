// For tests: what a store of jobs must know after the death of a daemon, and what it counts.
#pragma once

#include <algorithm>
#include <cmath>

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
    SUBCASE("times and ends are counted per model, within a percent") {
        const std::int64_t begin_ms = bench.now_ms();
        for (int i = 1; i <= 200; ++i) {
            const JobId id = bench.submit({.model = "s"});
            bench.pass(milliseconds{i});
            REQUIRE(bench.settle({.job = id,
                                  .attempt = bench.claim(id),
                                  .outcome = Succeeded{},
                                  .load = milliseconds{5},
                                  .run = milliseconds{10 * i}}));
        }
        const JobId bad = bench.submit({.model = "s"});
        const AttemptId attempt = bench.claim(bad);
        REQUIRE(bench.stop(bad, attempt, StopCause::stall));
        REQUIRE(bench.settle(bad, attempt, RetryAfter{.charge = Charge::crash}));
        REQUIRE(bench.settle(bad, bench.claim(bad), Failed{}));
        bench.restart();
        const auto all = bench.ask<std::vector<ModelStatistics>>(
            [&](auto done) { bench.store().read_statistics(begin_ms, std::move(done)); });
        REQUIRE(all);
        REQUIRE(all->size() == 1);
        const ModelStatistics& one = all->front();
        CHECK(one.model == "s");
        CHECK(one.succeeded == 200);
        CHECK(one.failed == 1);
        CHECK(one.retries == 1);
        CHECK(one.attempts[std::to_underlying(AttemptEnd::stalled)] == 1);
        CHECK(one.attempts[std::to_underlying(AttemptEnd::failed)] == 1);
        CHECK(one.run.count == 200);
        CHECK(std::abs(one.run.p50_ms - 1'000) <= 10);
        CHECK(std::abs(one.run.p95_ms - 1'900) <= 19);
        CHECK(std::abs(one.run.mean_ms - 1'005) <= 1);
        CHECK(std::abs(one.load.p50_ms - 5) <= 0.05);
        CHECK(std::abs(one.queue.p95_ms - 190) <= 2.9);  // one more of 0 ms beside
    }
}

}  // namespace windlass::store::testing
