// Why somebody waits, and until when: for each reason what is told of it.
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "base/assert.h"
#include "core/engine_moves_testing.h"
#include "core/engine_sharing_testing.h"
#include "core/explanation.h"

namespace core = windlass::core;
using core::Change;
using core::Doing;
using core::Explanation;
using core::Generation;
using core::Holder;
using core::ModelId;
using core::NeedSource;
using core::RequestId;
using core::Step;
using core::WaitReason;
using windlass::core::testing::kContext;
using windlass::core::testing::kFirst;
using windlass::core::testing::kGpu;
using windlass::core::testing::kModel;
using windlass::core::testing::Moves;
using windlass::core::testing::needing;
using windlass::core::testing::Shared;
using windlass::core::testing::Story;
using windlass::core::testing::trouble;
using namespace std::chrono_literals;
using namespace windlass::base;  // _MiB, _GiB

namespace {

template <class T>
const T& get(const std::optional<T>& optional) {
    const T* value = optional ? &*optional : nullptr;
    WL_ASSERT(value != nullptr);
    return *value;
}

Explanation explain(Story& story, std::uint64_t request) {
    return get(story.engine().explain(RequestId{request}));
}

const Holder* find(const std::vector<Holder>& holders, Generation generation) {
    const auto found = std::ranges::find(holders, generation, &Holder::generation);
    return found == holders.end() ? nullptr : &*found;
}

}  // namespace

TEST_CASE("who has his answer, or never asked, is not explained") {
    Story story;
    CHECK_FALSE(story.engine().explain(RequestId{1}));
    story.call(1);
    story.make_ready();
    story.begin(1);
    story.answer(1);
    CHECK_FALSE(story.engine().explain(RequestId{1}));
}

TEST_CASE("a wait for a start or a load ends at its limit at the latest") {
    Story story;
    story.call(1, 10min);
    Explanation told = explain(story, 1);
    CHECK(told.reason == WaitReason::starting);
    CHECK(told.next == Change{story.now() + 60s, Step::start_timeout, kFirst});
    CHECK(told.deadline == story.now() + 10min);
    story.wait(3s);
    story.happen(core::WorkerHello{kFirst});
    told = explain(story, 1);
    CHECK(told.reason == WaitReason::loading);
    CHECK(told.next == Change{story.now() + 10min, Step::load_timeout, kFirst});
    REQUIRE(told.processes.size() == 1);
    CHECK(told.processes[0].doing == Doing::loading);
    CHECK(told.processes[0].since == story.now() - 3s);
}

TEST_CASE("a busy model: who runs, since when, until when at most, and how many come before") {
    Story story{core::ModelSpec{.run_timeout = 5min, .stall_timeout = 1min, .prefetch = 0}};
    story.call(1);
    story.make_ready();
    story.begin(1);
    story.call(2);
    story.call(3);
    story.call(4, 1h, 0);  // before them
    Explanation told = explain(story, 3);
    CHECK(told.reason == WaitReason::busy);
    CHECK(told.ahead == 2);
    CHECK(told.wait_count == 3);
    CHECK(explain(story, 4).ahead == 0);
    REQUIRE(told.processes.size() == 1);
    CHECK(told.processes[0].runs == std::vector{RequestId{1}});
    CHECK(told.processes[0].since == story.now());
    CHECK(told.next == Change{story.now() + 1min, Step::stall_timeout, kFirst, RequestId{1}});
    story.wait(40s);
    story.happen(core::RunProgressed{kFirst, RequestId{1}});
    CHECK(get(explain(story, 3).next).at == story.now() + 1min);
    const Explanation run = explain(story, 1);
    CHECK_FALSE(run.reason);
    CHECK(run.generation == kFirst);
    CHECK(run.started == story.now() - 40s);
    CHECK(run.last_progress == story.now());
    CHECK(get(run.next).request == RequestId{1});
}

TEST_CASE("what was only sent ahead is not said to run") {
    Story story{core::ModelSpec{.prefetch = 1}};
    story.call(1);
    story.make_ready();
    story.begin(1);
    story.call(2);
    const Explanation told = explain(story, 2);
    REQUIRE(told.processes.size() == 1);
    CHECK(told.processes[0].runs == std::vector{RequestId{1}});
    CHECK(told.processes[0].sent_ahead == std::vector{RequestId{2}});
}

TEST_CASE("a run limit is told apart from silence") {
    Story story{core::ModelSpec{.run_timeout = 1min, .stall_timeout = 15min, .prefetch = 0}};
    story.call(1);
    story.make_ready();
    story.begin(1);
    CHECK(explain(story, 1).next ==
          Change{story.now() + 1min, Step::run_timeout, kFirst, RequestId{1}});
}

TEST_CASE("a pause has no end by itself, and says who comes before") {
    Story story;
    story.happen(core::PauseAsked{kModel});
    story.call(1);
    story.call(2);
    const Explanation told = explain(story, 2);
    CHECK(told.reason == WaitReason::paused);
    CHECK_FALSE(told.next);
    CHECK(told.ahead == 1);
    CHECK(story.engine().explain(kModel).reason == WaitReason::paused);
}

TEST_CASE("after a failure: when the next try comes, and the error behind it") {
    Story story{core::ModelSpec{.backoff = 8s}};
    story.call(1);
    story.happen(core::WorkerExited{kFirst, "exit status 1"});
    story.call(2);
    const Explanation told = explain(story, 2);
    CHECK(told.reason == WaitReason::backoff);
    CHECK(told.next == Change{story.now() + 8s, Step::next_try});
    REQUIRE(told.error.has_value());
    const core::ModelExplanation model = story.engine().explain(kModel);
    CHECK(model.reason == WaitReason::backoff);
    CHECK(model.failure_count == 1);
    CHECK(model.waits == std::vector{std::pair{WaitReason::backoff, std::size_t{1}}});
    CHECK(model.first == RequestId{2});
}

TEST_CASE("a transient error's own pause") {
    Story story{core::ModelSpec{.idempotent = true, .backoff = 2s, .prefetch = 0}};
    story.call(1);
    story.make_ready();
    story.begin(1);
    story.happen(core::RunFailed{kFirst, RequestId{1}, trouble(Errc::transient)});
    const Explanation told = explain(story, 1);
    CHECK(told.reason == WaitReason::retrying);
    CHECK(told.failed_tries == 1);
    CHECK(told.next == Change{story.now() + 2s, Step::next_try, {}, RequestId{1}});
}

TEST_CASE("the steps of an end: what comes next, and when") {
    Story story;
    story.call(1);
    story.make_ready();
    story.begin(1);
    story.answer(1);
    story.happen(core::UnloadAsked{RequestId{2}, kModel, 10min});
    story.call(3);
    CHECK(explain(story, 2).asked == core::Asked::unload);
    CHECK(explain(story, 2).reason == WaitReason::stopping);
    const auto next = [&] { return explain(story, 3).processes.at(0).until; };
    CHECK(next() == Change{story.now() + 10s, Step::terminate, kFirst});
    CHECK(explain(story, 2).next == next());
    story.wait(10s);
    CHECK(next() == Change{story.now() + 10s, Step::kill, kFirst});
    story.wait(10s);
    CHECK(next() == Change{story.now() + 5s, Step::give_up, kFirst});
    story.wait(5s);
    CHECK(story.engine().explain(kModel).unkillable_count == 1);
}

TEST_CASE("what must go finishes what it holds") {
    Story story{core::ModelSpec{.run_timeout = 5min, .prefetch = 0}};
    story.call(1);
    story.make_ready();
    story.begin(1);
    story.happen(core::RestartAsked{RequestId{2}, kModel, 10min});
    story.call(3);
    const Explanation told = explain(story, 3);
    CHECK(told.reason == WaitReason::draining);
    CHECK(told.next == Change{story.now() + 5min, Step::run_timeout, kFirst, RequestId{1}});
    CHECK(explain(story, 2).reason == WaitReason::draining);
}

TEST_CASE("weights that move, and weights that are away") {
    Moves moves;
    moves.go_idle();
    moves.call(2);
    Explanation told = explain(moves, 2);
    CHECK(told.reason == WaitReason::offloading);
    CHECK(told.next == Change{moves.now() + 60s, Step::offload_timeout, kFirst});
    moves.happen(core::WorkerOffloaded{kFirst});
    moves.answer_all(kContext);
    told = explain(moves, 2);
    CHECK(told.reason == WaitReason::restoring);
    CHECK(told.next == Change{moves.now() + 60s, Step::restore_timeout, kFirst});
}

TEST_CASE("a wait for memory: what is missing, who has it, and who will make room when") {
    auto specs =
        std::vector{needing(3_GiB, "small"), needing(2_GiB, "pinned"), needing(8_GiB, "big")};
    specs[1].is_pinned = true;
    specs[2].max_wait = 60s;
    Shared shared{specs, 12_GiB};
    shared.serve(1, 1);
    shared.serve(2, 2);
    shared.pass(10s);
    shared.call(3, 1);
    shared.story().begin(3, shared.generation(1));
    shared.call(4, 3);
    const Explanation told = explain(shared.story(), 4);
    CHECK(told.reason == WaitReason::memory);
    const core::MemoryWait& memory = get(told.memory);
    CHECK(memory.device == kGpu);
    CHECK(memory.source == NeedSource::configured);
    CHECK(memory.required == 8_GiB);
    CHECK(memory.free == 7_GiB);
    CHECK(memory.missing() == 1_GiB);
    const Holder* small = find(memory.holders, shared.generation(1));
    REQUIRE(small != nullptr);
    CHECK(small->doing == Doing::running);
    CHECK(small->bytes == 3_GiB);
    CHECK(small->runs == std::vector{RequestId{3}});
    CHECK(small->leaves_at == shared.story().now() + 60s);
    const Holder* pinned = find(memory.holders, shared.generation(2));
    REQUIRE(pinned != nullptr);
    CHECK(pinned->is_pinned);
    CHECK_FALSE(pinned->leaves_at);
    CHECK(told.next == Change{shared.story().now() + 60s, Step::make_room, shared.generation(1)});
    shared.pass(60s);
    CHECK(shared.residency(1) == core::Residency::draining);
    const Explanation later = explain(shared.story(), 4);
    CHECK(find(get(later.memory).holders, shared.generation(1))->doing == Doing::draining);
    CHECK(get(later.memory).kept == 8_GiB);
}

TEST_CASE("strangers and the dead are holders, too") {
    Story story{{needing(6_GiB, "a"), needing(9_GiB, "b")},
                windlass::core::testing::gpus(1, 12_GiB)};
    story.happen(core::CallArrived{RequestId{1}, ModelId{1}, 4, 1h, 1h});
    story.sample(kGpu, Bytes{});
    story.make_ready();
    story.begin(1);
    story.answer(1);
    story.happen(core::KillAsked{kFirst});
    story.happen(core::WorkerExited{kFirst, "signal 9 (SIGKILL)"});
    story.happen(core::CallArrived{RequestId{2}, ModelId{2}, 4, 1h, 1h});
    const Explanation told = explain(story, 2);
    CHECK(get(told.memory).is_asked);
    const Holder* dead = find(get(told.memory).holders, kFirst);
    REQUIRE(dead != nullptr);
    CHECK(dead->doing == Doing::returning);
    CHECK(dead->until == Change{story.now() + 30s, Step::fence, kFirst});
    CHECK(told.next == dead->until);
}

TEST_CASE("bytes that are kept for those who began to wait before are missing") {
    Shared shared{{needing(8_GiB, "a"), needing(8_GiB, "big"), needing(2_GiB, "small")}};
    shared.serve(1, 1);
    shared.pass(10s);
    shared.call(2, 2);
    shared.call(3, 3);
    const Explanation told = explain(shared.story(), 3);
    CHECK(get(told.memory).before == std::vector{ModelId{2}});
    CHECK(get(told.memory).promised == 8_GiB);
    CHECK(get(told.memory).missing() == 8_GiB);
}

TEST_CASE("a device that does not answer: when that is known, and when it is asked again") {
    Story story{windlass::core::testing::model_of(2_GiB), windlass::core::testing::gpus()};
    story.call(1);
    Explanation told = explain(story, 1);
    CHECK(told.reason == WaitReason::memory);
    CHECK(get(told.memory).is_asked);
    story.wait(5s);
    told = explain(story, 1);
    CHECK(told.reason == WaitReason::device);
    CHECK(get(told.next).step == Step::device_silent);  // it was asked again at once
    CHECK(get(told.next).at == story.now() + 5s);
    story.happen(core::DeviceSilent{kGpu, story.engine().devices().device(kGpu).sequence});
    CHECK(get(explain(story, 1).next).step == Step::ask_device);
}

TEST_CASE("a lease that waits, and one that is held") {
    Shared shared{{needing(6_GiB, "a")}};
    shared.serve(1, 1);
    shared.story().happen(core::LeaseAsked{RequestId{2}, 3_GiB, {}, 1min, 1h});
    shared.pass(100ms);
    shared.story().happen(core::LeaseAsked{RequestId{3}, 3_GiB, {}, 1min, 1h});
    shared.pass(100ms);
    const Explanation told = explain(shared.story(), 3);
    CHECK(told.asked == core::Asked::lease);
    CHECK(get(told.memory).missing() == 2_GiB);
    const auto lent = std::ranges::find(get(told.memory).holders, Doing::lent, &Holder::doing);
    REQUIRE(lent != get(told.memory).holders.end());
    CHECK(lent->bytes == 3_GiB);
    CHECK(get(lent->until).step == Step::lease_end);
    CHECK_FALSE(shared.story().engine().explain(RequestId{2}));
}

TEST_CASE("every word of a holder and of a step is told") {
    for (int i = 0; i < core::kDoingCount; ++i)
        CHECK_FALSE(core::to_text(static_cast<Doing>(i)).empty());
    for (int i = 0; i < core::kStepCount; ++i)
        CHECK_FALSE(core::to_text(static_cast<Step>(i)).empty());
    CHECK(core::to_text(Doing::returning) == "returning");
    CHECK(core::to_text(Step::make_room) == "make_room");
}
