// For tests: submissions that are claimed along, and ids that are known before, as every store of
// jobs must do it.
#pragma once

#include <chrono>

#include "store/testing/job_bench.h"

namespace windlass::store::testing {

inline void check_claimed_submissions(const MakeJobs& make) {
    JobBench bench{make};

    SUBCASE("one that is claimed along runs, and was never available") {
        const AttemptId attempt = bench.next_attempt();
        const auto told = bench.try_submit({.model = "m",
                                            .tenant = "t",
                                            .priority = 2,
                                            .content_type = "x/y",
                                            .input = "in",
                                            .settings = R"({"steps":4})",
                                            .deadline_ms = bench.now_ms() + 5,
                                            .run_timeout = std::chrono::seconds{7},
                                            .attempt = attempt});
        REQUIRE(told);
        CHECK(told->is_new);
        CHECK(told->state == JobState::running);
        CHECK_FALSE(told->head.has_value());
        const ClaimedJob claimed = told->claimed.value_or(ClaimedJob{});
        CHECK(claimed.input == "in");
        CHECK(claimed.content_type == "x/y");
        CHECK(claimed.settings == R"({"steps":4})");
        CHECK_FALSE(claimed.error.has_value());
        CHECK(claimed.head.job == told->job);
        CHECK(claimed.head.tenant == "t");
        CHECK(claimed.head.run_timeout == std::chrono::seconds{7});
        CHECK(claimed.head.attempts == 1);
        const JobRecord job = bench.read(told->job).job;
        CHECK(job.head == claimed.head);
        CHECK(job.attempt == attempt);
        CHECK(job.started_ms == bench.now_ms());
        CHECK(job.input_bytes == 2);
        CHECK(bench.heads().empty());
        bench.pass(std::chrono::milliseconds{3});
        REQUIRE(bench.settle(told->job, attempt, RetryAfter{.charge = Charge::failure}) ==
                JobState::available);
        CHECK(bench.read(told->job).attempts[0].queue_ms == 0);
        CHECK(bench.try_claim(told->job, bench.next_attempt())->input == "in");
    }
    SUBCASE("it takes its turn, as if it had been submitted and claimed") {
        bench.pass(std::chrono::seconds{1});
        REQUIRE(bench.try_submit(
            {.model = "m", .tenant = "a", .priority = 9, .attempt = bench.next_attempt()}));
        bench.claim(bench.submit({.model = "n", .tenant = "a", .priority = 9}));
        const auto ranks = [&bench](const std::string& model) {
            for (const char* tenant : {"a", "a", "b"})
                bench.submit({.model = model, .tenant = tenant, .priority = 9});
            std::vector<std::int64_t> all;
            for (const JobHead& head : bench.heads({.model = model})) all.push_back(head.rank);
            return all;
        };
        CHECK(ranks("m") == ranks("n"));
    }
    SUBCASE("the death of the daemon gives it back") {
        const auto told = bench.try_submit({.model = "m", .attempt = bench.next_attempt()});
        CHECK(bench.restart().returned == 1);
        CHECK(bench.state(told->job) == JobState::available);
    }
}

inline void check_unclaimed_submissions(const MakeJobs& make) {
    JobBench bench{make};

    SUBCASE("one that may not begin is not claimed") {
        const auto later = bench.try_submit(
            {.model = "m", .run_at_ms = bench.now_ms() + 1, .attempt = bench.next_attempt()});
        CHECK(later->state == JobState::scheduled);
        CHECK_FALSE(later->claimed.has_value());
        const auto late = bench.try_submit(
            {.model = "m", .deadline_ms = bench.now_ms(), .attempt = bench.next_attempt()});
        CHECK(late->state == JobState::available);
        CHECK_FALSE(late->claimed.has_value());
        const JobId known = bench.submit({.model = "m", .key = "k", .request_hash = 1});
        const auto again = bench.try_submit(
            {.model = "m", .key = "k", .request_hash = 1, .attempt = bench.next_attempt()});
        CHECK(again->job == known);
        CHECK_FALSE(again->claimed.has_value());
        CHECK(bench.state(known) == JobState::available);
    }
    SUBCASE("what is refused uses no attempt") {
        const AttemptId attempt = bench.next_attempt();
        check_refused(bench.try_submit({.model = "m", .attempt = attempt}, 0),
                      base::Errc::queue_full);
        const JobId waits = bench.submit();
        REQUIRE(bench.try_claim(waits, attempt));
        check_refused(bench.try_submit({.model = "m", .attempt = attempt}), base::Errc::conflict,
                      "not_available");
        CHECK(bench.heads().empty());
    }
}

inline void check_reserved_ids(const MakeJobs& make) {
    JobBench bench{make};
    const JobId first = bench.submit();
    const JobId reserved = bench.store().reserve();
    const JobId second = bench.submit();
    CHECK(first < reserved);
    CHECK(reserved < second);
    CHECK(bench.submit({.model = "m", .id = reserved}) == reserved);
    CHECK(bench.submit({.model = "m", .id = bench.store().reserve()}) > second);
    const JobId unused = bench.store().reserve();
    const JobId last = bench.submit();
    CHECK(last > unused);
    CHECK(bench.restart().last_job == last);
    CHECK(bench.store().reserve() > last);
}

}  // namespace windlass::store::testing
