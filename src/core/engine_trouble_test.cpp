// Bad luck with devices and with workers that they take along: what clients are told of it.
#include <doctest/doctest.h>

#include "core/engine_testing.h"

namespace core = windlass::core;
using core::Bytes;
using core::DeviceId;
using core::RequestId;
using windlass::base::Errc;
using windlass::core::testing::kFirst;
using windlass::core::testing::Story;
using namespace std::chrono_literals;
using namespace windlass::base;  // _GiB

namespace {

constexpr DeviceId kBoard{1};

core::DeviceSpec board() {
    return {.uuid = "GPU-0", .kind = core::DeviceKind::gpu, .capacity = 24_GiB};
}

core::DeviceSettings one_board() {
    return {.on_unknown_memory = core::UnknownMemory::refuse, .known = {board()}};
}

core::ModelSpec needing(Bytes need, bool is_idempotent = false) {
    return {.name = "digits",
            .need = {.kind = core::NeedKind::bytes, .bytes = need},
            .idempotent = is_idempotent,
            .prefetch = 0};
}

// Its first call runs.
void run_first(Story& story) {
    story.call(1);
    story.sample(kBoard, Bytes{});
    story.make_ready();
    story.begin(1);
}

core::RunFailed cut_off(std::uint64_t request) {
    return {kFirst, RequestId{request}, fail(Errc::worker_lost, "told to end")};
}

}  // namespace

TEST_CASE("[R144] a run that the loss of its device cuts off is told so, however its worker ends") {
    for (const bool says_so : {false, true}) {
        CAPTURE(says_so);
        Story story{needing(6_GiB), one_board()};
        run_first(story);
        story.happen(core::DeviceLost{kBoard});
        CHECK(story.find<core::Terminate>() != nullptr);
        if (says_so) {
            story.happen(cut_off(1));
        } else {
            story.happen(core::WorkerExited{kFirst, "signal 15"});
        }
        CHECK(story.was_refused(1, Errc::device_lost));
    }
}

TEST_CASE("a run that its worker reports as cut off runs once more when the model is idempotent") {
    Story story{needing(6_GiB, true), one_board()};
    run_first(story);
    story.happen(core::DeviceLost{kBoard});
    story.happen(cut_off(1));
    CHECK(story.response(1) == nullptr);
    story.happen(core::WorkerExited{kFirst, "signal 15"});
    CHECK(story.response(1) == nullptr);
    story.wait(1s);  // the back-off
    story.happen(core::DeviceFound{kBoard, board()});
    story.sample(kBoard, Bytes{});
    CHECK(story.find<core::Launch>() != nullptr);
}

TEST_CASE("a device that answers again is asked at once by who waits for it") {
    Story story{needing(6_GiB), one_board()};
    story.call(1);
    story.happen(core::DeviceSilent{kBoard, 1});
    CHECK_FALSE(story.is_asked(kBoard));
    story.happen(core::DeviceFound{kBoard, board()});
    REQUIRE(story.is_asked(kBoard));
    story.sample(kBoard, Bytes{});
    CHECK(story.find<core::Launch>() != nullptr);
}

TEST_CASE("what a process holds that cannot be killed is out of everybody's hands") {
    core::ModelSpec spec = needing(16_GiB);
    spec.run_timeout = 1s;
    Story story{spec, one_board()};
    run_first(story);
    story.wait(1min);  // run_timeout, and the whole ladder
    REQUIRE(story.was_refused(1, Errc::timeout));
    story.happen(core::DeviceFound{kBoard, board()});  // nobody answered meanwhile
    story.call(2, 400ms);
    story.sample(kBoard, 16_GiB, {{kFirst, 16_GiB}});
    story.wait(400ms);
    REQUIRE(story.was_refused(2, Errc::unavailable));
    CHECK(story.error_of(2).reason == "memory");
}

TEST_CASE("nobody is admitted by an answer that is too old, also when the loop is late") {
    for (const Duration late : {Duration{999ms}, Duration{1s}, Duration{5s}}) {
        CAPTURE(late.count());
        core::ModelSpec other = needing(6_GiB);
        other.name = "letters";
        Story story{{needing(6_GiB), other}, one_board()};
        story.call(1);
        story.sample(kBoard, 2_GiB);
        REQUIRE(story.find<core::Launch>() != nullptr);
        story.be_late(late);
        story.happen(core::CallArrived{RequestId{2}, core::ModelId{2}, 4, 1h, 1h});
        const bool is_fresh = late < core::Devices::kFreshFor;
        CHECK((story.find<core::Launch>() != nullptr) == is_fresh);
        CHECK((story.find<core::SampleDevice>() != nullptr) == !is_fresh);
    }
}
