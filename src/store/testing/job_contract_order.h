// For tests: whose turn it is, as every store of jobs must see it.
#pragma once

#include <algorithm>

#include "store/testing/job_bench.h"

namespace windlass::store::testing {

inline std::vector<JobId> submit_many(JobBench& bench, std::size_t count, const NewJob& job) {
    std::vector<JobId> jobs;
    jobs.reserve(count);
    for (std::size_t i = 0; i < count; ++i) jobs.push_back(bench.submit(job));
    return jobs;
}

inline void check_order(const MakeJobs& make) {
    JobBench bench{make};

    SUBCASE("of one flow, the first come is the first") {
        const auto jobs = submit_many(bench, 5, {.model = "m"});
        CHECK(bench.order() == jobs);
        CHECK(bench.order("other").empty());
    }
    SUBCASE("behind a head come those behind it, whatever was claimed") {
        const auto jobs = submit_many(bench, 5, {.model = "m"});
        const auto first = bench.heads({.model = "m", .limit = 2});
        REQUIRE(first.size() == 2);
        bench.claim(jobs[1]);
        bench.claim(jobs[3]);
        const auto rest = bench.heads({.model = "m", .limit = 9, .after = first.back()});
        REQUIRE(rest.size() == 2);
        CHECK(rest[0].job == jobs[2]);
        CHECK(rest[1].job == jobs[4]);
    }
    SUBCASE("a tenant that comes later need not wait for all of one that came before") {
        submit_many(bench, 20, {.model = "m", .tenant = "a"});
        const auto late = submit_many(bench, 5, {.model = "m", .tenant = "b"});
        const auto order = bench.order();
        for (std::size_t i = 0; i < late.size(); ++i) {
            CHECK(std::ranges::find(order, late[i]) - order.begin() <=
                  static_cast<std::ptrdiff_t>(2 * i + 1));
        }
    }
    SUBCASE("priorities share 3 to 2 from one to the next, and none starves") {
        submit_many(bench, 60, {.model = "m", .priority = 4});
        const auto less = submit_many(bench, 60, {.model = "m", .priority = 5});
        const auto order = bench.order();
        const auto count = std::ranges::count_if(order.begin(), order.begin() + 50, [&](JobId job) {
            return std::ranges::find(less, job) != less.end();
        });
        CHECK(count == 20);
        const JobId urgent = bench.submit({.model = "m", .priority = 0});
        CHECK(bench.order().front() == urgent);
    }
}

inline void check_places(const MakeJobs& make) {
    JobBench bench{make};

    SUBCASE("the clock goes on with what is dispatched, over a restart too") {
        submit_many(bench, 10, {.model = "m", .tenant = "a"});
        for (int i = 0; i < 5; ++i) {
            const JobId next = bench.order().front();
            REQUIRE(bench.settle(next, bench.claim(next), Succeeded{}));
        }
        bench.restart();
        const auto heads = bench.heads();
        REQUIRE(heads.size() == 5);
        const auto newcomer = bench.try_submit({.model = "m", .tenant = "b"});
        REQUIRE(newcomer);
        // Among the first, but not before its time.
        CHECK(newcomer->head->rank == heads[0].rank);
        const auto behind = bench.try_submit({.model = "m", .tenant = "a"});
        REQUIRE(behind);
        CHECK(behind->head->rank > heads[4].rank);
        CHECK(behind->head == bench.heads().back());
    }
    SUBCASE("what returns uncharged, or is tried again, has the place that it had") {
        const auto jobs = submit_many(bench, 3, {.model = "m"});
        const AttemptId first = bench.claim(jobs[0]);
        const AttemptId second = bench.claim(jobs[1]);
        CHECK(bench.settle(jobs[1], second, Returned{}) == JobState::available);
        CHECK(bench.settle(jobs[0], first, RetryAfter{.delay = std::chrono::seconds{1}}) ==
              JobState::scheduled);
        CHECK(bench.order() == std::vector{jobs[1], jobs[2]});
        bench.pass(std::chrono::seconds{1});
        bench.promote();
        CHECK(bench.order() == jobs);
    }
}

}  // namespace windlass::store::testing
