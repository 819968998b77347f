// Idle models leave their device and come back; every step of that, and a request at each of them.
#include <doctest/doctest.h>

#include <vector>

#include "core/engine_moves_testing.h"

namespace core = windlass::core;
using core::Bytes;
using core::EventCode;
using core::RequestId;
using core::Residency;
using core::WaitReason;
using windlass::base::Errc;
using windlass::core::testing::heavy;
using windlass::core::testing::kBoard;
using windlass::core::testing::kContext;
using windlass::core::testing::kFirst;
using windlass::core::testing::kHost;
using windlass::core::testing::kModel;
using windlass::core::testing::kSecond;
using windlass::core::testing::machine;
using windlass::core::testing::Moves;
using windlass::core::testing::Story;
using windlass::core::testing::trouble;
using namespace std::chrono_literals;
using namespace windlass::base;  // _MiB, _GiB

TEST_CASE("after offload_after the weights leave the device, and what the driver shows counts") {
    Moves story;
    story.pass(5min - 1ms, 6_GiB);
    CHECK(story.residency() == Residency::ready);
    story.wait(1ms);
    CHECK(story.is_asked(kHost));  // is there room for them?
    story.sample(kHost, 1_GiB);
    REQUIRE(story.find<core::Offload>() != nullptr);
    CHECK(story.residency() == Residency::offloading);
    CHECK(story.claimed(kHost) == 6_GiB);
    story.answer_all(6_GiB);
    story.happen(core::WorkerOffloaded{kFirst});
    CHECK(story.report(EventCode::model_offloaded) != nullptr);
    CHECK(story.claimed(kBoard) == 6_GiB);  // its word proves nothing
    REQUIRE(story.is_asked(kBoard));
    story.sample(kBoard, kContext, {{kFirst, kContext}});
    CHECK(story.claimed(kBoard) == kContext);
    CHECK(story.ledger(kBoard).free() == 10_GiB - kContext);
}

TEST_CASE("a worker shows what comes next by itself, and when") {
    Moves story;
    const auto next = [&] {
        return story.engine().workers().front().next.value_or(core::NextMove{});
    };
    const core::Instant idle_since = story.now();
    CHECK(next().step == core::NextStep::offload);
    CHECK(next().at == idle_since + 5min);
    story.go_idle();
    REQUIRE(story.residency() == Residency::offloading);
    CHECK(next().step == core::NextStep::limit);
    story.happen(core::WorkerOffloaded{kFirst});
    story.answer_all(core::testing::kContext);
    CHECK(next().step == core::NextStep::unload);
    CHECK(next().at == idle_since + 6min);
    story.call(2);
    story.happen(core::WorkerRestored{kFirst});
    story.begin(2);
    const core::WorkerView worker = story.engine().workers().front();
    CHECK_FALSE(worker.next.has_value());  // it is used
    REQUIRE(worker.running.size() == 1);
    CHECK(worker.running[0].started == story.now());
    CHECK(worker.running[0].limit > story.now());
}

TEST_CASE("an answer to a question from before the offload's end proves nothing") {
    Moves story;
    story.pass(5min - 1ms, 6_GiB);
    while (!story.is_asked(kBoard)) story.wait(100ms);
    if (story.is_asked(kHost)) story.sample(kHost, Bytes{});
    REQUIRE(story.residency() == Residency::offloading);
    story.happen(core::WorkerOffloaded{kFirst});
    story.sample(kBoard, kContext, {{kFirst, kContext}});
    CHECK(story.claimed(kBoard) == 6_GiB);
    REQUIRE(story.is_asked(kBoard));
    story.sample(kBoard, kContext, {{kFirst, kContext}});
    CHECK(story.claimed(kBoard) == kContext);
}

TEST_CASE("after unload_after the process goes, counted from the same moment") {
    Moves story;
    story.go_away();
    story.pass(1min - 1ms, kContext);
    CHECK(story.residency() == Residency::offloaded);
    story.wait(1ms);
    REQUIRE(story.find<core::Stop>() != nullptr);
    CHECK(story.claimed(kHost) == 6_GiB);  // its process lives
    story.happen(core::WorkerExited{kFirst, "exit status 0"});
    CHECK(story.residency() == Residency::cold);
    CHECK(story.claimed(kHost) == Bytes{});
    CHECK(story.claimed(kBoard) == kContext);  // the driver has not shown it gone
    story.pass(1s, Bytes{});
    CHECK(story.claimed(kBoard) == Bytes{});
}

TEST_CASE("a call for an offloaded model restores it, and its answer says how long that took") {
    Moves story;
    story.go_away();
    story.call(2);
    CHECK(story.residency() == Residency::restoring);
    REQUIRE(story.find<core::Restore>() != nullptr);
    CHECK(story.claimed(kBoard) == 6_GiB);  // in full, before it begins
    CHECK(story.find<core::Dispatch>() == nullptr);
    CHECK(story.reason(2) == WaitReason::restoring);
    story.wait(700ms);
    story.happen(core::WorkerRestored{kFirst});
    CHECK(story.report(EventCode::model_restored) != nullptr);
    CHECK(story.report(EventCode::model_ready) == nullptr);
    CHECK(story.find<core::Dispatch>()->request == RequestId{2});
    CHECK(story.claimed(kHost) == Bytes{});
    story.begin(2);
    story.answer(2);
    CHECK(story.response(2)->timings.load == 700ms);
    CHECK(story.engine().view(kModel).load_count == 1);  // nothing was loaded again
}

TEST_CASE("a call during an offload waits, is never sent, and brings the weights back at once") {
    Moves story;
    story.go_idle();
    REQUIRE(story.residency() == Residency::offloading);
    story.call(2);
    CHECK(story.find<core::Dispatch>() == nullptr);
    CHECK(story.reason(2) == WaitReason::offloading);
    story.happen(core::WorkerOffloaded{kFirst});
    CHECK(story.find<core::Dispatch>() == nullptr);
    CHECK(story.find<core::Restore>() != nullptr);
    story.happen(core::WorkerRestored{kFirst});
    CHECK(story.find<core::Dispatch>()->request == RequestId{2});
}

TEST_CASE("a call that comes while the host is being asked keeps the model where it is") {
    Moves story;
    story.pass(5min - 1ms, 6_GiB);
    story.wait(1ms);
    REQUIRE(story.is_asked(kHost));
    story.call(2);
    CHECK(story.find<core::Dispatch>() != nullptr);
    story.sample(kHost, Bytes{});
    CHECK(story.find<core::Offload>() == nullptr);
    story.begin(2);
    story.answer(2);
    story.pass(5min - 1ms, 6_GiB);
    CHECK(story.residency() == Residency::ready);  // the count began anew
}

TEST_CASE("nothing moves a model while a run or a windowed request uses it") {
    core::ModelSpec spec = heavy(6_GiB);
    spec.run_timeout = spec.stall_timeout = 1h;
    spec.prefetch = 1;
    Moves story{spec};
    story.call(2);
    story.begin(2);
    story.call(3);  // in the channel
    story.pass(30min, 6_GiB);
    CHECK(story.residency() == Residency::ready);
    story.answer(2);
    story.pass(30min, 6_GiB);
    CHECK(story.residency() == Residency::ready);
}

TEST_CASE("a worker without the hooks, and one on a CPU, are only unloaded") {
    for (const bool is_cpu : {false, true}) {
        CAPTURE(is_cpu);
        core::ModelSpec spec = heavy(6_GiB);
        spec.devices.is_cpu = is_cpu;
        Story story{{spec}, machine()};
        story.call(1);
        story.sample(is_cpu ? kHost : kBoard, Bytes{});
        story.happen(core::WorkerHello{kFirst, is_cpu});
        story.happen(core::WorkerLoaded{kFirst});
        story.begin(1);
        story.answer(1);
        story.wait(6min - 1ms);
        CHECK(story.residency() == Residency::ready);
        story.wait(1ms);
        CHECK(story.residency() == Residency::stopping);
    }
}

TEST_CASE("without room in the host's memory the model is unloaded instead") {
    Moves story{heavy(6_GiB), 4_GiB};
    story.pass(5min - 1ms, 6_GiB);
    story.wait(1ms);
    story.sample(kHost, Bytes{});
    CHECK(story.find<core::Stop>() != nullptr);
    CHECK(story.report(EventCode::model_offload_failed)->error.value_or(Error{}).code ==
          Errc::host_out_of_memory);
    CHECK(story.claimed(kHost) == Bytes{});
}

TEST_CASE("a failing offload is tried three times with back-off; then the process goes") {
    Moves story;
    story.go_idle();
    story.happen(core::OffloadFailed{kFirst, trouble()});
    CHECK(story.residency() == Residency::ready);
    CHECK(story.report(EventCode::model_offload_failed)->error == trouble());
    CHECK(story.report(EventCode::model_ready) == nullptr);  // it always was
    CHECK(story.claimed(kHost) == Bytes{});
    story.pass(1s - 1ms, 6_GiB);
    CHECK(story.residency() == Residency::ready);
    story.pass(1ms, 6_GiB);
    CHECK(story.residency() == Residency::offloading);
    story.happen(core::OffloadFailed{kFirst, trouble()});
    story.pass(2s, 6_GiB);
    CHECK(story.residency() == Residency::offloading);
    story.happen(core::OffloadFailed{kFirst, trouble()});
    story.wait(0s);
    CHECK(story.find<core::Offload>() == nullptr);
    CHECK(story.find<core::Stop>() != nullptr);
}

TEST_CASE("an offload that loses the context ends the worker, as a run that loses it does") {
    Moves story;
    story.go_idle();
    story.happen(core::OffloadFailed{kFirst, trouble(Errc::context_lost)});
    CHECK(story.report(EventCode::model_offload_failed) != nullptr);
    CHECK(story.report(EventCode::worker_poisoned) != nullptr);
    CHECK(story.find<core::Stop>() != nullptr);
    story.call(2);
    CHECK(story.find<core::Dispatch>() == nullptr);
    story.happen(core::WorkerExited{kFirst, "exit status 0"});
    CHECK(story.residency() == Residency::backoff);
    CHECK(story.claimed(kHost) == Bytes{});
}

TEST_CASE("a model serves between two tries of its offload") {
    Moves story;
    story.go_idle();
    story.happen(core::OffloadFailed{kFirst, trouble()});
    story.call(2);
    CHECK(story.find<core::Dispatch>()->request == RequestId{2});
}

TEST_CASE("an offload or restore beyond its limit ends the worker as a failure") {
    for (const bool is_restore : {false, true}) {
        CAPTURE(is_restore);
        Moves story;
        is_restore ? story.go_away() : story.go_idle();
        story.call(2);
        story.pass(60s - 1ms, is_restore ? kContext : 6_GiB);
        CHECK(story.find<core::Terminate>() == nullptr);
        story.wait(1ms);
        CHECK(story.find<core::Terminate>() != nullptr);
        const auto code =
            is_restore ? EventCode::model_restore_failed : EventCode::model_offload_failed;
        CHECK(story.report(code)->error.value_or(Error{}).code == Errc::timeout);
        CHECK(story.response(2) == nullptr);          // a new process serves it
        story.happen(core::WorkerOffloaded{kFirst});  // late answers change nothing
        story.happen(core::WorkerRestored{kFirst});
        CHECK(story.residency() == Residency::stopping);
        story.happen(core::WorkerExited{kFirst, "signal 15"});
        CHECK(story.residency() == Residency::backoff);
        CHECK(story.claimed(kHost) == Bytes{});
        story.pass(1s, Bytes{});
        CHECK(story.residency() == Residency::loading);
    }
}

TEST_CASE("after a failed restore a new process serves those who wait") {
    Moves story;
    story.go_away();
    story.call(2);
    story.happen(core::RestoreFailed{kFirst, trouble()});
    CHECK(story.report(EventCode::model_restore_failed) != nullptr);
    CHECK(story.find<core::Stop>() != nullptr);
    story.happen(core::WorkerExited{kFirst, "exit status 0"});
    story.sample(kBoard, Bytes{});
    CHECK(story.find<core::Launch>()->generation == kSecond);
    story.load(kSecond);
    CHECK(story.find<core::Dispatch>()->request == RequestId{2});
}

TEST_CASE("a restore that runs out of memory is tried again when the device was asked anew") {
    Moves story;
    story.go_away();
    story.call(2);
    for (int i = 0; i < 2; ++i) {
        story.happen(core::RestoreFailed{kFirst, trouble(Errc::out_of_memory)});
        CHECK(story.residency() == Residency::offloaded);
        CHECK(story.reason(2) == WaitReason::memory);
        REQUIRE(story.is_asked(kBoard));
        story.sample(kBoard, kContext, {{kFirst, kContext}});
        CHECK(story.residency() == Residency::restoring);
    }
    story.happen(core::RestoreFailed{kFirst, trouble(Errc::out_of_memory)});
    CHECK(story.residency() == Residency::stopping);
}

TEST_CASE("what an offload frees is there for others, and a restore waits for its bytes") {
    auto specs = std::vector{heavy(6_GiB), heavy(7_GiB, "other")};
    specs[0].is_pinned = true;  // it makes room for nobody, but rests when it is idle
    Moves story{specs};
    story.happen(core::CallArrived{RequestId{2}, core::ModelId{2}, 4, 1h, 1h});
    CHECK(story.engine().wait_reason(RequestId{2}) == WaitReason::memory);
    story.go_away();
    REQUIRE(story.find<core::Launch>() != nullptr);
    story.load(kSecond);
    story.call(3);
    CHECK(story.residency() == Residency::offloaded);
    CHECK(story.reason(3) == WaitReason::memory);
    CHECK(story.report(EventCode::model_memory_awaited)->bytes == 6_GiB);
    story.happen(core::WorkerExited{kSecond, "signal 9"});
    story.sample(kBoard, kContext, {{kFirst, kContext}});
    CHECK(story.residency() == Residency::restoring);
}

TEST_CASE("a worker that dies while it is away gives back both claims, by proof") {
    Moves story;
    story.go_away();
    story.happen(core::WorkerExited{kFirst, "signal 9"});
    CHECK(story.residency() == Residency::backoff);
    CHECK(story.report(EventCode::worker_lost) != nullptr);
    CHECK(story.claimed(kHost) == Bytes{});
    CHECK(story.claimed(kBoard) == kContext);
    story.sample(kBoard, Bytes{});
    CHECK(story.claimed(kBoard) == Bytes{});
}

TEST_CASE("an administrator unloads, restarts and stops a model at each step of its moves") {
    for (int step = 0; step < 3; ++step) {
        for (const bool is_restart : {false, true}) {
            CAPTURE(step);
            CAPTURE(is_restart);
            Moves story;
            step == 0 ? story.go_idle() : story.go_away();
            if (step == 2) story.call(2);
            if (is_restart) {
                story.happen(core::RestartAsked{RequestId{9}, kModel, 1min});
            } else {
                story.happen(core::UnloadAsked{RequestId{9}, kModel, 1min});
            }
            CHECK(story.find<core::Stop>() != nullptr);
            story.happen(core::WorkerOffloaded{kFirst});
            story.happen(core::WorkerRestored{kFirst});
            story.happen(core::WorkerExited{kFirst, "exit status 0"});
            CHECK((story.response(9) != nullptr) == !is_restart);
            story.answer_all({});
            CHECK((story.find<core::Launch>() != nullptr) == (is_restart || step == 2));
        }
    }
}

TEST_CASE("an administrator's offload waits until nobody uses the model") {
    Moves story;
    story.call(2);
    story.begin(2);
    story.happen(core::OffloadAsked{RequestId{9}, kModel, 1min});
    CHECK(story.find<core::Offload>() == nullptr);
    story.call(3);  // comes first
    story.answer(2);
    CHECK(story.find<core::Dispatch>()->request == RequestId{3});
    story.begin(3);
    story.answer(3);
    story.answer_all(6_GiB);
    CHECK(story.residency() == Residency::offloading);
    story.happen(core::WorkerOffloaded{kFirst});
    CHECK_FALSE(story.response(9)->error);
    story.happen(core::OffloadAsked{RequestId{10}, kModel, 1min});
    CHECK_FALSE(story.response(10)->error);  // it is there
    story.happen(core::LoadAsked{RequestId{11}, kModel, 1min});
    CHECK(story.residency() == Residency::restoring);
    story.happen(core::WorkerRestored{kFirst});
    CHECK_FALSE(story.response(11)->error);
}

TEST_CASE("an administrator's offload that cannot be says why") {
    Story plain{{heavy(6_GiB)}, machine()};
    plain.call(1);
    plain.sample(kBoard, Bytes{});
    plain.make_ready();
    plain.begin(1);
    plain.answer(1);
    plain.happen(core::OffloadAsked{RequestId{9}, kModel, 1min});
    CHECK(plain.was_refused(9, Errc::unsupported));
    CHECK(plain.error_of(9).message.find("has no `offload`") != std::string::npos);

    core::ModelSpec nobody_knows = heavy({});
    nobody_knows.need = {};
    Story untried{{nobody_knows}, machine()};
    untried.happen(core::LoadAsked{RequestId{8}, kModel, 1min});
    untried.sample(kBoard, Bytes{});
    untried.happen(core::WorkerHello{kFirst, true});
    untried.happen(core::WorkerLoaded{kFirst});
    untried.happen(core::OffloadAsked{RequestId{9}, kModel, 1min});
    CHECK(untried.was_refused(9, Errc::unsupported));
    CHECK(untried.error_of(9).message.find("has not run yet") != std::string::npos);

    Moves full{heavy(6_GiB), 4_GiB};
    full.happen(core::OffloadAsked{RequestId{9}, kModel, 1min});
    full.answer_all(6_GiB);
    CHECK(full.was_refused(9, Errc::host_out_of_memory));
    CHECK(full.residency() == Residency::ready);  // nobody asked to unload it

    Moves failing;
    failing.happen(core::OffloadAsked{RequestId{9}, kModel, 1min});
    failing.answer_all(6_GiB);
    failing.happen(core::OffloadFailed{kFirst, trouble()});
    CHECK(failing.error_of(9) == trouble());
}

TEST_CASE("zero is at once, never is never") {
    core::ModelSpec spec = heavy(6_GiB);
    spec.offload_after = 0s;
    spec.unload_after = {};
    Moves story{spec};
    story.answer_all(6_GiB);
    CHECK(story.residency() == Residency::offloading);
    story.happen(core::WorkerOffloaded{kFirst});
    story.pass(24h, kContext);
    CHECK(story.residency() == Residency::offloaded);

    spec.offload_after = {};
    Moves other{spec};
    other.pass(24h, 6_GiB);
    CHECK(other.residency() == Residency::ready);
}

TEST_CASE("an unload by force gives no grace, not even to a run") {
    Moves story;
    story.call(2);
    story.begin(2);
    story.happen(core::UnloadAsked{RequestId{9}, kModel, 1min, true});
    CHECK(story.find<core::Kill>() != nullptr);
    CHECK(story.response(9) == nullptr);
    story.happen(core::WorkerExited{kFirst, "signal 9"});
    CHECK(story.was_refused(2, Errc::worker_lost));
    CHECK_FALSE(story.response(9)->error);
    CHECK(story.residency() == Residency::cold);  // no fault of the model
}

TEST_CASE("a device that is lost takes the worker along wherever its weights lie") {
    Moves story;
    story.go_away();
    story.happen(core::DeviceLost{kBoard});
    CHECK(story.find<core::Terminate>() != nullptr);
    story.happen(core::WorkerExited{kFirst, "signal 15"});
    CHECK(story.residency() == Residency::cold);
    CHECK(story.claimed(kHost) == Bytes{});
}
