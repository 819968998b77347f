// For tests: lists of jobs, and orders about all that match, as every store of jobs must do them.
#pragma once

#include "store/testing/job_bench.h"

namespace windlass::store::testing {

using JobIds = std::vector<JobId>;

// Thirteen jobs, some of each state.
struct ListBench : JobBench {
    explicit ListBench(const MakeJobs& make) : JobBench(make) {
        for (int i = 0; i < 12; ++i) {
            jobs.push_back(submit({.model = i % 2 == 0 ? "even" : "odd",
                                   .tenant = i % 3 == 0 ? "three" : "",
                                   .key = "key " + std::to_string(i)}));
        }
        REQUIRE(tell(&JobStore::hold, jobs[2]));
        REQUIRE(tell(&JobStore::cancel, jobs[4]));
        REQUIRE(tell(&JobStore::cancel, jobs[5]));
        attempt = claim(jobs[6]);
        later = submit({.model = "odd", .run_at_ms = now_ms() + 1});
    }
    JobPage page_of(JobQuery query) {
        auto page =
            ask<JobPage>([&](auto done) { store().list_jobs(std::move(query), std::move(done)); });
        REQUIRE(page);
        return *page;
    }
    JobIds found(JobFilter filter) {
        JobIds ids;
        for (const JobRecord& job : page_of({.filter = std::move(filter)}).jobs) {
            ids.push_back(job.head.job);
        }
        return ids;
    }

    JobIds jobs;
    JobId later;  // scheduled
    AttemptId attempt;
};

inline void check_lists(const MakeJobs& make) {
    ListBench bench{make};
    const JobIds& jobs = bench.jobs;

    SUBCASE("by state, model, tenant and text") {
        CHECK(bench.found({}).size() == 13);
        CHECK(bench.found({}).front() == bench.later);
        CHECK(bench.found({.states = {JobState::scheduled}}) == JobIds{bench.later});
        CHECK(bench.found({.states = {JobState::held}}) == JobIds{jobs[2]});
        CHECK(bench.found({.states = {JobState::running}}) == JobIds{jobs[6]});
        CHECK(bench.found({.states = {JobState::cancelled}}) == JobIds{jobs[5], jobs[4]});
        CHECK(bench.found({.states = {JobState::cancelled}, .model = "odd"}) == JobIds{jobs[5]});
        CHECK(bench.found({.states = {JobState::available}, .tenant = "three"}) ==
              JobIds{jobs[9], jobs[3], jobs[0]});
        CHECK(bench.found({.text = "y 11"}) == JobIds{jobs[11]});
        CHECK(bench.found({.model = "none"}).empty());
        const auto running = bench.page_of({.filter = {.states = {JobState::running}}});
        CHECK(running.jobs[0] == bench.read(jobs[6]).job);
        CHECK(running.jobs[0].attempt == bench.attempt);
    }
    SUBCASE("in pages, the latest first") {
        const JobPage first = bench.page_of({.filter = {.model = "even"}, .limit = 4});
        REQUIRE(first.next);
        const JobPage rest = bench.page_of({.filter = {.model = "even"}, .before = first.next});
        CHECK(first.jobs.size() + rest.jobs.size() == 6);
        CHECK(rest.jobs.front().head.job == jobs[2]);
        CHECK_FALSE(rest.next);
    }
    SUBCASE("many are changed by one order, and those that run are told") {
        const auto bulk = [&](BulkAction action, JobQuery query) {
            const auto result = bench.ask<BulkResult>(
                [&](auto done) { bench.store().bulk(action, query, std::move(done)); });
            REQUIRE(result);
            return *result;
        };
        const BulkResult cancelled = bulk(BulkAction::cancel, {.filter = {.model = "even"}});
        CHECK(cancelled.changed == 4);
        CHECK(cancelled.running == JobIds{jobs[6]});
        CHECK_FALSE(cancelled.next);
        const JobQuery some{.filter = {.states = {JobState::cancelled}}, .limit = 2};
        const BulkResult part = bulk(BulkAction::retry, some);
        CHECK(part.changed == 2);
        CHECK(part.next.has_value());
        CHECK(bulk(BulkAction::remove, {.filter = {.states = {JobState::cancelled}}}).changed == 4);
        CHECK(bench.found({}).size() == 9);
    }
}

}  // namespace windlass::store::testing
