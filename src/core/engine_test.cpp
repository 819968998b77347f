// The engine's laws, one at a time, as short stories. The simulation and the exploration in tests/
// ask the same of every order of events.
#include "core/engine.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <initializer_list>

#include "core/engine_testing.h"

namespace core = windlass::core;
using core::Generation;
using core::RequestId;
using windlass::base::Errc;
using windlass::base::Instant;
using windlass::core::testing::kFirst;
using windlass::core::testing::kModel;
using windlass::core::testing::Story;
using namespace std::chrono_literals;

TEST_CASE("the first call launches the model, and nothing else does") {
    Story story;
    story.wait(24h);
    CHECK(story.engine().view(kModel).load_count == 0);
    story.call(1);
    CHECK(story.find<core::Launch>()->generation == kFirst);
    CHECK(story.engine().wait_reason(RequestId{1}) == core::WaitReason::starting);
    story.happen(core::WorkerHello{kFirst});
    CHECK(story.find<core::Load>() != nullptr);
    CHECK(story.engine().wait_reason(RequestId{1}) == core::WaitReason::loading);
    story.happen(core::WorkerLoaded{kFirst});
    CHECK(story.find<core::Dispatch>()->request == RequestId{1});
    story.begin(1);
    CHECK_FALSE(story.engine().wait_reason(RequestId{1}).has_value());
    story.answer(1);
    CHECK_FALSE(story.response(1)->error.has_value());
    CHECK(story.residency() == core::Residency::ready);
}

TEST_CASE("priority 0 goes before 9, and equals in the order of their arrival") {
    Story story{{.prefetch = 0}};
    story.call(1);
    story.call(2, 1h, 9);
    story.call(3, 1h, 0);
    story.call(4, 1h, 0);
    story.make_ready();
    for (const std::uint64_t id : {3U, 4U, 1U, 2U}) {
        CHECK(story.find<core::Dispatch>()->request == RequestId{id});
        story.begin(id);
        story.answer(id);
    }
}

TEST_CASE("the oldest of those who wait is the one that came first, whatever its priority") {
    Story story{{.prefetch = 0}};
    const auto oldest = [&] { return story.engine().view(kModel).oldest; };
    CHECK_FALSE(oldest().has_value());
    const core::Instant first = story.now();
    story.call(1, 1h, 9);
    story.wait(1s);
    story.call(2, 1h, 0);
    story.call(3, 1h, 0);
    CHECK(oldest() == first);
    story.make_ready();  // 2 is sent, and has not begun
    CHECK(oldest() == first);
    story.begin(2);
    story.happen(core::ClientGone{RequestId{1}});
    CHECK(oldest() == first + 1s);
    story.answer(2);
    story.begin(3);
    CHECK_FALSE(oldest().has_value());
}

TEST_CASE("no more runs are sent than concurrency and window allow") {
    Story story{{.concurrency = 2, .prefetch = 1}};
    for (std::uint64_t id = 1; id <= 4; ++id) story.call(id);
    story.make_ready();
    CHECK(story.engine().wait_reason(RequestId{4}) == core::WaitReason::busy);
    story.answer(1);
    CHECK(story.find<core::Dispatch>()->request == RequestId{4});
}

TEST_CASE("a full queue refuses") {
    Story story{{.queue_limit = 2}};
    story.call(1);
    story.call(2);
    story.call(3);
    CHECK(story.was_refused(3, Errc::queue_full));
    CHECK(story.response(3)->error->retry_after.has_value());
}

TEST_CASE("a client's deadline ends its own request and not the worker") {
    Story story;
    story.call(1, 10s);
    story.make_ready();
    story.begin(1);
    story.wait(10s);
    CHECK(story.was_refused(1, Errc::timeout));
    CHECK(story.find<core::Cancel>() != nullptr);
    CHECK(story.residency() == core::Residency::ready);
    story.answer(1);  // late
    CHECK(story.find<core::Respond>() == nullptr);
    CHECK(story.find<core::Report>()->code == core::EventCode::result_dropped);
}

TEST_CASE("a client that goes away before its run began is never run") {
    Story story{{.prefetch = 1}};
    story.call(1);
    story.make_ready();
    story.begin(1);
    story.call(2);
    story.happen(core::ClientGone{RequestId{2}});
    CHECK(story.find<core::Recall>()->request == RequestId{2});
    CHECK(story.was_refused(2, Errc::cancelled));
    story.happen(core::RunRecalled{kFirst, RequestId{2}, true});
    story.answer(1);
    CHECK(story.find<core::Dispatch>() == nullptr);
}

TEST_CASE("run_timeout ends the worker; who had not begun is dispatched again") {
    Story story{{.run_timeout = 5s, .prefetch = 1}};
    story.call(1);
    story.call(2);
    story.make_ready();
    story.begin(1);
    story.wait(5s);
    CHECK(story.was_refused(1, Errc::timeout));
    CHECK(story.find<core::Cancel>()->request == RequestId{1});
    CHECK(story.find<core::Recall>()->request == RequestId{2});
    story.wait(2s);
    CHECK(story.find<core::Terminate>() != nullptr);
    story.wait(10s);
    CHECK(story.find<core::Kill>() != nullptr);
    story.happen(core::WorkerExited{kFirst, "signal 9"});
    CHECK(story.response(2) == nullptr);
    story.wait(1s);  // the back-off
    CHECK(story.find<core::Launch>()->generation == Generation{2});
    story.make_ready(Generation{2});
    CHECK(story.find<core::Dispatch>()->request == RequestId{2});
}

TEST_CASE("who is taken along by an end of our making is told why, not by which signal") {
    Story story;
    story.call(1);
    story.make_ready();
    story.begin(1);
    story.happen(core::ChannelLost{
        kFirst, windlass::base::fail(Errc::worker_lost,
                                     "worker 7 of model m broke the protocol: garbage")});
    CHECK(story.response(1) == nullptr);  // it may have got its answer before, and lives as yet
    story.happen(core::WorkerExited{kFirst, "was killed by signal 15 (SIGTERM)"});
    REQUIRE(story.was_refused(1, Errc::worker_lost));
    CHECK(story.response(1)->error->message.contains("broke the protocol: garbage"));
    CHECK_FALSE(story.response(1)->error->message.contains("SIGTERM"));
}

TEST_CASE("a run that poisoned its worker is told of once, and the worker is stopped") {
    Story story{{.concurrency = 2}};
    story.call(1);
    story.call(2);
    story.make_ready();
    story.begin(1);
    story.begin(2);
    const auto lost = windlass::base::fail(Errc::context_lost, "illegal address");
    story.happen(core::RunFailed{kFirst, RequestId{1}, lost});
    CHECK(story.was_refused(1, Errc::context_lost));
    REQUIRE(story.report(core::EventCode::worker_poisoned) != nullptr);
    CHECK(story.report(core::EventCode::worker_poisoned)->request == RequestId{1});
    CHECK(story.find<core::Stop>() != nullptr);
    story.happen(core::RunFailed{kFirst, RequestId{2}, lost});
    CHECK(story.report(core::EventCode::worker_poisoned) == nullptr);
}

TEST_CASE("progress holds the stall limit off, silence does not") {
    Story story{{.run_timeout = 1h, .stall_timeout = 10s}};
    story.call(1);
    story.make_ready();
    story.begin(1);
    for (int beat = 0; beat < 10; ++beat) {
        story.wait(9s);
        CHECK(story.find<core::Respond>() == nullptr);
        story.happen(core::RunProgressed{kFirst, RequestId{1}});
    }
    story.wait(10s);
    CHECK(story.was_refused(1, Errc::stalled));
}

TEST_CASE("a late loop is nobody's silence") {
    Story story{{.run_timeout = 1h, .stall_timeout = 10s}};
    story.call(1);
    story.make_ready();
    story.begin(1);
    story.be_late(5s);
    story.happen(core::LoopDelayed{5s});
    story.wait(9s);
    CHECK(story.find<core::Respond>() == nullptr);
    story.wait(1s);
    CHECK(story.was_refused(1, Errc::stalled));
}

TEST_CASE("who is heard of in a late turn of the loop has no longer to be silent for that") {
    Story story{{.run_timeout = 10h, .stall_timeout = 10s}};
    story.call(1);
    story.make_ready();
    story.begin(1);
    story.be_late(1min);  // the machine was stopped; what was sent meanwhile is read first
    story.happen(core::RunProgressed{kFirst, RequestId{1}});
    story.happen(core::LoopDelayed{1min});
    story.wait(9s);
    CHECK(story.find<core::Respond>() == nullptr);
    story.wait(1s);
    CHECK(story.was_refused(1, Errc::stalled));
}

TEST_CASE("who was sent a run just before the loop stood still has its time to begin it") {
    Story story{{.stall_timeout = 10s}};
    story.call(1);
    story.make_ready();
    story.begin(1);
    story.answer(1);
    story.wait(1min);  // with a place that is free
    story.call(2);
    story.be_late(5s);
    story.happen(core::LoopDelayed{5s});
    story.wait(9s);
    CHECK_FALSE(story.was_refused(2, Errc::stalled));
    story.wait(1s);
    CHECK(story.was_refused(2, Errc::stalled));
}

TEST_CASE("who was sent a run in a late turn of the loop has no longer to begin it for that") {
    Story story{{.stall_timeout = 10s}};
    story.call(1);
    story.be_late(1min);
    story.make_ready();
    story.happen(core::LoopDelayed{1min});
    story.wait(10s);
    CHECK(story.was_refused(1, Errc::stalled));
}

TEST_CASE("a crash loses what had begun, or runs it once more when the model is idempotent") {
    for (const bool is_idempotent : {false, true}) {
        CAPTURE(is_idempotent);
        Story story{{.idempotent = is_idempotent}};
        story.call(1);
        story.make_ready();
        story.begin(1);
        story.happen(core::WorkerExited{kFirst, "signal 11"});
        CHECK(story.was_refused(1, Errc::worker_lost) == !is_idempotent);
        if (!is_idempotent) continue;
        story.wait(1s);
        story.make_ready(Generation{2});
        story.begin(1, Generation{2});
        story.happen(core::WorkerExited{Generation{2}, "signal 11"});
        CHECK(story.was_refused(1, Errc::worker_lost));  // once more, not for ever
    }
}

TEST_CASE(
    "a failed load answers who waited for it, then the model pauses, twice as long each time") {
    Story story;
    std::uint64_t id = 0;
    for (const auto pause : {1s, 2s, 4s}) {
        story.call(++id);
        const Generation generation{id};
        CHECK(story.find<core::Launch>()->generation == generation);
        story.happen(core::WorkerHello{generation});
        story.happen(
            core::LoadFailed{generation, windlass::base::fail(Errc::out_of_memory, "full")});
        CHECK(story.was_refused(id, Errc::out_of_memory));
        story.happen(core::WorkerExited{generation, "exit status 1"});
        CHECK(story.residency() == core::Residency::backoff);
        story.call(100 + id, pause / 2);  // cannot wait that long
        CHECK(story.was_refused(100 + id, Errc::unavailable));
        CHECK(story.response(100 + id)->error->reason == "backoff");
        CHECK(story.response(100 + id)->error->retry_after == pause);
        story.wait(pause);
        CHECK(story.residency() == core::Residency::cold);
    }
}

TEST_CASE("an idle model goes after unload_after, and at once when that is 0") {
    for (const core::Duration after : {core::Duration{30s}, core::Duration{0s}}) {
        Story story{{.unload_after = after}};
        story.call(1);
        story.make_ready();
        story.begin(1);
        story.wait(60s);  // in use: not idle
        CHECK(story.find<core::Stop>() == nullptr);
        story.answer(1);
        CHECK((story.find<core::Stop>() != nullptr) == (after == 0s));
        story.wait(after);
        CHECK(story.residency() == core::Residency::stopping);
        story.happen(core::WorkerExited{kFirst, "exit status 0"});
        CHECK(story.residency() == core::Residency::cold);
    }
}

TEST_CASE("an administrator's load and unload are answered when it is so") {
    Story story;
    story.happen(core::LoadAsked{RequestId{1}, kModel, 1h});
    CHECK(story.response(1) == nullptr);
    story.make_ready();
    CHECK_FALSE(story.response(1)->error.has_value());
    story.call(2);
    story.begin(2);
    story.happen(core::UnloadAsked{RequestId{3}, kModel, 1h});
    CHECK(story.residency() == core::Residency::draining);
    CHECK(story.find<core::Stop>() == nullptr);  // a run uses it
    story.answer(2);
    CHECK(story.find<core::Stop>() != nullptr);
    story.happen(core::WorkerExited{kFirst, "exit status 0"});
    CHECK_FALSE(story.response(3)->error.has_value());
}

TEST_CASE("a process that survives SIGKILL is set aside, and the model goes on without it") {
    Story story{{.run_timeout = 5s}};
    story.call(1);
    story.make_ready();
    story.begin(1);
    story.wait(5s + 2s + 10s + 5s);  // run, cancel, SIGTERM, SIGKILL
    CHECK(story.residency() == core::Residency::backoff);
    story.call(2);
    story.wait(1s);
    CHECK(story.find<core::Launch>()->generation == Generation{2});
    story.happen(core::WorkerExited{kFirst, "signal 9"});  // at last
    CHECK(story.residency() == core::Residency::loading);
}

TEST_CASE("a shutdown refuses what waits, lets runs finish, and ends them at the grace") {
    Story story{{.prefetch = 0}};
    story.call(1);
    story.make_ready();
    story.begin(1);
    story.call(2);
    story.happen(core::ShutdownAsked{10s});
    CHECK(story.was_refused(2, Errc::unavailable));
    CHECK(story.find<core::Stop>() == nullptr);
    story.call(3);
    CHECK(story.was_refused(3, Errc::unavailable));
    story.wait(9s);
    CHECK(story.find<core::Cancel>() != nullptr);
    CHECK(story.find<core::Terminate>() != nullptr);
    story.wait(1s);
    CHECK(story.find<core::Kill>() != nullptr);
    story.happen(core::WorkerExited{kFirst, "signal 9"});
    CHECK(story.was_refused(1, Errc::unavailable));
    CHECK(story.engine().is_finished());
}

TEST_CASE("an engine is a value: copies are equal, hash alike, and part ways") {
    Story story;
    story.call(1);
    core::Engine copy = story.engine();
    CHECK(copy == story.engine());
    CHECK(copy.hash() == story.engine().hash());
    core::Commands commands;
    copy.handle(core::WorkerHello{kFirst}, Instant{1h}, commands);
    CHECK_FALSE(copy == story.engine());
    CHECK(copy.hash() != story.engine().hash());
}
