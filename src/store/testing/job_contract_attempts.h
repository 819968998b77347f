// For tests: claims and settlements, as every store of jobs must keep them.
#pragma once

#include "store/testing/job_bench.h"

namespace windlass::store::testing {

inline void check_attempts(const MakeJobs& make) {
    JobBench bench{make};
    const JobId id = bench.submit();

    SUBCASE("one attempt has a job") {
        const AttemptId attempt = bench.claim(id);
        const JobRecord job = bench.read(id).job;
        CHECK(job.state == JobState::running);
        CHECK(job.attempt == attempt);
        CHECK(job.started_ms == bench.now_ms());
        CHECK(bench.heads().empty());
        check_refused(bench.try_claim(id, bench.next_attempt()), base::Errc::conflict,
                      "not_available");
        check_refused(bench.try_claim(JobId{99}, bench.next_attempt()), base::Errc::not_found);
    }
    SUBCASE("a number of an attempt is used once, and only by the daemon that is") {
        const JobId other = bench.submit();
        const AttemptId attempt = bench.claim(id);
        for (const std::uint64_t number : {std::uint64_t{1}, attempt.value - 1, attempt.value}) {
            check_refused(bench.try_claim(other, {number}), base::Errc::conflict, "not_available");
        }
        bench.restart();
        check_refused(bench.try_claim(other, {attempt.value + 1}), base::Errc::conflict,
                      "not_available");
        CHECK(bench.next_attempt() > attempt);
    }
}

inline void check_ends(const MakeJobs& make) {
    using std::chrono::seconds;
    JobBench bench{make};
    const JobId id = bench.submit({.model = "m", .settings = "1"});

    SUBCASE("a success has its result, and its attempt its times") {
        bench.pass(seconds{3});
        const AttemptId attempt = bench.claim(id);
        REQUIRE(bench.progress(id, attempt, "{\"step\":1}"));
        CHECK(bench.read(id).job.progress == "{\"step\":1}");
        bench.pass(seconds{2});
        const std::string body("r\0", 2);
        CHECK(bench.settle({.job = id,
                            .attempt = attempt,
                            .outcome = Succeeded{"a/b", body},
                            .load = seconds{1},
                            .run = std::chrono::microseconds{1'999'000},
                            .worker = "w1",
                            .evidence = "{}"}) == JobState::succeeded);
        const auto result = bench.ask<JobResult>(
            [&](auto done) { bench.store().read_result(id, std::move(done)); });
        REQUIRE(result);
        CHECK(*result == JobResult{"a/b", body});
        const JobHistory history = bench.read(id);
        CHECK(history.job.finished_ms == bench.now_ms());
        CHECK_FALSE(history.job.attempt);
        CHECK(history.job.progress == "{\"step\":1}");
        REQUIRE(history.attempts.size() == 1);
        CHECK(history.attempts[0] == AttemptRecord{.number = 1,
                                                   .attempt = attempt,
                                                   .end = AttemptEnd::succeeded,
                                                   .started_ms = bench.now_ms() - 2'000,
                                                   .ended_ms = bench.now_ms(),
                                                   .queue_ms = 3'000,
                                                   .load = seconds{1},
                                                   .run = std::chrono::milliseconds{1'999},
                                                   .worker = "w1",
                                                   .settings = "1",
                                                   .progress = "{\"step\":1}",
                                                   .evidence = "{}",
                                                   .error = std::nullopt});
    }
    SUBCASE("failures and crashes are charged apart, and settings change for the next") {
        const JobError error{base::Errc::out_of_memory, "too big", "Oom", "line 1"};
        RetryAfter retry{.delay = {}, .charge = Charge::failure, .error = error, .settings = "2"};
        CHECK(bench.settle(id, bench.claim(id), retry) == JobState::available);
        retry.charge = Charge::crash;
        retry.settings.clear();
        CHECK(bench.settle(id, bench.claim(id), retry) == JobState::available);
        CHECK(bench.settle(id, bench.claim(id),
                           Failed{FailReason::failures, error, Charge::failure}) ==
              JobState::failed);
        const JobHistory history = bench.read(id);
        CHECK(history.job.head.failures == 2);
        CHECK(history.job.head.crashes == 1);
        CHECK(history.job.head.attempts == 3);
        CHECK(history.job.reason == FailReason::failures);
        CHECK(history.job.error == error);
        REQUIRE(history.attempts.size() == 3);
        CHECK(history.attempts[0].settings == "1");
        CHECK(history.attempts[1].settings == "2");
        CHECK(history.attempts[1].end == AttemptEnd::crashed);
        CHECK(history.attempts[2].error == error);
    }
}

// What an attempt ran with instead of what was submitted, and why there is another one.
inline void check_settings(const MakeJobs& make) {
    JobBench bench{make};
    const JobId id = bench.submit();
    const JobError error{base::Errc::out_of_memory, "too big", "Oom", "line 1"};
    const AttemptId first = bench.claim(id);
    REQUIRE(bench.keep_settings(id, first, "{\"batch\":8}"));
    CHECK(bench.read(id).job.settings == "{\"batch\":8}");
    REQUIRE(bench.settle(id, first, RetryAfter{.delay = {}, .error = error}));
    check_refused(bench.keep_settings(id, first, "{}"), base::Errc::conflict, "stale_attempt");

    const AttemptId second = bench.next_attempt();
    auto again = bench.try_claim(id, second);
    REQUIRE(again);
    CHECK(again->settings == "{\"batch\":8}");
    CHECK(again->error == error);

    SUBCASE("it outlives the daemon, whose end is no reason to do otherwise") {
        REQUIRE(bench.keep_settings(id, second, "{\"batch\":4}"));
        bench.restart();
        again = bench.try_claim(id, bench.next_attempt());
        REQUIRE(again);
        CHECK(again->settings == "{\"batch\":4}");
        CHECK_FALSE(again->error);
        const JobHistory history = bench.read(id);
        REQUIRE(history.attempts.size() == 2);
        CHECK(history.attempts[0].settings == "{\"batch\":8}");
        CHECK(history.attempts[1].settings == "{\"batch\":4}");
    }
    SUBCASE("who begins anew begins with what was submitted") {
        REQUIRE(bench.settle(id, second, Failed{FailReason::failures, error, Charge::failure}));
        CHECK(bench.tell(&JobStore::retry, id) == JobState::available);
        again = bench.try_claim(id, bench.next_attempt());
        REQUIRE(again);
        CHECK(again->settings.empty());
        CHECK_FALSE(again->error);
    }
}

}  // namespace windlass::store::testing
