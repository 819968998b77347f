// Goal:   every attempt that was claimed is settled once: by its result or error, by a verdict that
//         was told first, or by the end of its worker; and never before that is proved.
// Method: one engine, told event by event.
#include <doctest/doctest.h>

#include "core/engine_jobs_testing.h"
#include "core/explanation.h"

namespace windlass::core::testing {
namespace {

using base::Errc;
using namespace std::chrono_literals;

base::Error said(Errc code) { return base::fail(code, "said by the model"); }

const ModelSpec kSpec{.stall_timeout = 1min};

bool is_about(Duration delay, Duration middle) {
    return delay >= middle * 8 / 10 && delay <= middle * 12 / 10;
}

}  // namespace

TEST_CASE("an error is tried again after a pause that doubles, up to its budget") {
    for (const std::uint32_t failures : {0u, 1u, 3u, 4u}) {
        JobStory story;
        JobHead head = head_of(1);
        head.failures = failures;
        story.run_first(head);
        story.happen(RunFailed{kFirst, RequestId{1001}, said(Errc::internal)});
        const SettleJob& settled = story.settled();
        CHECK(settled.charge == JobCharge::failure);
        CHECK(settled.error->code == Errc::internal);
        CHECK((settled.end == JobEnd::dead) == (failures == 4));
        if (failures == 4) CHECK(settled.reason == DeadReason::attempts);
        if (failures < 4) CHECK(is_about(settled.delay, 2s * (1 << failures)));
    }
}

TEST_CASE("the pause is drawn from job and attempt, and never longer than its limit") {
    const ModelSpec spec;
    Job job{.head = head_of(1), .attempt = 1};
    const Duration first = retry_delay(spec, job, 1);
    CHECK(retry_delay(spec, job, 1) == first);
    bool varies = false;
    for (job.attempt = 2; job.attempt < 100; ++job.attempt) {
        varies = varies || retry_delay(spec, job, 1) != first;
        CHECK(is_about(retry_delay(spec, job, 1), 2s));
        CHECK(retry_delay(spec, job, 1'000) <= 5min);
    }
    CHECK(varies);
}

TEST_CASE("a worker that held too much of the machine's memory is a failure by that type") {
    JobStory story;
    story.run_first(head_of(1));
    story.happen(WorkerExited{kFirst, "signal 9", said(Errc::host_out_of_memory)});
    CHECK(story.settled().end == JobEnd::retried);
    CHECK(story.settled().charge == JobCharge::failure);
    CHECK(story.settled().error->code == Errc::host_out_of_memory);
    REQUIRE(story.report(EventCode::worker_lost) != nullptr);
    CHECK(story.report(EventCode::worker_lost)->error->code == Errc::host_out_of_memory);
}

TEST_CASE("what no further attempt can mend is not tried again") {
    for (const Errc code : {Errc::invalid_input, Errc::unsupported}) {
        JobStory story;
        story.run_first(head_of(1));
        story.happen(RunFailed{kFirst, RequestId{1001}, said(code)});
        CHECK(story.settled().end == JobEnd::dead);
        CHECK(story.settled().reason == DeadReason::rejected);
    }
}

TEST_CASE("a job that stalls is told to the store first, and settled once its process is gone") {
    JobStory story{kSpec};
    story.run_first(head_of(1));
    story.wait(59s);
    story.happen(RunProgressed{kFirst, RequestId{1001}});
    story.wait(59s);
    CHECK(story.find<StopJob>() == nullptr);  // progress begins the count anew
    story.wait(1s);
    REQUIRE(story.find<StopJob>() != nullptr);
    CHECK(story.find<StopJob>()->cause == JobStopCause::stalled);
    CHECK(story.find<SettleJob>() == nullptr);
    story.answer(1001);  // too late
    CHECK(story.find<SettleJob>() == nullptr);
    CHECK(story.report(EventCode::result_dropped) != nullptr);
    story.exit();
    CHECK(story.settled().end == JobEnd::retried);
    CHECK(story.settled().charge == JobCharge::crash);
    CHECK(story.settled().error->code == Errc::stalled);
    CHECK(is_about(story.settled().delay, 2s));
}

TEST_CASE("how long a run took is told where the worker ended it, and of no other") {
    JobStory answered{kSpec};
    answered.run_first(head_of(1));
    answered.wait(3s);
    answered.answer(1001);
    REQUIRE(answered.settled().timings);
    CHECK(answered.settled().timings->run == 3s);
    JobStory failed{kSpec};
    failed.run_first(head_of(1));
    failed.wait(2s);
    failed.happen(RunFailed{kFirst, RequestId{1001}, said(Errc::internal)});
    REQUIRE(failed.settled().timings);
    CHECK(failed.settled().timings->run == 2s);
    JobStory crashed{kSpec};
    crashed.run_first(head_of(1));
    crashed.wait(2s);
    crashed.exit();
    CHECK(crashed.settled().end == JobEnd::retried);
    CHECK_FALSE(crashed.settled().timings);
}

TEST_CASE("a job's own limits count before those of its model") {
    JobStory story{kSpec};
    JobHead head = head_of(1);
    head.run_timeout = 10s;
    head.crashes = 2;
    story.run_first(head);
    story.wait(10s);
    REQUIRE(story.find<StopJob>() != nullptr);
    CHECK(story.find<StopJob>()->cause == JobStopCause::timeout);
    story.exit();
    CHECK(story.settled().end == JobEnd::dead);
    CHECK(story.settled().reason == DeadReason::crash_budget);
}

TEST_CASE("a process that outlives SIGKILL keeps its job from being tried again") {
    JobStory story{kSpec};
    story.run_first(head_of(1));
    story.wait(2min);
    CHECK(story.report(EventCode::worker_unkillable) != nullptr);
    CHECK(story.find<SettleJob>() == nullptr);
    story.wait(1h);
    CHECK(story.find<SettleJob>() == nullptr);
    CHECK(story.engine().explain(RequestId{1001})->generation == kFirst);
    story.exit();
    CHECK(story.settled().end == JobEnd::retried);
}

TEST_CASE("the death of a worker is charged to all that had begun, and to nobody else") {
    ModelSpec spec = kSpec;
    spec.concurrency = 2;
    JobStory story{spec};
    story.tell_heads({head_of(1, 1), head_of(2, 2)});
    story.make_ready();
    story.begin_job(1);
    story.claim(2);
    story.exit();
    std::size_t charged = 0;
    const SettleJob* first = story.find<SettleJob>();
    REQUIRE(first != nullptr);
    CHECK(first->job == JobId{1});
    charged += first->charge == JobCharge::crash ? 1 : 0;
    CHECK(charged == 1);
    story.settle(1, kFirstAttempt);
    story.settle(2, kFirstAttempt + 1);
    CHECK(story.find<FetchHead>() != nullptr);  // the other one is ready again
}

TEST_CASE("what another's verdict takes along is not charged") {
    ModelSpec spec = kSpec;
    spec.concurrency = 2;
    JobStory story{spec};
    story.tell_heads({head_of(1, 1), head_of(2, 2)});
    story.make_ready();
    story.begin_job(1);
    story.wait(30s);
    story.begin_job(2);
    story.wait(30s);
    REQUIRE(story.find<StopJob>() != nullptr);
    CHECK(story.find<StopJob>()->job == JobId{1});
    story.exit();
    story.settle(2, kFirstAttempt + 1);
    CHECK(story.find<FetchHead>() != nullptr);
}

TEST_CASE("a lost context takes the worker along before its job is tried again") {
    JobStory story;
    story.run_first(head_of(1));
    story.happen(RunFailed{kFirst, RequestId{1001}, said(Errc::context_lost)});
    CHECK(story.find<SettleJob>() == nullptr);
    story.exit();
    CHECK(story.settled().charge == JobCharge::crash);
    CHECK(story.settled().error->code == Errc::context_lost);
}

TEST_CASE("a user cancels: what waits, what is claimed, what runs and what does not listen") {
    JobStory waiting;
    waiting.tell_heads({head_of(1)});
    waiting.happen(JobCancelAsked{JobId{1}});
    CHECK_FALSE(waiting.engine().find_job(JobId{1}));
    CHECK(waiting.find<SettleJob>() == nullptr);

    JobStory claiming;
    claiming.tell_heads({head_of(1)});
    claiming.make_ready();
    claiming.happen(JobCancelAsked{JobId{1}});
    claiming.claim(1);
    CHECK(claiming.settled().end == JobEnd::cancelled);

    JobStory running;
    running.run_first(head_of(1));
    running.happen(JobCancelAsked{JobId{1}});
    CHECK(running.find<StopJob>()->cause == JobStopCause::cancel);
    CHECK(running.find<Cancel>() != nullptr);
    running.answer(1001);  // a result does not undo it
    CHECK(running.settled().end == JobEnd::cancelled);
    CHECK(running.residency() == Residency::ready);

    JobStory deaf;
    deaf.run_first(head_of(1));
    deaf.happen(JobCancelAsked{JobId{1}});
    deaf.wait(2s);
    CHECK(deaf.find<Terminate>() != nullptr);
    deaf.exit();
    CHECK(deaf.settled().end == JobEnd::cancelled);
    CHECK(deaf.residency() != Residency::backoff);
}

TEST_CASE("one that does not listen is ended only once nobody else uses its worker") {
    ModelSpec spec = kSpec;
    spec.concurrency = 2;
    JobStory story{spec};
    story.run_first(head_of(1));
    story.call(1);
    story.begin(1);
    story.happen(JobCancelAsked{JobId{1}});
    story.wait(10s);
    CHECK(story.find<Terminate>() == nullptr);
    story.answer(1);
    CHECK(story.find<Terminate>() != nullptr);
}

TEST_CASE("a job's time is over while it waits, and while it runs") {
    JobStory story;
    JobHead head = head_of(1);
    head.deadline = 1min;
    story.run_first(head);
    CHECK(story.engine().explain(RequestId{1001})->deadline == story.now() + 1min);
    JobHead late = head_of(2);
    late.deadline = 30s;
    story.tell_heads({late});
    story.wait(30s);
    CHECK_FALSE(story.engine().find_job(JobId{2}));
    story.wait(30s);
    CHECK(story.find<StopJob>()->cause == JobStopCause::deadline);
    story.happen(RunFailed{kFirst, RequestId{1001}, said(Errc::cancelled)});
    CHECK(story.settled().end == JobEnd::dead);
    CHECK(story.settled().reason == DeadReason::deadline);
}

TEST_CASE("a shutdown charges nobody, and settles nothing twice") {
    JobStory story;
    story.tell_heads({head_of(1, 1), head_of(2, 2)});
    story.make_ready();
    story.begin_job(1);
    story.happen(ShutdownAsked{5s});
    CHECK_FALSE(story.engine().find_job(JobId{2}));
    story.wait(3s);
    CHECK(story.find<Cancel>() != nullptr);
    story.happen(RunFailed{kFirst, RequestId{1001}, said(Errc::cancelled)});
    CHECK(story.settled().end == JobEnd::returned);
    CHECK(story.settled().charge == JobCharge::none);
    story.exit();
    CHECK(story.find<SettleJob>() == nullptr);
    CHECK(story.engine().is_finished());
}

TEST_CASE("a shutdown that has to kill charges nobody either; what ends in time counts") {
    JobStory killed;
    killed.run_first(head_of(1));
    killed.happen(ShutdownForced{});
    killed.exit();
    CHECK(killed.settled().end == JobEnd::returned);

    JobStory done;
    done.run_first(head_of(1));
    done.happen(ShutdownAsked{5s});
    done.answer(1001);
    CHECK(done.settled().end == JobEnd::succeeded);

    JobStory asked;
    asked.tell_heads({head_of(1)});
    asked.make_ready();
    asked.happen(ShutdownAsked{5s});
    asked.claim(1);
    CHECK(asked.settled().end == JobEnd::returned);
}

TEST_CASE("deaths by one and the same job do not open the breaker") {
    for (const bool has_calls : {false, true}) {
        Breaker breaker;
        const BreakerSettings settings{.deaths = 3};
        const Instant now{1h};
        CHECK_FALSE(breaker.on_death(settings, {now, JobId{1}}));
        CHECK_FALSE(breaker.on_death(settings, {now, has_calls ? JobId{} : JobId{1}}));
        CHECK(breaker.on_death(settings, {now, JobId{1}}) == has_calls);
        CHECK(breaker.on_death(settings, {now, JobId{2}}));
    }
}

}  // namespace windlass::core::testing
