// Several copies of one model: who gets what, and what the end of one means for the others.
#include <doctest/doctest.h>

#include "core/engine_testing.h"

namespace core = windlass::core;
using core::Generation;
using core::RequestId;
using windlass::base::Errc;
using windlass::base::fail;
using windlass::core::testing::kFirst;
using windlass::core::testing::kModel;
using windlass::core::testing::Story;
using namespace std::chrono_literals;

namespace {

constexpr Generation kNext{2};

core::ModelSpec two_copies() { return {.copies = {.count_max = 2}, .prefetch = 0}; }

}  // namespace

TEST_CASE("a second copy is launched for whom the first will have no place, and no third") {
    Story story{two_copies()};
    story.call(1);
    CHECK(story.find<core::Launch>()->generation == kFirst);
    story.call(2);
    CHECK(story.find<core::Launch>()->generation == kNext);
    story.call(3);
    CHECK(story.find<core::Launch>() == nullptr);
    story.make_ready(kFirst);
    CHECK(story.find<core::Dispatch>()->request == RequestId{1});
    story.make_ready(kNext);
    CHECK(story.find<core::Dispatch>()->generation == kNext);
    CHECK(story.engine().view(kModel).copies == 2);
    story.answer(2, kNext);
    CHECK(story.find<core::Dispatch>()->generation == kNext);
}

TEST_CASE("one copy is enough for calls that come one after the other") {
    Story story{two_copies()};
    for (std::uint64_t id = 1; id <= 5; ++id) {
        story.call(id);
        if (id == 1) story.make_ready();
        CHECK(story.find<core::Dispatch>()->generation == kFirst);
        story.answer(id);
    }
    CHECK(story.engine().view(kModel).load_count == 1);
}

TEST_CASE("a run goes to the copy with the fewest") {
    Story story{{.copies = {.count_max = 2}, .concurrency = 2, .prefetch = 0}};
    for (std::uint64_t id = 1; id <= 4; ++id) story.call(id);
    story.make_ready(kFirst);
    story.make_ready(kNext);
    story.answer(1);
    story.call(5);
    CHECK(story.find<core::Dispatch>()->generation == kFirst);
}

TEST_CASE("a copy that cannot load fails nobody whom another will serve") {
    Story story{two_copies()};
    story.call(1);
    story.call(2);
    story.happen(core::WorkerHello{kNext});
    story.happen(core::LoadFailed{kNext, windlass::base::fail(Errc::internal, "no")});
    CHECK(story.response(2) == nullptr);
    story.happen(core::WorkerExited{kNext, "exit status 1"});
    story.make_ready(kFirst);
    CHECK(story.find<core::Dispatch>()->request == RequestId{1});
    story.answer(1);
    CHECK(story.find<core::Dispatch>()->request == RequestId{2});
}

TEST_CASE("the death of one copy leaves the runs of the other alone") {
    Story story{two_copies()};
    story.call(1);
    story.call(2);
    story.make_ready(kFirst);
    story.make_ready(kNext);
    story.begin(1, kFirst);
    story.begin(2, kNext);
    story.happen(core::WorkerExited{kNext, "signal 9"});
    CHECK(story.was_refused(2, Errc::worker_lost));
    story.call(3, 1h);
    CHECK(story.engine().wait_reason(RequestId{3}) == core::WaitReason::busy);
    story.answer(1, kFirst);
    CHECK(story.find<core::Dispatch>()->request == RequestId{3});
}

TEST_CASE("an unload ends all copies, and is answered when the last is gone") {
    Story story{two_copies()};
    story.call(1);
    story.call(2);
    story.make_ready(kFirst);
    story.make_ready(kNext);
    story.answer(1, kFirst);
    story.answer(2, kNext);
    story.happen(core::UnloadAsked{RequestId{9}, kModel, 1h});
    story.happen(core::WorkerExited{kFirst, "exit status 0"});
    CHECK(story.response(9) == nullptr);
    story.happen(core::WorkerExited{kNext, "exit status 0"});
    CHECK_FALSE(story.response(9)->error.has_value());
}

TEST_CASE("each copy has an idle time of its own, and fewer copies in the configuration end some") {
    core::ModelSpec spec = two_copies();
    spec.unload_after = 10s;
    Story story{spec};
    story.call(1);
    story.call(2);
    story.make_ready(kFirst);
    story.make_ready(kNext);
    story.answer(2, kNext);
    story.wait(10s);
    CHECK(story.find<core::Stop>()->generation == kNext);
    story.happen(core::WorkerExited{kNext, "exit status 0"});
    CHECK(story.engine().view(kModel).copies == 1);
    story.call(3);
    CHECK(story.find<core::Launch>()->generation == Generation{3});
    story.make_ready(Generation{3});
    spec.name = "digits";
    spec.copies.count_max = 1;
    story.happen(core::ModelConfigured{spec, false});
    CHECK(story.engine().view(kModel).copies == 1);
    story.answer(3, Generation{3});
    CHECK(story.find<core::Stop>()->generation == Generation{3});
}

TEST_CASE("a copy that cannot load pauses longer each time, whatever the others answer") {
    Story story{two_copies()};
    std::uint64_t last = 1;
    std::uint64_t running = 1;
    const auto follow = [&] {
        if (const auto* sent = story.find<core::Dispatch>()) running = sent->request.value;
    };
    story.call(last);
    story.make_ready();
    story.call(++last);
    for (const auto pause : {1s, 2s, 4s, 8s}) {
        REQUIRE(story.find<core::Launch>() != nullptr);
        const Generation second = story.find<core::Launch>()->generation;
        story.happen(core::WorkerHello{second});
        story.happen(core::LoadFailed{second, fail(Errc::internal, "no such file")});
        story.happen(core::WorkerExited{second, "exit status 1"});
        story.answer(running);
        follow();
        for (int i = 0; i < 2; ++i) {  // one more than the first has a place for
            story.call(++last);
            follow();
        }
        story.wait(pause - 1ms);
        CHECK(story.find<core::Launch>() == nullptr);
        story.wait(2ms);
    }
}

TEST_CASE("with three processes that cannot be killed a model is refused until one is gone") {
    Story story;
    std::uint64_t id = 0;
    for (std::uint64_t generation = 1; generation <= 3; ++generation) {
        story.call(++id);
        REQUIRE(story.find<core::Launch>()->generation == Generation{generation});
        story.wait(1h);  // it never comes up, nor goes
    }
    story.call(++id);
    REQUIRE(story.was_refused(id, Errc::unavailable));
    CHECK(story.response(id)->error->reason == "unkillable");
    story.happen(core::WorkerExited{kFirst, "signal 9"});
    story.call(++id);
    CHECK(story.find<core::Launch>() != nullptr);
}
