// What weights that move take and give back, beside strangers and where processes are hidden.
#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "core/engine_moves_testing.h"

namespace core = windlass::core;
using core::Bytes;
using core::EventCode;
using core::Generation;
using core::RequestId;
using core::Residency;
using core::WaitReason;
using windlass::core::testing::heavy;
using windlass::core::testing::kBoard;
using windlass::core::testing::kBoardSize;
using windlass::core::testing::kContext;
using windlass::core::testing::kFirst;
using windlass::core::testing::kHost;
using windlass::core::testing::kModel;
using windlass::core::testing::kSecond;
using windlass::core::testing::machine;
using windlass::core::testing::Moves;
using windlass::core::testing::Story;
using namespace std::chrono_literals;
using namespace windlass::base;  // _MiB, _GiB

TEST_CASE("where processes are hidden, what came back is what the device shows") {
    Moves story;
    story.pass(5min, 6_GiB);
    REQUIRE(story.residency() == Residency::offloading);
    // All samples so far told processes apart; the next one does not.
    story.happen(core::WorkerOffloaded{kFirst});
    REQUIRE(story.is_asked(kBoard));
    story.sample(kBoard, kContext, {}, false);
    CHECK(story.claimed(kBoard) == kContext);
    CHECK(story.ledger(kBoard).free() == 10_GiB - kContext);
    story.call(2);
    CHECK(story.claimed(kBoard) == 6_GiB);
}

TEST_CASE("a device is asked every 10 s only while all who claim it have left it") {
    Moves story;
    story.go_away();
    while (story.is_asked(kBoard)) story.sample(kBoard, kContext, {{kFirst, kContext}});
    for (int round = 0; round < 2; ++round) {
        story.wait(10s - 1ms);
        CHECK_FALSE(story.is_asked(kBoard));
        story.wait(1ms);
        REQUIRE(story.is_asked(kBoard));
        story.sample(kBoard, kContext, {{kFirst, kContext}});
    }
    story.call(2);
    story.sample(kBoard, kContext, {{kFirst, kContext}});
    REQUIRE(story.residency() == Residency::restoring);
    story.wait(2s);
    CHECK(story.is_asked(kBoard));
}

TEST_CASE("what weights take of the host's memory says nothing of what the model needs") {
    core::ModelSpec spec = heavy({});
    spec.need = {};
    core::DeviceSettings devices = machine();
    devices.known[0].make = "gpu";
    core::ModelSpec other = heavy(1_GiB, "other");
    other.devices.is_cpu = true;
    Story story{{spec, other}, devices};
    const auto answer_all = [&story](Bytes board, Bytes host) {
        while (story.is_asked(kBoard)) story.sample(kBoard, board, {{kFirst, board}});
        while (story.is_asked(kHost)) story.sample(kHost, host, {{kFirst, host}});
    };
    story.call(1);
    story.sample(kBoard, Bytes{});
    story.happen(core::WorkerHello{kFirst, true});
    story.happen(core::WorkerLoaded{kFirst});
    story.begin(1);
    story.answer(1);
    answer_all(6_GiB, {});
    REQUIRE(story.engine().view(kModel).learned_need == 6_GiB);
    story.happen(core::OffloadAsked{RequestId{9}, kModel, 1min});
    answer_all(6_GiB, {});
    REQUIRE(story.residency() == Residency::offloading);
    story.happen(core::WorkerOffloaded{kFirst});
    answer_all(kContext, {});
    story.wait(2s);  // its answer is old now
    // Another model wants room there, and the host tells of the process's libraries, too.
    story.happen(core::CallArrived{RequestId{2}, core::ModelId{2}, 4, 1h, 1h});
    REQUIRE(story.is_asked(kHost));
    answer_all(kContext, 9_GiB);
    CHECK(story.engine().view(kModel).learned_need == 6_GiB);
    CHECK(story.find<core::RememberPeak>() == nullptr);
}

TEST_CASE("weights come back only where they fit beside strangers, whatever was promised before") {
    Moves story;
    story.go_away();
    while (!story.is_asked(kBoard)) story.wait(100ms);
    story.sample(kBoard, 9_GiB, {{kFirst, kContext}});
    story.call(2);
    CHECK(story.residency() == Residency::offloaded);
    CHECK(story.reason(2) == WaitReason::memory);
    // The driver does not tell processes apart any more: no claim may be counted twice.
    while (!story.is_asked(kBoard)) story.wait(100ms);
    story.sample(kBoard, 5_GiB, {}, false);
    CHECK(story.residency() == Residency::offloaded);
    while (!story.is_asked(kBoard)) story.wait(100ms);
    story.sample(kBoard, 3_GiB, {}, false);
    CHECK(story.residency() == Residency::restoring);
}

namespace {

// Two models, of which the board has room for one: the first is away, the second idles there.
class Neighbours : public Moves {
  public:
    explicit Neighbours(bool can_offload, core::ModelSpec second = heavy(7_GiB, "other"))
        : Moves({heavy(6_GiB), std::move(second)}) {
        go_away();
        happen(core::CallArrived{RequestId{2}, core::ModelId{2}, 4, 1h, 1h});
        answer_board(kContext, {{kFirst, kContext}});
        happen(core::WorkerHello{kSecond, can_offload});
        happen(core::WorkerLoaded{kSecond});
        begin(2, kSecond);
        answer(2, kSecond);
        answer_board(kContext + 7_GiB, both());
    }
    void answer_board(Bytes used, const std::vector<core::OwnMemory>& own) {
        if (is_asked(kBoard)) sample(kBoard, used, own);
    }
    static std::vector<core::OwnMemory> both() { return {{kFirst, kContext}, {kSecond, 7_GiB}}; }
};

}  // namespace

TEST_CASE("an idle neighbour makes room for weights that come back: its own leave for it") {
    Neighbours story{true};
    story.call(3);
    story.answer_board(kContext + 7_GiB, Neighbours::both());
    REQUIRE(story.is_asked(kHost));
    CHECK(story.report(EventCode::model_evicted) == nullptr);  // it could still be refused
    story.sample(kHost, Bytes{});
    REQUIRE(story.report(EventCode::model_evicted) != nullptr);
    CHECK(story.report(EventCode::model_evicted)->generation == kSecond);
    CHECK(story.find<core::Offload>()->generation == kSecond);
    CHECK(story.residency() == Residency::offloaded);
    story.happen(core::WorkerOffloaded{kSecond});
    CHECK(story.residency() == Residency::offloaded);  // its word is no proof
    story.sample(kBoard, kContext + kContext, {{kFirst, kContext}, {kSecond, kContext}});
    CHECK(story.residency() == Residency::restoring);
    CHECK(story.engine().view(core::ModelId{2}).residency == Residency::offloaded);
}

TEST_CASE("a neighbour goes whose weights cannot leave alone: its class, its keys, or the host") {
    core::ModelSpec never = heavy(7_GiB, "other");
    never.offload_after = {};
    for (Neighbours story : {Neighbours{false}, Neighbours{true, never}, Neighbours{true}}) {
        story.call(3);
        story.answer_board(kContext + 7_GiB, Neighbours::both());
        if (story.is_asked(kHost)) story.sample(kHost, windlass::core::testing::kHostSize - 6_GiB);
        REQUIRE(story.report(EventCode::model_evicted) != nullptr);
        CHECK(story.find<core::Stop>()->generation == kSecond);
        story.happen(core::WorkerExited{kSecond, "exit status 0"});
        story.sample(kBoard, kContext, {{kFirst, kContext}});
        CHECK(story.residency() == Residency::restoring);
    }
}

TEST_CASE("a neighbour whose offload fails goes instead, and is not asked twice") {
    Neighbours story{true};
    story.call(3);
    story.answer_board(kContext + 7_GiB, Neighbours::both());
    story.sample(kHost, Bytes{});
    story.happen(core::OffloadFailed{kSecond, windlass::core::testing::trouble()});
    CHECK(story.find<core::Stop>()->generation == kSecond);
    CHECK(story.engine().view(core::ModelId{2}).residency == Residency::stopping);
}

TEST_CASE("a neighbour that cannot step aside has the turn that a new process is worth") {
    Story story{{heavy(6_GiB), heavy(7_GiB, "other")}, machine()};
    Bytes host;
    const auto pass = [&](std::chrono::milliseconds duration, Bytes used) {
        story.wait(duration);
        if (story.is_asked(kBoard)) story.sample(kBoard, used, {{kFirst, used}});
        if (story.is_asked(kHost)) story.sample(kHost, host);
    };
    story.call(1);
    story.sample(kBoard, Bytes{});
    for (int second = 0; second < 10; ++second) pass(1s, Bytes{});
    story.happen(core::WorkerHello{kFirst, true});
    story.happen(core::WorkerLoaded{kFirst});
    story.begin(1);
    story.answer(1);
    story.happen(core::OffloadAsked{RequestId{9}, kModel, 1min});
    pass(1ms, 6_GiB);
    story.happen(core::WorkerOffloaded{kFirst});
    story.call(3);
    pass(1ms, kContext);
    REQUIRE(story.residency() == Residency::restoring);
    story.happen(core::WorkerRestored{kFirst});  // that took no time
    story.begin(3);
    story.answer(3);
    host = windlass::core::testing::kHostSize - 1_GiB;  // there is no room for it any more
    pass(3s, 6_GiB);
    story.call(4);
    story.begin(4);
    story.answer(4);
    story.happen(core::CallArrived{RequestId{2}, core::ModelId{2}, 4, 1h, 1h});
    // A twentieth of what its load took is its gap.
    for (int step = 0; step < 4; ++step) {
        pass(100ms, 6_GiB);
        CHECK(story.residency() == Residency::ready);
    }
    for (int step = 0; step < 4; ++step) pass(100ms, 6_GiB);
    CHECK(story.residency() == Residency::stopping);
}

TEST_CASE("who fits only without what the neighbour's process keeps lets it go at last") {
    Moves story{{heavy(6_GiB), heavy(kBoardSize - 100_MiB, "other")}};
    story.pass(1min, 6_GiB);
    story.happen(core::CallArrived{RequestId{2}, core::ModelId{2}, 4, 1h, 1h});
    story.answer_all(6_GiB);
    REQUIRE(story.find<core::Offload>() != nullptr);  // nobody knows yet what it keeps
    story.happen(core::WorkerOffloaded{kFirst});
    story.answer_all(kContext);
    CHECK(story.residency() == Residency::stopping);
    story.happen(core::WorkerExited{kFirst, "exit status 0"});
    story.sample(kBoard, Bytes{});
    CHECK(story.find<core::Launch>() != nullptr);
}

TEST_CASE("what a process keeps whose weights are away makes room, too") {
    Moves story{{heavy(6_GiB), heavy(10_GiB, "other")}};
    story.go_away();
    story.happen(core::CallArrived{RequestId{2}, core::ModelId{2}, 4, 1h, 1h});
    if (story.is_asked(kBoard)) story.sample(kBoard, kContext, {{kFirst, kContext}});
    REQUIRE(story.report(EventCode::model_evicted) != nullptr);
    CHECK(story.report(EventCode::model_evicted)->bytes == kContext);
    CHECK(story.residency() == Residency::stopping);
    story.happen(core::WorkerExited{kFirst, "exit status 0"});
    story.sample(kBoard, Bytes{});
    CHECK(story.find<core::Launch>() != nullptr);
}

TEST_CASE("weights that come back take nothing that is kept for one who waits for longer") {
    auto specs = std::vector{heavy(6_GiB), heavy(3_GiB, "busy"), heavy(9_GiB, "big")};
    specs[0].is_pinned = true;
    specs[2].max_wait = 1s;
    Moves story{specs};
    story.go_away();
    std::vector<core::OwnMemory> own{{kFirst, kContext}};
    const auto answer = [&](Bytes used) {
        if (story.is_asked(kBoard)) story.sample(kBoard, used, own);
    };
    story.happen(core::CallArrived{RequestId{2}, core::ModelId{2}, 4, 1h, 1h});
    answer(kContext);
    story.load(kSecond);
    story.begin(2, kSecond);
    own.push_back({kSecond, 3_GiB});
    story.happen(core::CallArrived{RequestId{3}, core::ModelId{3}, 4, 1h, 1h});
    for (int step = 0; step < 15; ++step) {
        answer(kContext + 3_GiB);
        story.wait(100ms);
    }
    answer(kContext + 3_GiB);
    CHECK(story.engine().view(core::ModelId{2}).residency == Residency::draining);
    story.call(4);
    answer(kContext + 3_GiB);
    CHECK(story.residency() == Residency::offloaded);
    CHECK(story.reason(4) == WaitReason::memory);
    story.answer(2, kSecond);
    own.pop_back();
    story.happen(core::WorkerExited{kSecond, "exit status 0"});
    answer(kContext);
    CHECK(story.engine().view(core::ModelId{3}).residency == Residency::loading);
    CHECK(story.residency() == Residency::offloaded);
}
