// For tests: orders of people, and what goes with time, as every store of jobs must do them.
#pragma once

#include "store/testing/job_bench.h"

namespace windlass::store::testing {

inline void check_admin(const MakeJobs& make) {
    using std::chrono::seconds;
    JobBench bench{make};
    const JobId id = bench.submit();

    SUBCASE("what waits is cancelled, what runs is not, and what is over stays") {
        const JobId running = bench.submit();
        bench.claim(running);
        CHECK(bench.tell(&JobStore::cancel, id) == JobState::cancelled);
        CHECK(bench.tell(&JobStore::cancel, id) == JobState::cancelled);
        CHECK(bench.tell(&JobStore::cancel, running) == JobState::running);
        check_refused(bench.tell(&JobStore::cancel, {99}), base::Errc::not_found);
        CHECK(bench.heads().empty());
    }
    SUBCASE("what is held waits for its release, at its place or time") {
        const JobId second = bench.submit();
        const JobId later = bench.submit({.model = "m", .run_at_ms = bench.now_ms() + 9'000});
        CHECK(bench.tell(&JobStore::hold, id) == JobState::held);
        CHECK(bench.tell(&JobStore::hold, id) == JobState::held);
        CHECK(bench.tell(&JobStore::hold, later) == JobState::held);
        CHECK(bench.read(id).job.held == HoldCause::user);
        CHECK(bench.order() == std::vector{second});
        CHECK(bench.tell(&JobStore::release, id) == JobState::available);
        CHECK(bench.tell(&JobStore::release, later) == JobState::scheduled);
        CHECK(bench.order() == std::vector{id, second});
        check_refused(bench.tell(&JobStore::release, id), base::Errc::conflict, "wrong_state");
        bench.claim(id);
        check_refused(bench.tell(&JobStore::hold, id), base::Errc::conflict, "wrong_state");
    }
    SUBCASE("a failed job is tried again with full budgets, behind the others") {
        const JobId second = bench.submit();
        REQUIRE(bench.settle(id, bench.claim(id), Failed{FailReason::crashes, {}, Charge::crash}));
        CHECK(bench.tell(&JobStore::retry, id) == JobState::available);
        const JobHistory history = bench.read(id);
        CHECK(history.job.head.crashes == 0);
        CHECK(history.attempts.size() == 1);
        CHECK_FALSE(history.job.reason);
        CHECK_FALSE(history.job.error);
        CHECK(bench.order() == std::vector{second, id});
        check_refused(bench.tell(&JobStore::retry, id), base::Errc::conflict, "wrong_state");
        CHECK(bench.settle(id, bench.claim(id), Succeeded{}) == JobState::succeeded);
        CHECK(bench.read(id).attempts.back().number == 2);
        check_refused(bench.tell(&JobStore::retry, id), base::Errc::conflict, "wrong_state");
    }
    SUBCASE("only what is over is deleted, and its number does not come again") {
        check_refused(bench.remove(id), base::Errc::conflict, "wrong_state");
        REQUIRE(bench.tell(&JobStore::cancel, id));
        REQUIRE(bench.remove(id));
        check_refused(bench.try_read(id), base::Errc::not_found);
        check_refused(bench.remove(id), base::Errc::not_found);
        bench.restart();
        CHECK(bench.submit() > id);
    }
    SUBCASE("what was kept long enough goes, and nothing else") {
        const JobId done = bench.succeed();
        REQUIRE(bench.tell(&JobStore::cancel, id));
        const auto retain = [&] {
            return bench.ask<std::uint64_t>(
                [&](auto answer) { bench.store().retain({}, std::move(answer)); });
        };
        bench.pass(std::chrono::hours{24} - seconds{1});
        CHECK(retain() == 0);
        bench.pass(seconds{1});
        CHECK(retain() == 1);
        check_refused(bench.try_read(done), base::Errc::not_found);
        CHECK(bench.state(id) == JobState::cancelled);
    }
}

}  // namespace windlass::store::testing
