// For tests: what every store of jobs must do with submissions, and whose turn is when.
#pragma once

#include <algorithm>
#include <limits>

#include "store/testing/job_bench.h"

namespace windlass::store::testing {

inline void check_submission(const MakeJobs& make) {
    JobBench bench{make};

    SUBCASE("a job comes back as it was given") {
        const std::string body("a\0b\xff", 4);
        const NewJob given{.model = "m",
                           .variant = "half",
                           .tenant = "t'\n",
                           .priority = 9,
                           .content_type = "x/y",
                           .input = body,
                           .settings = R"({"steps":4})",
                           .key = "k",
                           .deadline_ms = bench.now_ms() + 5,
                           .run_timeout = std::chrono::seconds{7},
                           .stall_timeout = std::chrono::seconds{8},
                           .failures_max = 4,
                           .crashes_max = 2};
        const JobId id = bench.submit(given);
        const JobRecord job = bench.read(id).job;
        CHECK(job.model == "m");
        CHECK(job.state == JobState::available);
        CHECK(job.key == "k");
        CHECK(job.input_bytes == 4);
        CHECK(job.head.submitted_ms == bench.now_ms());
        const std::vector<JobHead> heads = bench.heads();
        REQUIRE(heads.size() == 1);
        CHECK(heads[0] == job.head);
        const auto claimed = bench.try_claim(id, bench.next_attempt());
        REQUIRE(claimed);
        CHECK(claimed->input == body);
        CHECK(claimed->content_type == "x/y");
        CHECK(claimed->settings == given.settings);
        CHECK(claimed->head.attempts == 1);
        CHECK(claimed->head.run_timeout == given.run_timeout);
        CHECK(claimed->head.stall_timeout == given.stall_timeout);
        CHECK(claimed->head.failures_max == 4);
        CHECK(claimed->head.crashes_max == 2);
        CHECK(claimed->head.priority == 9);
    }
}

inline void check_admission(const MakeJobs& make) {
    JobBench bench{make};

    SUBCASE("the same key is the same job, and another request under it a conflict") {
        const auto first = bench.try_submit({.model = "m", .key = "k", .request_hash = 1});
        const auto again = bench.try_submit({.model = "m", .key = "k", .request_hash = 1}, 1);
        REQUIRE(again);
        CHECK(first->is_new);
        CHECK_FALSE(again->is_new);
        CHECK(again->job == first->job);
        CHECK(again->head == first->head);
        check_refused(bench.try_submit({.model = "m", .key = "k", .request_hash = 2}),
                      base::Errc::conflict, "key_reused");
        bench.restart();
        CHECK(bench.try_submit({.model = "m", .key = "k", .request_hash = 1})->job == first->job);
        REQUIRE(bench.tell(&JobStore::cancel, first->job));
        REQUIRE(bench.remove(first->job));
        CHECK(bench.try_submit({.model = "m", .key = "k", .request_hash = 2})->job > first->job);
    }
    SUBCASE("a full queue refuses, and what runs does not count") {
        const JobId first = bench.submit();
        check_refused(bench.try_submit({.model = "m"}, 1), base::Errc::queue_full);
        CHECK(bench.try_submit({.model = "other"}, 1));
        bench.claim(first);
        CHECK(bench.try_submit({.model = "m"}, 1));
    }
    SUBCASE("what is out of range is refused") {
        constexpr auto kCode = base::Errc::invalid_input;
        check_refused(bench.try_submit({}), kCode);
        check_refused(bench.try_submit({.model = "m", .priority = 10}), kCode);
        check_refused(bench.try_submit({.model = "m", .priority = -1}), kCode);
        check_refused(bench.try_submit({.model = "m", .failures_max = 0}), kCode);
        check_refused(bench.try_submit({.model = "m", .key = std::string(256, 'k')}), kCode);
        CHECK(bench.heads().empty());
    }
}

inline void check_schedule(const MakeJobs& make) {
    JobBench bench{make};

    SUBCASE("a job waits for its time") {
        const JobId id = bench.submit({.model = "m", .run_at_ms = bench.now_ms() + 1'000});
        CHECK(bench.state(id) == JobState::scheduled);
        CHECK(bench.heads().empty());
        CHECK(bench.promote().next_ms == bench.now_ms() + 1'000);
        bench.pass(std::chrono::milliseconds{999});
        CHECK(bench.promote().models.empty());
        bench.pass(std::chrono::milliseconds{1});
        const Promotion promotion = bench.promote();
        CHECK(promotion.models == std::vector<std::string>{"m"});
        CHECK_FALSE(promotion.next_ms);
        CHECK(bench.order() == std::vector{id});
    }
    SUBCASE("a pause before a retry is not changed by who sets the clock, a time of day is") {
        const JobId retried = bench.submit();
        const JobId scheduled = bench.submit({.model = "m", .run_at_ms = bench.now_ms() + 10'000});
        const RetryAfter pause{.delay = std::chrono::seconds{10}};
        REQUIRE(bench.settle(retried, bench.claim(retried), pause) == JobState::scheduled);
        constexpr std::chrono::hours kHour{1};
        bench.pass(kHour);
        const Promotion ahead = bench.promote(kHour);
        CHECK(ahead.next_ms == bench.now_ms() + 10'000);
        CHECK(bench.order() == std::vector{scheduled});
        bench.pass(-kHour);
        CHECK(bench.promote(-kHour).next_ms == bench.now_ms() + 10'000);
        bench.pass(std::chrono::seconds{10});
        bench.promote();
        CHECK(bench.order() == std::vector{retried, scheduled});
    }
    SUBCASE("a job whose deadline passes while it waits fails") {
        const std::int64_t soon = bench.now_ms() + 1'000;
        const JobId waiting = bench.submit({.model = "m", .deadline_ms = soon});
        const JobId held = bench.submit({.model = "m", .deadline_ms = soon + 1});
        const JobId running = bench.submit({.model = "m", .deadline_ms = soon});
        REQUIRE(bench.tell(&JobStore::hold, held));
        const AttemptId attempt = bench.claim(running);
        CHECK(bench.promote().next_ms == soon);
        bench.pass(std::chrono::seconds{2});
        check_refused(bench.try_claim(waiting, bench.next_attempt()), base::Errc::conflict,
                      "not_available");
        const Promotion promotion = bench.promote();
        CHECK(promotion.expired == std::vector<Expired>{{waiting, "m"}, {held, "m"}});
        CHECK(bench.read(waiting).job.reason == FailReason::deadline);
        CHECK(bench.settle(running, attempt, Succeeded{}) == JobState::succeeded);
    }
    SUBCASE("a retry that would come too late fails at once") {
        const JobId id = bench.submit({.model = "m", .deadline_ms = bench.now_ms() + 1'000});
        CHECK(bench.settle(id, bench.claim(id), RetryAfter{.delay = std::chrono::seconds{1}}) ==
              JobState::failed);
        CHECK(bench.read(id).job.reason == FailReason::deadline);
    }
}

}  // namespace windlass::store::testing
