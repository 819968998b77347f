// Processes that stand by: started ahead of their load, on no device, and nobody's trouble.
#include <doctest/doctest.h>

#include "core/engine_testing.h"

namespace core = windlass::core;
using core::EventCode;
using core::Generation;
using core::RequestId;
using core::Residency;
using windlass::base::Errc;
using windlass::core::testing::gpus;
using windlass::core::testing::kFirst;
using windlass::core::testing::kGpu;
using windlass::core::testing::kModel;
using windlass::core::testing::kSecond;
using windlass::core::testing::Story;
using namespace std::chrono_literals;
using namespace windlass::base;  // _MiB, _GiB

namespace {

constexpr Generation kThird{3};

core::ModelSpec spec(std::uint32_t standby = 1) {
    return {.name = {},
            .need = {.kind = core::NeedKind::bytes, .bytes = 6_GiB},
            .offload_after = {},
            .unload_after = 10min,
            .standby = standby,
            .prefetch = 0};
}

// One of them is up.
Story standing_by(const core::ModelSpec& wanted = spec()) {
    Story story{wanted, gpus(2)};
    story.happen(core::TimePassed{});
    REQUIRE(story.find<core::Launch>() != nullptr);
    REQUIRE(story.find<core::Launch>()->generation == kFirst);
    REQUIRE_FALSE(story.find<core::Launch>()->device);
    REQUIRE(story.report(EventCode::model_standby) != nullptr);
    story.happen(core::WorkerHello{kFirst});
    REQUIRE(story.find<core::Load>() == nullptr);
    return story;
}

// And is loaded for a call.
Story taken() {
    Story story = standing_by();
    story.call(1);
    story.sample(kGpu, windlass::base::Bytes{});
    story.sample(core::testing::kOther, windlass::base::Bytes{});
    REQUIRE(story.find<core::Assign>() != nullptr);
    CHECK(story.find<core::Assign>()->device == kGpu);
    REQUIRE(story.find<core::Load>() != nullptr);
    CHECK(story.find<core::Load>()->generation == kFirst);
    CHECK(story.find<core::Load>()->device == kGpu);
    return story;
}

std::size_t count_standbys(Story& story) {
    const auto processes = story.engine().view(kModel).processes;
    return static_cast<std::size_t>(
        std::ranges::count(processes, Residency::standby, &core::ProcessView::residency));
}

}  // namespace

TEST_CASE("a process stands by from the start on; it is on no device and does not count as one") {
    Story story = standing_by();
    CHECK(count_standbys(story) == 1);
    CHECK(story.residency() == Residency::cold);
    CHECK(story.engine().devices().holdings().empty());
    CHECK(story.engine().view(kModel).load_count == 0);
    story.wait(1h);
    CHECK(count_standbys(story) == 1);
}

TEST_CASE("it takes the model's next load, and another stands by once that is over") {
    Story story = taken();
    CHECK(story.find<core::Launch>() == nullptr);
    CHECK(story.residency() == Residency::loading);
    CHECK(story.engine().devices().holdings().contains(kFirst));
    story.happen(core::WorkerLoaded{kFirst});
    CHECK(story.was_sent(1));
    REQUIRE(story.find<core::Launch>() != nullptr);
    CHECK(story.find<core::Launch>()->generation == kSecond);
    CHECK_FALSE(story.find<core::Launch>()->device);
}

TEST_CASE("a load does not wait for an import that is not over: nobody knows whether it will be") {
    Story story{spec(), gpus()};
    story.happen(core::TimePassed{});
    story.wait(50s);
    story.call(1);
    story.sample(kGpu, windlass::base::Bytes{});
    REQUIRE(story.find<core::Launch>() != nullptr);
    CHECK(story.find<core::Launch>()->generation == kSecond);
    story.wait(10s);
    CHECK(story.report(EventCode::model_standby_failed) != nullptr);
    CHECK(story.response(1) == nullptr);
    story.make_ready(kSecond);
    CHECK(story.was_sent(1));
}

TEST_CASE("one that fails is told of and tried again after a pause, and no call hears of it") {
    Story story = standing_by();
    story.happen(core::WorkerExited{kFirst, "signal 11 (SIGSEGV)"});
    REQUIRE(story.report(EventCode::model_standby_failed) != nullptr);
    CHECK(story.report(EventCode::model_standby_ended) != nullptr);
    CHECK(story.find<core::Launch>() == nullptr);
    CHECK(story.engine().view(kModel).failure_count == 0);
    CHECK(story.residency() == Residency::cold);
    story.wait(1s);
    REQUIRE(story.find<core::Launch>() != nullptr);
    story.happen(core::LoadFailed{kSecond, fail(Errc::internal, "no module named torch")});
    CHECK(story.report(EventCode::model_standby_failed)->error->message == "no module named torch");
    CHECK(story.find<core::Stop>() != nullptr);
    story.happen(core::WorkerExited{kSecond, "exit status 1"});
    CHECK(story.report(EventCode::model_standby_failed) == nullptr);  // once
    story.wait(2s - 1ms);
    CHECK(story.find<core::Launch>() == nullptr);
    story.wait(1ms);
    REQUIRE(story.find<core::Launch>() != nullptr);
    story.happen(core::WorkerHello{kThird});
    story.happen(core::ChannelLost{kThird, fail(Errc::worker_lost, "closed")});
    CHECK(story.report(EventCode::model_standby_failed) != nullptr);
    CHECK(story.find<core::Terminate>() != nullptr);
    story.happen(core::WorkerExited{kThird, "signal 15 (SIGTERM)"});
    story.wait(4s - 1ms);
    CHECK(story.find<core::Launch>() == nullptr);
    story.wait(1ms);
    CHECK(story.find<core::Launch>() != nullptr);
    // Only a load that it served proves it sound: then the pauses begin anew.
    story.happen(core::WorkerHello{Generation{4}});
    story.call(1);
    story.sample(kGpu, windlass::base::Bytes{});
    story.sample(core::testing::kOther, windlass::base::Bytes{});
    story.happen(core::WorkerLoaded{Generation{4}});
    story.happen(core::WorkerExited{Generation{5}, "exit status 1"});
    story.wait(1s);
    CHECK(story.find<core::Launch>() != nullptr);
}

TEST_CASE("while none stands by, a load starts a process of its own at once") {
    Story story = standing_by();
    story.happen(core::WorkerExited{kFirst, "exit status 1"});
    story.call(1);
    story.sample(kGpu, windlass::base::Bytes{});
    story.sample(core::testing::kOther, windlass::base::Bytes{});
    REQUIRE(story.find<core::Launch>() != nullptr);
    CHECK(story.find<core::Launch>()->device == kGpu);
    story.wait(5s);
    CHECK(count_standbys(story) == 0);  // not beside a load
    story.make_ready(kSecond);
    CHECK(count_standbys(story) == 1);
}

TEST_CASE("one that hangs in its import is ended") {
    Story story{spec(), gpus()};
    story.happen(core::TimePassed{});
    story.wait(1min);
    CHECK(story.report(EventCode::model_standby_failed)->error->code == Errc::timeout);
    CHECK(story.find<core::Terminate>() != nullptr);
    story.wait(15s);  // nor does it die: it is set aside, and the next would hang as well
    CHECK(story.report(EventCode::worker_unkillable) != nullptr);
    CHECK(count_standbys(story) == 0);
    story.call(1);  // which is no reason not to load
    story.sample(kGpu, windlass::base::Bytes{});
    CHECK(story.find<core::Launch>()->device == kGpu);
    story.make_ready(kSecond);
    story.happen(core::WorkerExited{kFirst, "signal 9 (SIGKILL)"});
    CHECK(count_standbys(story) == 1);
}

TEST_CASE("an import that uses a driver is no use: who waits gets a process of its own") {
    SUBCASE("found out while it stands by") {
        Story story{spec(), gpus()};
        story.happen(core::TimePassed{});
        story.happen(core::WorkerHello{kFirst, true, true});
        CHECK(story.report(EventCode::model_standby_failed)->error->code == Errc::unsupported);
        CHECK(story.find<core::Stop>() != nullptr);
        story.happen(core::WorkerExited{kFirst, "exit status 0"});
        story.wait(1h);
        CHECK(count_standbys(story) == 0);
        story.happen(core::RestartAsked{RequestId{9}, kModel, 1min});  // it may be mended
        story.sample(kGpu, windlass::base::Bytes{});
        story.make_ready(kSecond);
        CHECK(count_standbys(story) == 1);
    }
    SUBCASE("found out when it is to load") {
        Story story = taken();
        story.happen(core::LoadFailed{kFirst, fail(Errc::unsupported, "it used a driver since")});
        CHECK(story.report(EventCode::model_standby_failed) != nullptr);
        CHECK(story.find<core::Stop>() != nullptr);
        CHECK(story.response(1) == nullptr);
        story.happen(core::WorkerExited{kFirst, "exit status 1"});
        story.sample(kGpu, windlass::base::Bytes{});
        REQUIRE(story.find<core::Launch>() != nullptr);
        CHECK(story.find<core::Launch>()->device);
        story.make_ready(kSecond);
        CHECK(story.was_sent(1));
        CHECK(count_standbys(story) == 0);
        CHECK(story.engine().view(kModel).failure_count == 0);
    }
}

TEST_CASE("a restart does not take what was imported before it") {
    Story story = standing_by();
    story.happen(core::RestartAsked{RequestId{1}, kModel, 1min});
    CHECK(story.find<core::Stop>() != nullptr);
    story.sample(kGpu, windlass::base::Bytes{});
    story.sample(core::testing::kOther, windlass::base::Bytes{});
    REQUIRE(story.find<core::Launch>() != nullptr);
    CHECK(story.find<core::Launch>()->generation == kSecond);
    CHECK(story.find<core::Launch>()->device == kGpu);
}

TEST_CASE("an unload leaves it; a configuration without it, and the end, do not") {
    Story story = standing_by();
    story.happen(core::UnloadAsked{RequestId{1}, kModel, 1min});
    CHECK(story.response(1) != nullptr);
    CHECK(count_standbys(story) == 1);
    SUBCASE("not wanted any more") {
        core::ModelSpec none = spec(0);
        none.name = "digits";
        story.happen(core::ModelConfigured{none});
    }
    SUBCASE("removed") { story.happen(core::ModelRemoved{kModel}); }
    SUBCASE("shut down") { story.happen(core::ShutdownAsked{5s}); }
    CHECK(story.find<core::Stop>() != nullptr);
    const bool is_ending = story.engine().is_shutting_down();
    CHECK_FALSE(story.engine().is_finished());
    story.happen(core::WorkerExited{kFirst, "exit status 0"});
    CHECK(story.report(EventCode::model_standby_ended) != nullptr);
    CHECK(story.engine().is_finished() == is_ending);
    story.wait(1h);
    CHECK(count_standbys(story) == 0);
}

TEST_CASE("several stand by, and are started one after the other") {
    Story story = standing_by(spec(2));
    CHECK(story.find<core::Launch>()->generation == kSecond);
    CHECK(count_standbys(story) == 2);
    story.happen(core::WorkerHello{kSecond});
    CHECK(story.find<core::Launch>() == nullptr);
    story.happen(core::KillAsked{kSecond});
    CHECK(story.find<core::Kill>() != nullptr);
    story.happen(core::WorkerExited{kSecond, "signal 9 (SIGKILL)"});
    CHECK(story.find<core::Launch>()->generation == kThird);  // nobody's failure
}

TEST_CASE("none stands by before there is a device that its model may use") {
    Story story{spec(), gpus(0)};
    story.happen(core::TimePassed{});
    CHECK(story.find<core::Launch>() == nullptr);
    story.happen(core::DeviceFound{
        kGpu, {.uuid = "GPU-0", .kind = core::DeviceKind::gpu, .capacity = 24_GiB}});
    CHECK(story.find<core::Launch>() != nullptr);
}
