// What weights may ask for on their way back: no more than they need, and not what is their own.
#include <doctest/doctest.h>

#include <vector>

#include "core/engine_moves_testing.h"

namespace core = windlass::core;
using core::Bytes;
using core::Generation;
using core::RequestId;
using core::Residency;
using windlass::core::testing::heavy;
using windlass::core::testing::kBoard;
using windlass::core::testing::kBoardSize;
using windlass::core::testing::kContext;
using windlass::core::testing::kFirst;
using windlass::core::testing::kHost;
using windlass::core::testing::kModel;
using windlass::core::testing::machine;
using windlass::core::testing::Moves;
using windlass::core::testing::Story;
using windlass::core::testing::trouble;
using namespace std::chrono_literals;
using namespace windlass::base;  // _MiB, _GiB

namespace {

constexpr core::DeviceId kSpare{3};  // another board, where there is one

core::ModelSpec unknown(const char* name) {
    core::ModelSpec spec = heavy({}, name);
    spec.need = {};
    return spec;
}

core::DeviceSettings with_headroom() {
    core::DeviceSettings devices = machine();
    devices.headroom = 512_MiB;
    return devices;
}

// Models on one board; the test says what each process has there.
class Board : public Story {
  public:
    Board(std::vector<core::ModelSpec> specs, core::DeviceSettings devices)
        : Story(std::move(specs), std::move(devices)) {}

    void settle() {
        Bytes used = strangers;
        for (const core::OwnMemory& one : own) used = used + one.bytes;
        const bool has_spare = engine().devices().find_device(kSpare) != nullptr;
        while (is_asked(kBoard) || is_asked(kHost) || (has_spare && is_asked(kSpare))) {
            if (has_spare && is_asked(kSpare)) sample(kSpare, Bytes{});
            if (is_asked(kBoard)) sample(kBoard, used, is_hidden ? none : own, !is_hidden);
            if (is_asked(kHost)) sample(kHost, Bytes{});
        }
    }
    // Loaded for this call, which it answers; it takes so many bytes.
    void serve(std::uint64_t call, core::ModelId model, Generation generation, Bytes bytes) {
        happen(core::CallArrived{RequestId{call}, model, 4, 1h, 1h});
        settle();
        happen(core::WorkerHello{generation, true});
        happen(core::WorkerLoaded{generation});
        own.push_back({generation, bytes});
        settle();
        begin(call, generation);
        answer(call, generation);
        settle();
    }
    void offload(std::uint64_t wish, core::ModelId model, Generation generation) {
        happen(core::OffloadAsked{RequestId{wish}, model, 1min});
        settle();
        happen(core::WorkerOffloaded{generation});
        own[generation.value - 1].bytes = kContext;
        settle();
    }

    std::vector<core::OwnMemory> own;
    Bytes strangers;
    bool is_hidden = false;

  private:
    std::vector<core::OwnMemory> none;
};

}  // namespace

TEST_CASE("weights that were measured beyond what a claim can get come back all the same") {
    Board story{{unknown("digits")}, with_headroom()};
    story.serve(1, kModel, kFirst, kBoardSize - 100_MiB);  // into the headroom
    story.offload(9, kModel, kFirst);
    REQUIRE(story.residency() == Residency::offloaded);
    story.call(2);
    story.settle();
    CHECK(story.residency() == Residency::restoring);
}

TEST_CASE("weights come back without the margin of a need that nobody configured") {
    Board story{{unknown("digits")}, with_headroom()};
    story.serve(1, kModel, kFirst, 8_GiB);
    const Bytes claimed = story.engine().devices().find_device(kBoard)->ledger.claimed();
    REQUIRE(claimed > 8_GiB);
    story.offload(9, kModel, kFirst);
    // Enough is free for what it needs, not for the margin.
    story.strangers = kBoardSize - 512_MiB - 8_GiB - 100_MiB;
    story.wait(3s);
    story.call(2);
    story.settle();
    CHECK(story.residency() == Residency::restoring);
}

TEST_CASE("weights wait for their board rather than go to one that cannot take them") {
    core::DeviceSettings devices = machine();
    devices.known.push_back({.uuid = "GPU-1", .kind = core::DeviceKind::gpu, .capacity = 2_GiB});
    Board story{{unknown("digits")}, devices};
    story.serve(1, kModel, kFirst, 8_GiB);
    story.offload(9, kModel, kFirst);
    story.strangers = 5_GiB;
    story.wait(3s);
    story.call(2);
    for (int step = 0; step < 40; ++step) {
        story.settle();
        story.wait(100ms);
        REQUIRE(story.residency() == Residency::offloaded);
    }
    story.strangers = 1_GiB;
    for (int step = 0; step < 10; ++step) {
        story.settle();
        story.wait(100ms);
    }
    CHECK(story.residency() == Residency::restoring);
}

TEST_CASE("a model that takes all of its device is not kept from it by itself") {
    core::ModelSpec spec = heavy({}, "digits");
    spec.need = {.kind = core::NeedKind::all};
    Board story{{spec}, machine()};
    story.serve(1, kModel, kFirst, 6_GiB);
    story.happen(core::OffloadAsked{RequestId{9}, kModel, 1min});
    story.settle();
    REQUIRE(story.residency() == Residency::offloading);
    story.call(2);
    story.happen(core::WorkerOffloaded{kFirst});
    story.own[0].bytes = kContext;
    story.settle();
    CHECK(story.residency() == Residency::restoring);
}

TEST_CASE("a wish that was withdrawn while the host was asked moves nothing") {
    core::ModelSpec spec = heavy(6_GiB);
    spec.offload_after = {};
    Board story{{spec}, machine()};
    story.serve(1, kModel, kFirst, 6_GiB);
    story.wait(3s);  // the host's answer is old
    story.happen(core::OffloadAsked{RequestId{9}, kModel, 100ms});
    REQUIRE(story.is_asked(kHost));
    story.wait(100ms);
    story.sample(kHost, core::testing::kHostSize);
    CHECK(story.residency() == Residency::ready);
    CHECK(story.find<core::Stop>() == nullptr);
}

TEST_CASE("what is on its way to the host stays claimed there beside what the process has") {
    core::ModelSpec other = heavy(60_GiB, "other");
    other.devices.is_cpu = true;
    Board story{{heavy(6_GiB), other}, machine()};
    story.serve(1, kModel, kFirst, 6_GiB);
    story.happen(core::OffloadAsked{RequestId{9}, kModel, 1min});
    story.settle();
    REQUIRE(story.residency() == Residency::offloading);
    const core::Device* host = story.engine().devices().find_device(kHost);
    REQUIRE(host->ledger.claimed() == 6_GiB);
    // Somebody else wants room there, and it lists what libraries the process has.
    story.wait(3s);
    story.happen(core::CallArrived{RequestId{2}, core::ModelId{2}, 4, 1h, 1h});
    REQUIRE(story.is_asked(kHost));
    story.sample(kHost, 3_GiB, {{kFirst, 3_GiB}});
    CHECK(host->ledger.claimed() == 9_GiB);
}

TEST_CASE("where processes are hidden, weights leave only once it was seen what they take") {
    core::ModelSpec spec = heavy(3_GiB);
    spec.offload_after = 0s;
    Board story{{spec}, machine()};
    story.is_hidden = true;
    story.happen(core::LoadAsked{RequestId{1}, kModel, 1min});
    story.settle();
    story.happen(core::WorkerHello{kFirst, true});
    story.happen(core::WorkerLoaded{kFirst});
    CHECK(story.find<core::Offload>() == nullptr);
    REQUIRE(story.is_asked(kBoard));
    story.own = {{kFirst, 2_GiB}};
    story.settle();
    CHECK(story.residency() == Residency::offloading);
}

TEST_CASE("weights come back without what their allocator kept beyond their need") {
    Moves story;  // needs 6 GiB
    story.pass(5min, 9_GiB);
    story.happen(core::WorkerOffloaded{kFirst});
    story.answer_all(kContext);
    while (!story.is_asked(kBoard)) story.wait(100ms);
    story.sample(kBoard, 3_GiB, {{kFirst, kContext}});  // strangers came
    story.call(2);
    REQUIRE(story.residency() == Residency::restoring);
    story.happen(core::WorkerRestored{kFirst});
    CHECK(story.claimed(kBoard) == 6_GiB);
}

TEST_CASE("a restore that runs out of memory asks for what was measured the next time") {
    Moves story;
    story.pass(5min, 9_GiB);
    story.happen(core::WorkerOffloaded{kFirst});
    story.answer_all(kContext);
    while (!story.is_asked(kBoard)) story.wait(100ms);
    story.sample(kBoard, 3_GiB, {{kFirst, kContext}});
    story.call(2);
    story.happen(core::RestoreFailed{kFirst, trouble(Errc::out_of_memory)});
    while (story.is_asked(kBoard)) story.sample(kBoard, 3_GiB, {{kFirst, kContext}});
    CHECK(story.residency() == Residency::offloaded);
    while (!story.is_asked(kBoard)) story.wait(100ms);
    story.sample(kBoard, 1_GiB, {{kFirst, kContext}});
    CHECK(story.residency() == Residency::restoring);
}

TEST_CASE("nobody makes room for weights that may go where there is room") {
    core::DeviceSettings devices = machine();
    devices.known.push_back(
        {.uuid = "GPU-1", .kind = core::DeviceKind::gpu, .capacity = kBoardSize});
    Board story{{heavy(8_GiB), heavy(9_GiB, "other")}, devices};
    story.serve(1, kModel, kFirst, 8_GiB);
    story.offload(9, kModel, kFirst);
    story.serve(2, core::ModelId{2}, core::Generation{2}, 9_GiB);
    REQUIRE(story.engine().devices().holdings().at(core::Generation{2}).device == kBoard);
    story.wait(3s);
    story.call(3);
    story.settle();
    CHECK(story.report(core::EventCode::model_evicted) == nullptr);
    REQUIRE(story.residency() == Residency::stopping);
    story.happen(core::WorkerExited{kFirst, "exit status 0"});
    story.own.erase(story.own.begin());
    story.settle();
    CHECK(story.residency() == Residency::loading);
    CHECK(story.engine().devices().holdings().at(core::Generation{3}).device == kSpare);
}
