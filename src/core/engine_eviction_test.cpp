// Models that together need more than there is: who makes room for whom, and when.
#include <doctest/doctest.h>

#include <vector>

#include "core/engine_sharing_testing.h"

namespace core = windlass::core;
using core::Generation;
using core::ModelId;
using core::RequestId;
using core::Residency;
using windlass::base::Errc;
using windlass::core::testing::needing;
using windlass::core::testing::Shared;
using namespace std::chrono_literals;
using namespace windlass::base;  // _MiB, _GiB

TEST_CASE("[A0.9] an idle model makes room for one that fits nowhere else") {
    Shared shared{{needing(6_GiB, "a"), needing(6_GiB, "b")}};
    shared.serve(1, 1);
    shared.pass(10s);
    shared.call(2, 2);
    CHECK(shared.residency(1) == Residency::stopping);
    CHECK(shared.story().engine().wait_reason(RequestId{2}) == core::WaitReason::memory);
    shared.exit(1);
    CHECK(shared.residency(2) == Residency::loading);
    shared.load(2);
    shared.run(2, 2);
    CHECK(shared.residency(2) == Residency::ready);
}

TEST_CASE("nobody makes room where that would not be enough") {
    auto specs =
        std::vector{needing(2_GiB, "small"), needing(5_GiB, "pinned"), needing(9_GiB, "big")};
    specs[1].is_pinned = true;
    Shared shared{specs};
    shared.serve(1, 1);
    shared.serve(2, 2);
    shared.pass(10s);
    shared.call(3, 3);
    shared.pass(3min);
    CHECK(shared.residency(1) == Residency::ready);
    CHECK(shared.residency(2) == Residency::ready);
}

TEST_CASE("a pinned model makes room for nobody, however long they wait") {
    auto specs = std::vector{needing(6_GiB, "a"), needing(6_GiB, "b")};
    specs[0].is_pinned = true;
    Shared shared{specs};
    shared.serve(1, 1);
    shared.call(2, 2);
    shared.pass(10min);
    CHECK(shared.residency(1) == Residency::ready);
}

TEST_CASE("a model at work finishes what runs once somebody has waited for max_wait") {
    auto specs = std::vector{needing(6_GiB, "a"), needing(6_GiB, "b")};
    specs[1].max_wait = 60s;
    Shared shared{specs};
    shared.serve(1, 1);
    shared.pass(10s);
    shared.call(2, 1);
    shared.story().begin(2, shared.generation(1));
    shared.call(3, 2);
    shared.pass(59s);
    CHECK(shared.residency(1) == Residency::ready);
    shared.pass(2s);
    CHECK(shared.residency(1) == Residency::draining);
    const Generation old = shared.generation(1);
    shared.call(4, 1);  // comes after: it waits for its turn
    CHECK(shared.generation(1) == old);
    shared.story().answer(2, old);
    CHECK(shared.residency(1) == Residency::stopping);
    shared.exit(1);
    CHECK(shared.residency(2) == Residency::loading);
}

TEST_CASE("a model that was just used is given a moment, in which its client may ask again") {
    Shared shared{{needing(6_GiB, "a"), needing(6_GiB, "b")}};
    shared.serve(1, 1);
    shared.call(2, 2);
    CHECK(shared.residency(1) == Residency::ready);
    shared.pass(49ms);
    CHECK(shared.residency(1) == Residency::ready);
    shared.pass(1ms);  // a twentieth of what it took to bring it
    CHECK(shared.residency(1) == Residency::stopping);
}

TEST_CASE("a machine that stood still during a load gives its model no longer turn") {
    core::ModelSpec first = needing(6_GiB, "a");
    first.limits.start_timeout = first.limits.load_timeout = 1s;
    Shared shared{{first, needing(6_GiB, "b")}};
    shared.call(1, 1);
    const core::Generation generation = shared.generation(1);
    shared.story().happen(core::WorkerHello{generation});
    shared.story().be_late(30min);
    shared.story().happen(core::WorkerLoaded{generation});
    shared.pass(1ms);
    shared.run(1, 1);
    shared.call(2, 2);
    shared.pass(99ms);
    CHECK(shared.residency(1) == Residency::ready);
    shared.pass(1ms);  // a twentieth of what it may have taken
    CHECK(shared.residency(1) == Residency::stopping);
}

TEST_CASE(
    "a model that is used again and again keeps its place for four times what its load took") {
    Shared shared{{needing(6_GiB, "a"), needing(6_GiB, "b")}};
    shared.serve(1, 1);
    shared.call(1'000, 2);
    std::uint64_t request = 1;
    for (Duration passed{}; passed < 3960ms; passed += 40ms) {
        REQUIRE(shared.residency(1) == Residency::ready);
        shared.call(++request, 1);
        shared.run(request, 1);
        shared.pass(40ms);
    }
    shared.pass(40ms);
    CHECK(shared.residency(1) == Residency::stopping);
}

TEST_CASE("what comes back is kept for the one that waited longest") {
    Shared shared{{needing(8_GiB, "a"), needing(8_GiB, "big"), needing(5_GiB, "small")}};
    shared.serve(1, 1);
    shared.pass(10s);
    shared.call(2, 2);
    CHECK(shared.residency(1) == Residency::stopping);
    shared.call(3, 3);
    shared.exit(1);
    CHECK(shared.residency(2) == Residency::loading);
    CHECK(shared.residency(3) == Residency::cold);
}

TEST_CASE("small ones do not overtake a big one for ever") {
    std::vector<core::ModelSpec> specs{needing(8_GiB, "big")};
    for (int i = 0; i < 3; ++i) specs.push_back(needing(4_GiB, "small"));
    for (int i = 0; i < 3; ++i) specs[static_cast<std::size_t>(i) + 1].name += std::to_string(i);
    Shared shared{specs};
    // Two small ones at a time, always at work; a third waits to take the place of either.
    shared.call(1, 2);
    shared.load(2);
    shared.story().begin(1, shared.generation(2));
    shared.call(2, 3);
    shared.load(3);
    shared.story().begin(2, shared.generation(3));
    shared.call(3, 1);
    shared.pass(61s);
    CHECK(shared.residency(2) == Residency::draining);
    CHECK(shared.residency(3) == Residency::draining);
    shared.call(4, 4);
    shared.story().answer(1, shared.generation(2));
    shared.exit(2);
    CHECK(shared.residency(4) == Residency::cold);  // 6 GiB are free, and kept
    shared.story().answer(2, shared.generation(3));
    shared.exit(3);
    CHECK(shared.residency(1) == Residency::loading);
}

TEST_CASE("one that has waited long is not overtaken while what it waits for is being loaded") {
    std::vector<core::ModelSpec> specs{needing(8_GiB, "big"), needing(4_GiB, "first"),
                                       needing(4_GiB, "second"), needing(4_GiB, "third")};
    specs[0].max_wait = 5s;
    Shared shared{specs};
    shared.call(1, 2);
    shared.load(2);
    shared.story().begin(1, shared.generation(2));
    shared.call(2, 3);  // loads, and takes its time
    shared.call(3, 1);
    shared.pass(6s);
    CHECK(shared.residency(2) == Residency::ready);  // alone it could not give enough
    shared.story().answer(1, shared.generation(2));
    shared.pass(10s);
    shared.call(4, 4);  // the idle first would be enough for it
    CHECK(shared.residency(2) == Residency::ready);
    shared.load(3);
    shared.run(2, 3);
    shared.pass(5s);
    CHECK(shared.residency(2) == Residency::stopping);
    CHECK(shared.residency(3) == Residency::stopping);
}

TEST_CASE("who needs all of a device waits until all that idles there is gone") {
    auto specs = std::vector{needing(2_GiB, "a"), needing(2_GiB, "b"), needing({}, "all")};
    specs[2].need = {.kind = core::NeedKind::all};
    Shared shared{specs};
    shared.serve(1, 1);
    shared.serve(2, 2);
    shared.pass(10s);
    shared.call(3, 3);
    CHECK(shared.residency(1) == Residency::stopping);
    CHECK(shared.residency(2) == Residency::stopping);
    shared.exit(1);
    CHECK(shared.residency(3) == Residency::cold);
    shared.exit(2);
    CHECK(shared.residency(3) == Residency::loading);
}

TEST_CASE("an unknown need takes what is free first, and idle neighbours go when that fails") {
    auto specs = std::vector{needing(4_GiB, "a"), needing({}, "unknown")};
    specs[1].need = {};
    Shared shared{specs};
    shared.serve(1, 1);
    shared.pass(10s);
    shared.call(2, 2);
    REQUIRE(shared.residency(2) == Residency::loading);
    CHECK(shared.residency(1) == Residency::ready);
    const Generation first = shared.generation(2);
    shared.story().happen(core::WorkerHello{first});
    shared.story().happen(
        core::LoadFailed{first, windlass::base::fail(Errc::out_of_memory, "no room")});
    shared.exit(2);
    CHECK(shared.residency(1) == Residency::stopping);
    CHECK(shared.residency(2) == Residency::cold);
    shared.exit(1);
    CHECK(shared.residency(2) == Residency::loading);
}

TEST_CASE("a further copy takes what is free, and nobody makes room for it") {
    auto specs = std::vector{needing(4_GiB, "a"), needing(4_GiB, "b")};
    specs[1].copies = {.count_max = 2};
    Shared shared{specs};
    shared.serve(1, 1);
    shared.pass(10s);
    shared.call(2, 2);
    shared.load(2);
    shared.story().begin(2, shared.generation(2));
    shared.call(3, 2);
    shared.pass(2min);
    CHECK(shared.residency(1) == Residency::ready);
}

TEST_CASE("one that has the device to itself makes room, though bytes are free beside it") {
    for (const bool is_known : {true, false}) {
        auto specs = std::vector{needing(6_GiB, "all"), needing(2_GiB, "b")};
        specs[0].need = {.kind = core::NeedKind::all};
        if (!is_known) specs[1].need = {};
        Shared shared{specs};
        shared.let_strangers_use(5_GiB);
        shared.serve(1, 1);
        shared.let_strangers_use(0_GiB);
        shared.pass(10s);
        const auto& device = shared.story().engine().devices().device(core::testing::kGpu);
        CHECK(*device.ledger.free() >= 4_GiB);
        shared.call(2, 2);
        CHECK(shared.residency(1) == Residency::stopping);
        shared.exit(1);
        CHECK(shared.residency(2) == Residency::loading);
    }
}

TEST_CASE("one that is to have the device to itself moves all that idles, though bytes are free") {
    auto specs = std::vector{needing(2_GiB, "a"), needing(2_GiB, "all")};
    specs[1].need = {.kind = core::NeedKind::all};
    Shared shared{specs};
    shared.serve(1, 1);
    shared.pass(10s);
    shared.call(2, 2);
    CHECK(shared.residency(1) == Residency::stopping);
    shared.exit(1);
    CHECK(shared.residency(2) == Residency::loading);
}

TEST_CASE("where nobody knows what is free, who is there makes room for one that must be alone") {
    const core::Need all{.kind = core::NeedKind::all};
    const core::Need some{.kind = core::NeedKind::bytes, .bytes = 2_GiB};
    const core::Need unknown;
    for (const auto& needs : {std::pair{some, all}, {all, some}, {all, unknown}, {unknown, all}}) {
        auto specs = std::vector{needing(2_GiB, "a"), needing(2_GiB, "b")};
        specs[0].need = needs.first;
        specs[1].need = needs.second;
        core::testing::Story story{specs, {}};
        const auto call = [&](std::uint64_t model) {
            story.happen(core::CallArrived{RequestId{model}, ModelId{model}, 4, 1h, 1h});
        };
        call(1);
        story.make_ready();
        story.begin(1);
        story.wait(10s);
        call(2);
        CHECK(story.engine().view(ModelId{1}).residency == Residency::ready);  // it is at work
        story.answer(1);
        story.wait(1s);
        REQUIRE(story.engine().view(ModelId{1}).residency == Residency::stopping);
        story.happen(core::WorkerExited{Generation{1}, "exit status 0"});
        CHECK(story.engine().view(ModelId{2}).residency == Residency::loading);
    }
}
