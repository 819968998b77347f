// Goal:   a job begins only with its store's permission, in the order of the store, beside calls,
//         and a store that is slow or in trouble holds nobody else up.
// Method: one engine, told event by event.
#include <doctest/doctest.h>

#include "core/engine_jobs_testing.h"
#include "core/explanation.h"

namespace windlass::core::testing {
namespace {

using base::Errc;
using namespace std::chrono_literals;

const base::Error kBroken = base::fail(Errc::unavailable, "the disk is full");
const base::Error kUnloadable = base::fail(Errc::internal, "no such file");
const base::Error kTaken = base::fail(Errc::conflict, "it is not ready any more");

}  // namespace

TEST_CASE("heads are asked for when there are some, and again when few are left") {
    JobStory story;
    CHECK(story.find<FetchHead>() == nullptr);
    story.happen(JobsReady{kModel});
    REQUIRE(story.find<FetchHead>() != nullptr);
    CHECK(story.find<FetchHead>()->limit == 256);
    story.happen(JobsReady{kModel});  // one question at a time
    CHECK(story.find<FetchHead>() == nullptr);
    std::vector<JobHead> heads;
    for (std::uint64_t job = 1; job <= 256; ++job) heads.push_back(head_of(job, job));
    story.happen(HeadFetched{kModel, heads});
    CHECK(story.find<FetchHead>() != nullptr);  // of those that became ready meanwhile
    story.happen(HeadFetched{kModel, heads});
    CHECK(story.find<FetchHead>() == nullptr);
}

TEST_CASE("a job that is told with its head is held without a look at the store") {
    JobStory story;
    story.tell_heads({head_of(2, 20)});
    story.make_ready();
    story.begin_job(2);

    SUBCASE("in its place") {
        story.happen(JobsReady{kModel, head_of(4, 40)});
        story.happen(JobsReady{kModel, head_of(3, 30)});
        CHECK(story.find<FetchHead>() == nullptr);
        story.answer(1002);
        CHECK(story.was_claimed(3));
    }
    SUBCASE("once those are here that were asked for before") {
        story.happen(JobsReady{kModel});
        REQUIRE(story.find<FetchHead>() != nullptr);
        story.happen(JobsReady{kModel, head_of(4, 40)});
        story.answer(1002);
        CHECK(story.find<ClaimJob>() == nullptr);
        SUBCASE("and nobody takes it back") {
            story.happen(HeadFetched{kModel, {head_of(3, 30)}});
            CHECK(story.was_claimed(3));
            CHECK(story.find<FetchHead>() == nullptr);
            CHECK(story.reason(4) == WaitReason::busy);
        }
        SUBCASE("unless it is cancelled") {
            story.happen(JobCancelAsked{JobId{4}});
            story.happen(HeadFetched{kModel, {}});
            CHECK(story.find<ClaimJob>() == nullptr);
        }
        SUBCASE("unless that fails: then all are asked for again") {
            story.happen(FetchFailed{kModel, kBroken});
            CHECK(story.find<ClaimJob>() == nullptr);
            story.wait(2s);
            CHECK(story.find<FetchHead>() != nullptr);
        }
    }
}

TEST_CASE("no job is held that may come after one that waits in the store") {
    JobStory story;
    std::vector<JobHead> heads;
    for (std::uint64_t job = 1; job <= 256; ++job) heads.push_back(head_of(job, 10 * job));
    story.tell_heads(heads);
    const auto is_held = [&](std::uint64_t job) {
        return story.engine().wait_reason(RequestId{job + 1000}).has_value();
    };
    story.happen(JobsReady{kModel, head_of(1'000, 2'561)});
    CHECK_FALSE(is_held(1'000));
    story.happen(JobsReady{kModel, head_of(1'001, 5)});
    CHECK(is_held(1'001));
    CHECK_FALSE(is_held(256));  // it makes place: no more than 256 are held
    CHECK(is_held(255));
    CHECK(story.find<FetchHead>() == nullptr);
}

TEST_CASE("a head makes its model load, and is claimed before it is dispatched") {
    JobStory story;
    story.tell_heads({head_of(1)});
    CHECK(story.find<Launch>() != nullptr);
    CHECK(story.reason(1) == WaitReason::starting);
    CHECK(story.find<ClaimJob>() == nullptr);
    story.make_ready();
    REQUIRE(story.was_claimed(1));
    CHECK(story.find<ClaimJob>()->attempt == kFirstAttempt);
    CHECK(story.find<ClaimJob>()->generation == kFirst);
    CHECK_FALSE(story.was_dispatched(1));
    CHECK(story.reason(1) == WaitReason::store);
    story.claim(1);
    REQUIRE(story.was_dispatched(1));
    CHECK(story.find<Dispatch>()->timeout == 24h);
    story.begin(1001);
    story.answer(1001);
    CHECK(story.settled().end == JobEnd::succeeded);
    CHECK(story.settled().attempt == kFirstAttempt);
    CHECK(story.settled().generation == kFirst);
    CHECK(story.find<Respond>() == nullptr);
}

TEST_CASE("jobs begin in the order of their store, one to a place") {
    JobStory story;
    story.tell_heads({head_of(1, 30), head_of(2, 10), head_of(3, 20)});
    story.make_ready();
    CHECK(story.was_claimed(2));
    story.begin_job(2);
    CHECK(story.find<ClaimJob>() == nullptr);
    CHECK(story.reason(3) == WaitReason::busy);
    story.answer(1002);
    CHECK(story.was_claimed(3));
    CHECK(story.engine().explain(RequestId{1001}).value_or(Explanation{}).ahead == 1);
}

TEST_CASE("a job that is not ready any more is let go, and the next is asked for") {
    JobStory story;
    story.tell_heads({head_of(1, 1), head_of(2, 2)});
    story.make_ready();
    story.happen(ClaimRefused{RequestId{1001}, kTaken});
    CHECK(story.was_claimed(2));
    CHECK_FALSE(story.engine().find_job(JobId{1}));
    story.claim(1);  // too late to count
    CHECK_FALSE(story.was_dispatched(1));
}

TEST_CASE("a store in trouble is asked again after a pause that doubles, and calls go on") {
    JobStory story;
    story.tell_heads({head_of(1)});
    story.make_ready();
    story.happen(ClaimRefused{RequestId{1001}, kBroken});
    CHECK(story.find<ClaimJob>() == nullptr);
    CHECK(story.reason(1) == WaitReason::store);
    story.call(1);
    CHECK(story.was_sent(1));
    story.begin(1);
    story.answer(1);
    story.wait(999ms);
    CHECK(story.find<ClaimJob>() == nullptr);
    story.wait(1ms);
    REQUIRE(story.was_claimed(1));
    CHECK(story.find<ClaimJob>()->attempt == kFirstAttempt + 1);
    story.happen(ClaimRefused{RequestId{1001}, kBroken});
    story.wait(1999ms);
    CHECK(story.find<ClaimJob>() == nullptr);
    story.wait(1ms);
    CHECK(story.was_claimed(1));
    story.claim(1);
    CHECK(story.was_dispatched(1));
}

TEST_CASE("a store that is slow keeps its place for a while only, and is asked nothing else") {
    JobStory story;
    story.tell_heads({head_of(1, 1), head_of(2, 2)});
    story.make_ready();
    story.call(1);
    story.wait(9'999ms);
    CHECK_FALSE(story.was_sent(1));
    story.wait(1ms);
    CHECK(story.was_sent(1));
    CHECK(story.find<ClaimJob>() == nullptr);
    CHECK(story.reason(1) == WaitReason::store);
    story.claim(1);  // its place is gone
    CHECK_FALSE(story.was_dispatched(1));
    CHECK(story.settled().end == JobEnd::returned);
    CHECK(story.settled().charge == JobCharge::none);
    story.begin(1);
    story.answer(1);
    CHECK(story.was_claimed(2));
}

TEST_CASE("calls go first, but no longer than max_wait") {
    JobStory story{{.max_wait = 1min}};
    story.call(1);
    story.make_ready();
    story.begin(1);
    story.tell_heads({head_of(1), head_of(2)});
    for (std::uint64_t call = 2; call < 8; ++call) {
        story.call(call);
        story.wait(9s);
        story.answer(call - 1);
        CHECK(story.was_sent(call));
        story.begin(call);
    }
    story.call(8);
    story.wait(6s);
    story.answer(7);
    CHECK(story.was_claimed(1));
    story.begin_job(1);
    story.answer(1001);
    CHECK(story.was_sent(8));  // the next job's turn is max_wait away
}

TEST_CASE("what took a worker along runs alone, and is not starved by what may pass it") {
    JobStory story{{.concurrency = 2, .max_wait = 1min}};
    story.call(1);
    story.make_ready();
    story.begin(1);
    JobHead poison = head_of(1, 1);
    poison.crashes = 1;
    story.tell_heads({poison, head_of(2, 2), head_of(3, 3)});
    CHECK(story.was_claimed(2));  // beside the call
    story.begin_job(2);
    story.wait(1min);
    story.answer(1002);
    CHECK(story.find<ClaimJob>() == nullptr);  // no other job passes it any more
    story.call(2);
    CHECK_FALSE(story.was_sent(2));  // nor any call, at the jobs' turn
    story.answer(1);
    REQUIRE(story.was_claimed(1));
    story.begin_job(1);
    CHECK_FALSE(story.was_sent(2));
    CHECK(story.find<ClaimJob>() == nullptr);
    story.answer(1001);
    CHECK(story.was_sent(2));
}

TEST_CASE("a paused model claims nothing, and what was claimed meanwhile goes back") {
    JobStory story;
    story.tell_heads({head_of(1)});
    story.make_ready();
    story.happen(PauseAsked{kModel});
    story.claim(1);
    CHECK(story.settled().end == JobEnd::returned);
    story.settle(1, kFirstAttempt);
    CHECK(story.find<FetchHead>() != nullptr);
    story.happen(HeadFetched{kModel, {head_of(1)}});
    CHECK(story.reason(1) == WaitReason::paused);
    story.happen(ResumeAsked{kModel});
    CHECK(story.was_claimed(1));
}

TEST_CASE("the heads of a model that is removed stay in the store") {
    JobStory story;
    story.tell_heads({head_of(1)});
    story.happen(ModelRemoved{kModel});
    CHECK_FALSE(story.engine().find_job(JobId{1}));
    CHECK(story.find<SettleJob>() == nullptr);
    story.happen(ModelConfigured{{.name = "digits"}, false});
    CHECK(story.find<FetchHead>() != nullptr);
}

TEST_CASE("a load that fails answers calls, and is charged to the first job that waits") {
    JobStory story;
    story.tell_heads({head_of(1, 2), head_of(2, 1)});
    story.call(1);
    story.happen(WorkerHello{kFirst});
    story.happen(LoadFailed{kFirst, kUnloadable});
    CHECK(story.was_refused(1, Errc::internal));
    REQUIRE(story.was_claimed(2));
    CHECK_FALSE(story.find<ClaimJob>()->generation);
    CHECK(story.reason(2) == WaitReason::store);
    CHECK(story.reason(1) == WaitReason::stopping);
    story.exit();  // the same load: charged once
    CHECK(story.find<ClaimJob>() == nullptr);
    CHECK(story.reason(1) == WaitReason::backoff);
    story.claim(2);
    CHECK(story.settled().end == JobEnd::retried);
    CHECK(story.settled().charge == JobCharge::failure);
    CHECK(story.settled().error == kUnloadable);
    CHECK_FALSE(story.settled().generation);
    story.wait(1s);
    CHECK(story.find<Launch>() != nullptr);
}

TEST_CASE("a job whose model never loads ends, by the type of the error or with its budget") {
    for (const Errc code : {Errc::internal, Errc::out_of_memory, Errc::unsupported}) {
        JobStory story{{.job_failures_max = 2}};
        JobHead head = head_of(1);
        head.failures = code == Errc::unsupported ? 0 : 1;
        story.tell_heads({head});
        story.happen(WorkerHello{kFirst});
        story.happen(LoadFailed{kFirst, base::fail(code, "it does not load")});
        story.claim(1);
        CHECK(story.settled().end == JobEnd::dead);
        CHECK(story.settled().reason ==
              (code == Errc::unsupported ? DeadReason::rejected : DeadReason::attempts));
        CHECK(story.settled().error.value_or(kTaken).code == code);
    }
}

TEST_CASE("a worker that dies or takes too long while it loads costs a failure, no crash") {
    for (const bool dies : {false, true}) {
        JobStory story{{.limits = {.start_timeout = 1min}}};
        JobHead head = head_of(1);
        head.crashes = 1;  // it would run alone, and waits first all the same
        story.tell_heads({head, head_of(2, 20)});
        dies ? story.exit() : story.wait(1min);
        REQUIRE(story.was_claimed(1));
        story.claim(1);
        CHECK(story.settled().charge == JobCharge::failure);
        CHECK(story.settled().error.value_or(kTaken).code ==
              (dies ? Errc::worker_lost : Errc::timeout));
        CHECK(story.find<ClaimJob>() == nullptr);
    }
}

TEST_CASE("no job pays for a load that another copy makes up for, nor while its model is paused") {
    JobStory copies{{.copies = {.count_max = 2}}};
    copies.tell_heads({head_of(1), head_of(2)});
    REQUIRE(copies.find<Launch>() != nullptr);
    copies.happen(WorkerHello{kFirst});
    copies.happen(LoadFailed{kFirst, kUnloadable});
    CHECK(copies.find<ClaimJob>() == nullptr);  // the other one still loads
    copies.happen(WorkerHello{kSecond});
    copies.happen(LoadFailed{kSecond, kUnloadable});
    CHECK(copies.was_claimed(1));

    JobStory paused;
    paused.tell_heads({head_of(1)});
    paused.happen(PauseAsked{kModel});
    paused.happen(LaunchFailed{kFirst, kUnloadable});
    CHECK(paused.find<ClaimJob>() == nullptr);
}

TEST_CASE("a store that refuses leaves a job as it was; what is cancelled meanwhile is cancelled") {
    JobStory story;
    story.tell_heads({head_of(1)});
    story.happen(LaunchFailed{kFirst, kUnloadable});
    REQUIRE(story.was_claimed(1));
    story.happen(ClaimRefused{RequestId{1001}, kBroken});
    story.wait(1s);
    story.make_ready(kSecond);
    REQUIRE(story.was_claimed(1));
    CHECK(story.find<ClaimJob>()->generation == kSecond);
    story.begin_job(1, kSecond);
    CHECK(story.find<SettleJob>() == nullptr);

    JobStory cancelled;
    cancelled.tell_heads({head_of(1)});
    cancelled.happen(LaunchFailed{kFirst, kUnloadable});
    cancelled.happen(JobCancelAsked{JobId{1}});
    cancelled.claim(1);
    CHECK(cancelled.settled().end == JobEnd::cancelled);
}

TEST_CASE("calls that are sent ahead do not take the place that a job's turn has come for") {
    JobStory story{{.max_wait = 1min}};
    story.happen(ModelConfigured{{.name = "digits", .max_wait = 1min}, false});  // the usual window
    story.call(1);
    story.make_ready();
    story.begin(1);
    story.tell_heads({head_of(1)});
    story.call(2);
    REQUIRE(story.was_sent(2));
    story.wait(59s);
    story.answer(1);
    story.begin(2);
    story.call(3);
    REQUIRE(story.was_sent(3));
    story.wait(1s);
    story.answer(2);
    story.begin(3);
    story.call(4);
    CHECK_FALSE(story.was_sent(4));  // else there would be no end
    story.answer(3);
    CHECK(story.was_claimed(1));
}

TEST_CASE("a job would be claimed at once where a place is free and nobody waits") {
    JobStory story;
    const auto would_claim = [&] { return story.engine().would_claim(kModel); };
    CHECK_FALSE(would_claim());  // there is no place yet
    story.run_first(head_of(1));
    CHECK_FALSE(would_claim());  // it is taken
    story.answer(1001);
    story.settle(1, kFirstAttempt);
    REQUIRE(would_claim());

    SUBCASE("and then it is") {
        story.happen(JobsReady{kModel, head_of(2)});
        CHECK(story.was_claimed(2));
        CHECK_FALSE(would_claim());
        story.happen(ClaimRefused{RequestId{1002}, kTaken});
        story.happen(HeadFetched{kModel, {}});  // there may be others
        CHECK(would_claim());
    }
    SUBCASE("not while others are asked for") {
        story.happen(JobsReady{kModel});
        CHECK_FALSE(would_claim());
        story.happen(HeadFetched{kModel, {}});
        CHECK(would_claim());
    }
    SUBCASE("not while the model is paused") {
        story.happen(PauseAsked{kModel});
        CHECK_FALSE(would_claim());
    }
    SUBCASE("not while the store is in trouble") {
        story.happen(JobsReady{kModel});
        story.happen(FetchFailed{kModel, kBroken});
        CHECK_FALSE(would_claim());
    }
    SUBCASE("not at the end") {
        story.happen(ShutdownAsked{});
        CHECK_FALSE(would_claim());
    }
}

}  // namespace windlass::core::testing
