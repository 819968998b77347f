// Processes that are replaced after so many runs, as short stories.
#include <doctest/doctest.h>

#include "core/engine_moves_testing.h"

namespace core = windlass::core;
using core::Generation;
using core::RequestId;
using core::Residency;
using windlass::core::testing::heavy;
using windlass::core::testing::kFirst;
using windlass::core::testing::kModel;
using windlass::core::testing::kSecond;
using windlass::core::testing::kWeights;
using windlass::core::testing::Moves;
using windlass::core::testing::Story;
using namespace std::chrono_literals;

namespace {

core::ModelSpec recycled_after(std::uint32_t runs) {
    return {.offload_after = {}, .unload_after = {}, .recycle_after = runs, .prefetch = 4};
}

// What the shell does when it hears of it.
void load_again(Story& story, std::uint64_t request) {
    story.happen(core::LoadAsked{RequestId{request}, kModel, 1h, false});
}

}  // namespace

TEST_CASE("a process is sent no more runs than it may make, and then another takes its place") {
    Story story{recycled_after(2)};
    for (std::uint64_t id = 1; id <= 3; ++id) story.call(id);
    story.make_ready();
    CHECK(story.was_sent(1));
    CHECK(story.was_sent(2));
    CHECK_FALSE(story.was_sent(3));
    CHECK(story.engine().wait_reason(RequestId{3}) == core::WaitReason::busy);
    story.begin(1);
    story.answer(1);
    CHECK(story.report(core::EventCode::model_recycled) == nullptr);
    story.begin(2);
    story.answer(2);
    const core::Report* recycled = story.report(core::EventCode::model_recycled);
    REQUIRE(recycled != nullptr);
    CHECK(recycled->generation == kFirst);
    CHECK(recycled->runs == 2);
    CHECK_FALSE(recycled->bytes.has_value());
    CHECK(story.report(core::EventCode::model_draining) != nullptr);
    CHECK(story.find<core::Stop>()->generation == kFirst);
    story.happen(core::WorkerExited{kFirst, "exit status 0"});
    CHECK(story.report(core::EventCode::model_backoff) == nullptr);
    CHECK(story.find<core::Launch>()->generation == kSecond);
    story.make_ready(kSecond);
    CHECK(story.was_sent(3));
    CHECK(story.engine().view(kModel).failure_count == 0);
}

TEST_CASE("what did not begin is no run, and what began is one however it ended") {
    Story story{recycled_after(2)};
    story.call(1);
    story.call(2);
    story.make_ready();
    story.begin(1);
    story.happen(core::ClientGone{RequestId{2}});  // recalled before it began
    story.happen(core::RunRecalled{kFirst, RequestId{2}, true});
    story.happen(core::RunFailed{kFirst, RequestId{1},
                                 windlass::base::fail(windlass::base::Errc::internal, "no")});
    CHECK(story.residency() == Residency::ready);
    story.call(3);
    CHECK(story.was_sent(3));
    story.begin(3);
    story.answer(3);
    CHECK(story.report(core::EventCode::model_recycled) != nullptr);
}

TEST_CASE("with the wish of the shell it is loaded again although nobody waits") {
    Story story{recycled_after(1)};
    story.call(1);
    story.make_ready();
    story.begin(1);
    story.answer(1);
    REQUIRE(story.report(core::EventCode::model_recycled) != nullptr);
    load_again(story, 50);
    CHECK(story.find<core::Launch>() == nullptr);  // beside a process that is still there
    story.happen(core::WorkerExited{kFirst, "exit status 0"});
    CHECK(story.find<core::Launch>()->generation == kSecond);
    story.make_ready(kSecond);
    CHECK(story.response(50) != nullptr);
    CHECK(story.residency() == Residency::ready);
    story.call(2);
    CHECK(story.was_sent(2));
}

TEST_CASE("one that must go anyway is not recycled") {
    Story story{recycled_after(1)};
    story.call(1);
    story.make_ready();
    story.begin(1);
    story.happen(core::UnloadAsked{RequestId{9}, kModel, 1h});
    CHECK(story.residency() == Residency::draining);
    story.answer(1);
    CHECK(story.report(core::EventCode::model_recycled) == nullptr);
    story.happen(core::WorkerExited{kFirst, "exit status 0"});
    CHECK(story.response(9) != nullptr);
    CHECK(story.residency() == Residency::cold);
}

TEST_CASE("a paused model ends its process all the same, and loads again") {
    Story story{recycled_after(1)};
    story.call(1);
    story.make_ready();
    story.begin(1);
    story.happen(core::PauseAsked{kModel});
    story.call(2);
    story.answer(1);
    CHECK(story.report(core::EventCode::model_recycled) != nullptr);
    load_again(story, 50);
    story.happen(core::WorkerExited{kFirst, "exit status 0"});
    story.make_ready(kSecond);
    CHECK(story.residency() == Residency::ready);
    CHECK_FALSE(story.was_sent(2));
    story.happen(core::ResumeAsked{kModel});
    CHECK(story.was_sent(2));
}

TEST_CASE("a reload that lowers the number ends who has made as many, and lets it finish") {
    Story story{recycled_after(0)};
    story.call(1);
    story.make_ready();
    story.begin(1);
    story.answer(1);
    story.call(2);
    story.begin(2);
    story.call(3);  // lies in the channel
    core::ModelSpec spec = recycled_after(1);
    spec.name = "digits";
    story.happen(core::ModelConfigured{spec, false});
    CHECK(story.report(core::EventCode::model_recycled)->runs == 1);
    CHECK(story.residency() == Residency::draining);
    CHECK(story.find<core::Recall>()->request == RequestId{3});
    story.happen(core::RunRecalled{kFirst, RequestId{3}, true});
    story.answer(2);
    CHECK(story.response(2) != nullptr);
    CHECK(story.report(core::EventCode::model_recycled) == nullptr);  // it was told before
    story.happen(core::WorkerExited{kFirst, "exit status 0"});
    story.make_ready(kSecond);
    CHECK(story.was_sent(3));
}

TEST_CASE("a reload that lowers the number ends it although its weights are away") {
    core::ModelSpec spec = heavy(kWeights);
    Moves story{spec};
    story.go_away();
    REQUIRE(story.residency() == Residency::offloaded);
    spec.recycle_after = 1;
    story.happen(core::ModelConfigured{spec, false});
    CHECK(story.report(core::EventCode::model_recycled) != nullptr);
    CHECK(story.find<core::Stop>()->generation == kFirst);
}

TEST_CASE("with several copies each is replaced by its own count") {
    core::ModelSpec spec = recycled_after(2);
    spec.copies.count_max = 2;
    spec.prefetch = 0;
    Story story{spec};
    story.call(1);
    story.call(2);
    story.make_ready();
    story.make_ready(kSecond);
    story.begin(1);
    story.begin(2, kSecond);
    story.answer(1);
    story.call(3);
    story.begin(3);
    story.answer(3);
    CHECK(story.report(core::EventCode::model_recycled)->generation == kFirst);
    load_again(story, 50);
    CHECK(story.response(50) != nullptr);  // the other one is ready
    CHECK(story.residency() == Residency::ready);
    story.call(4);
    story.happen(core::WorkerExited{kFirst, "exit status 0"});
    CHECK(story.find<core::Launch>() != nullptr);
    story.answer(2, kSecond);
    CHECK(story.was_sent(4));
}
