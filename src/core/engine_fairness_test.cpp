// Nobody waits for ever, and nobody's room is lost: turns, and what may go wrong in the middle.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "core/engine_sharing_testing.h"

namespace core = windlass::core;
using core::Duration;
using core::Generation;
using core::ModelId;
using core::RequestId;
using core::Residency;
using core::WaitReason;
using windlass::core::testing::kGpu;
using windlass::core::testing::needing;
using windlass::core::testing::Shared;
using namespace std::chrono_literals;
using namespace windlass::base;  // _MiB, _GiB

namespace {

// From `asked` on: whoever stops is gone at once, whoever is launched loads.
Duration wait_until_ready(Shared& shared, std::uint64_t model, std::uint64_t other) {
    const core::Instant asked = shared.story().now();
    while (shared.residency(model) != Residency::loading) {
        shared.pass(10ms);
        if (shared.residency(other) == Residency::stopping) shared.exit(other);
        REQUIRE(shared.story().now() < asked + 1h);
    }
    const Duration waited = shared.story().now() - asked;
    shared.load(model);
    return waited;
}

// One that evicts the first: both need 6 of 10 GiB.
Shared evicting() {
    Shared shared{{needing(6_GiB, "a"), needing(6_GiB, "b"), needing(4_GiB, "c")}};
    shared.serve(1, 1);
    shared.pass(10s);
    shared.call(2, 2);
    REQUIRE(shared.residency(1) == Residency::stopping);
    return shared;
}

}  // namespace

TEST_CASE("[A3.9] asked for in turn, two models replace each other, and wait alike") {
    Shared shared{{needing(2_GiB, "text"), needing(6_GiB, "speech")}, 7_GiB};
    std::array<std::vector<Duration>, 2> waits;
    std::uint64_t request = 0;
    for (int round = 0; round < 50; ++round) {
        for (const std::uint64_t model : {1u, 2u}) {
            shared.call(++request, model);
            waits[model - 1].push_back(wait_until_ready(shared, model, 3 - model));
            shared.run(request, model);
        }
    }
    for (std::size_t model = 0; model < 2; ++model) {
        Duration sum{};
        for (const Duration wait : waits[1 - model]) sum += wait;
        CHECK(std::ranges::max(waits[model]) <= 2 * sum / 50);
        CHECK(shared.story().engine().view(ModelId{model + 1}).load_count == 50);
    }
}

TEST_CASE("[A3.9] two models that are never idle take turns, and each loads once in a turn") {
    Shared shared{{needing(6_GiB, "a"), needing(6_GiB, "b")}};
    std::uint64_t request = 2;
    shared.call(1, 1);
    shared.load(1);
    shared.story().begin(1, shared.generation(1));
    shared.call(2, 2);
    std::array<std::uint64_t, 2> at_work{1, 0};
    std::array<std::uint64_t, 2> waiting{0, 2};
    for (int turn = 0; turn < 10; ++turn) {
        const std::uint64_t model = 1 + static_cast<std::uint64_t>(turn % 2);
        const core::Instant began = shared.story().now();
        while (shared.residency(model) == Residency::ready) {  // its client asks again and again
            shared.pass(100ms);
            shared.call(++request, model);
            shared.story().answer(at_work[model - 1], shared.generation(model));
            at_work[model - 1] = request;
            if (shared.residency(model) != Residency::ready) break;
            shared.story().begin(request, shared.generation(model));
            REQUIRE(shared.story().now() < began + 62s);
        }
        CHECK(shared.story().now() >= began + 4 * Shared::kLoad);
        waiting[model - 1] = at_work[model - 1];
        const std::uint64_t other = 3 - model;
        CHECK(wait_until_ready(shared, other, model) < 1s);
        shared.story().begin(waiting[other - 1], shared.generation(other));
        at_work[other - 1] = waiting[other - 1];
    }
}

TEST_CASE("the room of one whose client leaves is free for the next") {
    Shared shared = evicting();
    shared.call(3, 3);  // fits into what is free, which is kept for the second
    shared.story().happen(core::ClientGone{RequestId{2}});
    shared.exit(1);
    CHECK(shared.residency(2) == Residency::cold);
    CHECK(shared.residency(3) == Residency::loading);
}

TEST_CASE("one that does not go is ended, and what it keeps is no room") {
    Shared shared = evicting();
    const Generation stuck = shared.generation(1);
    shared.pass(10s);
    CHECK(shared.story().report(core::EventCode::worker_terminated) == nullptr);
    shared.pass(60s);  // stop, SIGTERM, SIGKILL: nothing helps
    CHECK(shared.residency(1) == Residency::cold);
    CHECK(shared.residency(2) == Residency::cold);
    CHECK(shared.story().engine().wait_reason(RequestId{2}) == WaitReason::memory);
    shared.call(3, 3);
    CHECK(shared.residency(3) == Residency::loading);  // nothing is kept that cannot come
    shared.story().happen(core::WorkerExited{stuck, "signal 9"});
    shared.pass(1s);
    CHECK(shared.residency(2) == Residency::loading);
}

TEST_CASE("a device that is lost in the middle takes all promises along") {
    Shared shared = evicting();
    shared.story().happen(core::DeviceLost{kGpu});
    CHECK(shared.story().engine().wait_reason(RequestId{2}) == WaitReason::device);
    shared.exit(1);
    const core::DeviceSpec spec = shared.story().engine().devices().device(kGpu).spec;
    shared.story().happen(core::DeviceFound{kGpu, spec});
    shared.pass(1s);
    CHECK(shared.residency(2) == Residency::loading);
}

TEST_CASE("one that needs a whole device keeps nobody from it that no patience would free") {
    std::vector specs{needing(2_GiB, "pinned"), needing({}, "all"), needing(2_GiB, "small")};
    specs[0].is_pinned = true;
    specs[1].need = {.kind = core::NeedKind::all};
    Shared shared{specs};
    shared.serve(1, 1);
    shared.call(2, 2);
    shared.pass(5min);
    shared.call(3, 3);
    CHECK(shared.residency(3) == Residency::loading);
    CHECK(shared.residency(2) == Residency::cold);
}

TEST_CASE("a learned need makes those at work go after max_wait, before it is doubted") {
    std::vector specs{needing(6_GiB, "a"), needing({}, "learned")};
    specs[1].need = {};
    Shared shared{specs};
    shared.story().happen(core::NeedRecalled{ModelId{2}, "gpu", {5_GiB}});
    shared.call(1, 1);
    shared.load(1);
    shared.story().begin(1, shared.generation(1));
    shared.call(2, 2);
    shared.pass(specs[1].max_wait - 100ms);
    CHECK(shared.residency(1) == Residency::ready);
    shared.pass(3min);
    CHECK(shared.residency(1) == Residency::draining);
    CHECK(shared.residency(2) == Residency::cold);
    shared.story().answer(1, shared.generation(1));
    shared.exit(1);
    CHECK(shared.residency(2) == Residency::loading);
}

TEST_CASE("an unknown need that finds nothing free at all has one at work make room") {
    std::vector specs{needing(5_GiB, "a"), needing(5_GiB, "b"), needing({}, "unknown")};
    specs[2].need = {};
    Shared shared{specs};
    for (const std::uint64_t model : {1u, 2u}) {
        shared.call(model, model);
        shared.load(model);
        shared.story().begin(model, shared.generation(model));
    }
    shared.call(3, 3);
    shared.pass(59s);
    CHECK(shared.residency(1) == Residency::ready);
    shared.pass(2s);
    const auto is_draining = [&](std::uint64_t model) {
        return shared.residency(model) == Residency::draining;
    };
    CHECK(is_draining(1) != is_draining(2));
}

TEST_CASE("one that is not pinned any more is asked at once") {
    std::vector specs{needing(6_GiB, "a"), needing(6_GiB, "b")};
    specs[0].is_pinned = true;
    Shared shared{specs};
    shared.serve(1, 1);
    shared.call(2, 2);
    shared.pass(10s);
    CHECK(shared.residency(1) == Residency::ready);
    specs[0].is_pinned = false;
    shared.story().happen(core::ModelConfigured{specs[0], false});
    CHECK(shared.residency(1) == Residency::stopping);
}

TEST_CASE("a load in advance evicts nobody, until somebody calls") {
    Shared shared{{needing(6_GiB, "a"), needing(6_GiB, "b")}};
    shared.serve(1, 1);
    shared.story().happen(core::LoadAsked{RequestId{2}, ModelId{2}, 1h, false});
    shared.pass(3min);
    CHECK(shared.residency(1) == Residency::ready);
    shared.call(3, 2);
    CHECK(shared.residency(1) == Residency::stopping);
}

TEST_CASE(
    "[A3.9] one that always wants a further copy does not take what was made free for another") {
    core::ModelSpec greedy = needing(6_GiB, "greedy");
    greedy.copies.count_max = 2;
    Shared shared{{greedy, needing(6_GiB, "other")}};
    shared.call(1, 1);
    shared.load(1);
    shared.story().begin(1, shared.generation(1));
    for (std::uint64_t request = 2; request < 6; ++request) shared.call(request, 1);
    shared.call(10, 2);
    shared.pass(2min);
    REQUIRE(shared.residency(1) == Residency::draining);
    shared.story().answer(1, shared.generation(1));
    shared.pass(100ms);
    shared.exit(1);
    shared.pass(1s);
    CHECK(shared.residency(2) == Residency::loading);
    CHECK(shared.residency(1) == Residency::cold);
}

TEST_CASE("nobody goes while one that loads alone keeps the place shut") {
    const core::ModelSpec unknown{.name = "unknown", .unload_after = {}, .prefetch = 0};
    Shared shared{{needing(6_GiB, "idle"), unknown, needing(6_GiB, "late")}, 24_GiB};
    shared.serve(1, 1);
    shared.pass(10s);
    shared.call(2, 2);
    REQUIRE(shared.residency(2) == Residency::loading);
    shared.call(3, 3);
    shared.pass(10s);
    CHECK(shared.residency(1) == Residency::ready);
}

TEST_CASE("what a pinned one gives back as it ends is enough, and nobody else goes") {
    core::ModelSpec pinned = needing(6_GiB, "pinned");
    pinned.is_pinned = true;
    Shared shared{{pinned, needing(4_GiB, "idle"), needing(5_GiB, "late")}};
    shared.serve(1, 1);
    shared.serve(2, 2);
    shared.pass(10s);
    shared.story().happen(core::UnloadAsked{RequestId{9}, ModelId{1}, 1h});
    REQUIRE(shared.residency(1) == Residency::stopping);
    shared.call(3, 3);
    shared.pass(1s);
    CHECK(shared.residency(2) == Residency::ready);
    shared.exit(1);
    shared.pass(1s);
    CHECK(shared.residency(3) == Residency::loading);
}

TEST_CASE("an unknown need is kept a place once it has waited for long beside loads without end") {
    const core::ModelSpec unknown{.name = "unknown", .unload_after = {}, .prefetch = 0};
    Shared shared{{needing(2_GiB, "a"), needing(2_GiB, "b"), unknown}};
    shared.call(1, 1);
    shared.story().happen(core::WorkerHello{shared.generation(1)});  // and takes its time
    shared.call(3, 3);                                               // may load only alone
    shared.pass(2min);
    REQUIRE(shared.residency(3) == Residency::cold);
    shared.call(2, 2);
    CHECK(shared.residency(2) == Residency::cold);  // else there would be no end of it
    shared.load(1);
    shared.pass(1s);
    CHECK(shared.residency(3) == Residency::loading);
}
