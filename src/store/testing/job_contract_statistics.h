// For tests: what a store of jobs tells of those that ended, per model and together.
#pragma once

#include <cmath>

#include "store/testing/job_bench.h"

namespace windlass::store::testing {

// Times and ends are counted, within a percent.
inline void check_statistics(const MakeJobs& make) {
    using std::chrono::milliseconds;
    JobBench bench{make};
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
    const JobId other = bench.submit({.model = "r"});
    REQUIRE(bench.settle({.job = other,
                          .attempt = bench.claim(other),
                          .outcome = Succeeded{},
                          .run = milliseconds{3'015}}));
    const auto all = bench.ask<std::vector<ModelStatistics>>(
        [&](auto done) { bench.store().read_statistics(begin_ms, std::move(done)); });
    REQUIRE(all);
    REQUIRE(all->size() == 3);
    const ModelStatistics& one = all->back();
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
    CHECK(all->at(1).model == "r");
    const ModelStatistics& together = all->front();
    CHECK(together.model.empty());
    CHECK(together.succeeded == 201);
    CHECK(together.failed == 1);
    CHECK(together.run.count == 201);
    CHECK(std::abs(together.run.mean_ms - 1'015) <= 1);
}

}  // namespace windlass::store::testing
