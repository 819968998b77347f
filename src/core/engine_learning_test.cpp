// Needs that nobody configured: what is learned of them, where it counts, and when it is forgotten.
#include <doctest/doctest.h>

#include "core/engine_testing.h"
#include "core/margin.h"

namespace core = windlass::core;
using core::Bytes;
using core::Generation;
using core::ModelId;
using core::RequestId;
using core::WaitReason;
using core::with_margin;
using windlass::base::Errc;
using windlass::core::testing::kFirst;
using windlass::core::testing::kGpu;
using windlass::core::testing::kModel;
using windlass::core::testing::kSecond;
using windlass::core::testing::Story;
using namespace std::chrono_literals;
using namespace windlass::base;  // _MiB, _GiB

namespace {

constexpr const char* kMake = "nvml A";
constexpr ModelId kOther{2};

core::DeviceSettings settings(Bytes capacity = 24_GiB) {
    return {
        .known = {
            {.uuid = "GPU-1", .kind = core::DeviceKind::gpu, .capacity = capacity, .make = kMake}}};
}

// Two models that say nothing of their needs.
Story unknown(Bytes capacity = 24_GiB) {
    return Story{{{.name = "digits", .prefetch = 0}, {.name = "b", .prefetch = 0}},
                 settings(capacity)};
}

void recall(Story& story, ModelId model, std::vector<Bytes> peaks) {
    story.happen(core::NeedRecalled{model, kMake, std::move(peaks)});
}

void answer_device(Story& story, Bytes used, const std::vector<core::OwnMemory>& own) {
    while (story.is_asked(kGpu)) story.sample(kGpu, used, own);
}

// Its first run is over and was measured at 5 GiB.
void run_first(Story& story) {
    story.call(1);
    story.sample(kGpu, Bytes{});
    story.make_ready();
    story.begin(1);
    answer_device(story, 4_GiB, {{kFirst, 4_GiB}});
    story.wait(2s);
    answer_device(story, 5_GiB, {{kFirst, 5_GiB}});
    story.answer(1);
    answer_device(story, 3_GiB, {{kFirst, 3_GiB}});
}

const core::Claim& claim_of(Story& story, Generation generation) {
    return *story.engine().devices().device(kGpu).ledger.find_claim(generation);
}

// A call for one whose need others have taught: its first load has begun.
Story learned_load() {
    Story story = unknown();
    recall(story, kModel, {2_GiB});
    story.call(1);
    story.sample(kGpu, Bytes{});
    CHECK_FALSE(claim_of(story, kFirst).is_exclusive);
    return story;
}

void fail_load(Story& story, Generation generation, Errc code) {
    story.happen(core::WorkerHello{generation});
    story.happen(core::LoadFailed{generation, fail(code, "full")});
}

void answer_until_launched(Story& story, Generation generation) {
    const auto is_launched = [&] {
        return story.engine().devices().device(kGpu).ledger.find_claim(generation) != nullptr;
    };
    for (int i = 0; i < 5 && !is_launched(); ++i) {
        answer_device(story, Bytes{}, {});
        if (!is_launched()) story.wait(500ms);
    }
    REQUIRE(is_launched());
}

}  // namespace

TEST_CASE("the peak of a first run is remembered once it was measured") {
    Story story = unknown();
    CHECK_FALSE(story.engine().view(kModel).learned_need);
    run_first(story);
    const auto* learned = story.find<core::RememberPeak>();
    REQUIRE(learned != nullptr);
    CHECK(learned->model == kModel);
    CHECK(learned->generation == kFirst);
    CHECK(learned->device == kGpu);
    CHECK(learned->bytes == 5_GiB);
    CHECK(story.engine().view(kModel).learned_need == 5_GiB);
}

TEST_CASE("one that grows teaches again, by steps, and at its end") {
    Story story = unknown();
    run_first(story);
    const auto peak_after = [&](Bytes use) -> std::optional<Bytes> {
        story.wait(2s);
        story.sample(kGpu, use, {{kFirst, use}});
        const auto* learned = story.find<core::RememberPeak>();
        return learned == nullptr ? std::nullopt : std::optional{learned->bytes};
    };
    CHECK_FALSE(peak_after(5_GiB + 300_MiB));
    CHECK(peak_after(6_GiB) == 6_GiB);
    CHECK_FALSE(peak_after(5_GiB));
    CHECK_FALSE(peak_after(6_GiB + 100_MiB));
    story.happen(core::WorkerExited{kFirst, "exit status 0"});
    REQUIRE(story.find<core::RememberPeak>() != nullptr);
    CHECK(story.find<core::RememberPeak>()->bytes == 6_GiB + 100_MiB);
}

TEST_CASE("who has learned needs loads beside others, whose first runs wait for nobody") {
    Story story = unknown();
    recall(story, kModel, {3_GiB, 4_GiB});
    recall(story, kOther, {8_GiB});
    story.call(1);
    story.sample(kGpu, Bytes{});
    story.happen(core::CallArrived{RequestId{2}, kOther, 4, 1h, 1h});
    CHECK(claim_of(story, kFirst).bytes == with_margin(4_GiB));
    CHECK(claim_of(story, kSecond).bytes == with_margin(8_GiB));
    story.make_ready(kFirst);
    CHECK(story.was_sent(1));
    story.make_ready(kSecond);
    CHECK(story.was_sent(2));
}

TEST_CASE("one that was placed by what others taught says at its end what it used, if it ran") {
    Story story = unknown();
    recall(story, kModel, {8_GiB});
    story.happen(core::LoadAsked{RequestId{1}, kModel, 1h});
    story.sample(kGpu, Bytes{});
    story.make_ready();
    story.wait(2s);
    answer_device(story, 4_GiB, {{kFirst, 4_GiB}});
    bool has_run = false;
    SUBCASE("it ran") { has_run = true; }
    SUBCASE("it did not") {}
    if (has_run) {
        story.call(2);
        story.begin(2);
        story.answer(2);
    }
    CHECK(story.find<core::RememberPeak>() == nullptr);
    story.happen(core::WorkerExited{kFirst, "exit status 0"});
    const auto* learned = story.find<core::RememberPeak>();
    REQUIRE((learned != nullptr) == has_run);
    if (has_run) CHECK(learned->bytes == 4_GiB);
    CHECK(story.engine().view(kModel).learned_need == 8_GiB);  // the greatest of few
}

TEST_CASE("a margin takes what is there; a need that is not there is waited for") {
    Story story = unknown(8_GiB);
    recall(story, kModel, {7_GiB + 900_MiB});
    story.call(1);
    SUBCASE("it fits without its margin") {
        story.sample(kGpu, 50_MiB);
        CHECK(claim_of(story, kFirst).bytes == 8_GiB - 50_MiB);
        CHECK_FALSE(claim_of(story, kFirst).is_exclusive);
    }
    SUBCASE("it does not fit") {
        story.sample(kGpu, 200_MiB);
        CHECK(story.find<core::Launch>() == nullptr);
        CHECK(story.engine().wait_reason(RequestId{1}) == WaitReason::memory);
    }
}

TEST_CASE("what was learned is waited for a minute, and doubted then") {
    Story story = unknown(8_GiB);
    recall(story, kModel, {7_GiB + 900_MiB});
    story.call(1);
    const auto answer_for = [&](Duration duration) {  // the driver keeps 200 MiB for itself
        const auto end = story.now() + duration;
        while (story.find<core::Launch>() == nullptr && story.now() < end) {
            if (story.is_asked(kGpu)) story.sample(kGpu, 200_MiB);
            if (story.find<core::Launch>() == nullptr) story.wait(100ms);
        }
    };
    answer_for(59s);
    REQUIRE(story.find<core::Launch>() == nullptr);
    answer_for(2s);
    REQUIRE(story.find<core::Launch>() != nullptr);
    CHECK(claim_of(story, kFirst).bytes == 8_GiB - 200_MiB);
    CHECK(claim_of(story, kFirst).is_exclusive);
}

TEST_CASE("what could never be there was not learned there") {
    Story story = unknown(8_GiB);
    recall(story, kModel, {9_GiB});
    story.call(1);
    story.sample(kGpu, 1_GiB);
    REQUIRE(story.find<core::Launch>() != nullptr);
    CHECK(claim_of(story, kFirst).bytes == 7_GiB);
    CHECK(claim_of(story, kFirst).is_exclusive);
}

TEST_CASE("devices of another make, and needs that are configured, are not concerned") {
    SUBCASE("another make") {
        Story story = unknown();
        story.happen(core::NeedRecalled{kModel, "nvml B", {2_GiB}});
        story.call(1);
        story.sample(kGpu, Bytes{});
        CHECK(claim_of(story, kFirst).is_exclusive);
        CHECK_FALSE(story.engine().view(kModel).learned_need);
    }
    SUBCASE("configured") {
        Story story{{core::testing::model_of(3_GiB)}, settings()};
        recall(story, kModel, {2_GiB});
        run_first(story);
        CHECK(claim_of(story, kFirst).bytes == 3_GiB);
        story.happen(core::WorkerExited{kFirst, "exit status 0"});
        CHECK(story.find<core::RememberPeak>() == nullptr);
        CHECK_FALSE(story.engine().view(kModel).learned_need);
    }
}

TEST_CASE("a device without a name teaches nothing") {
    core::DeviceSettings nameless = settings();
    nameless.known.front().make.clear();
    Story story{core::ModelSpec{.name = "digits", .prefetch = 0}, nameless};
    run_first(story);
    CHECK(story.find<core::RememberPeak>() == nullptr);
    story.happen(core::WorkerExited{kFirst, "exit status 0"});
    CHECK(story.find<core::RememberPeak>() == nullptr);
}

TEST_CASE("a load that runs out of memory twice is tried again as that of an unknown need") {
    Story story = learned_load();
    fail_load(story, kFirst, Errc::out_of_memory);
    CHECK(story.find<core::ForgetPeaks>() == nullptr);  // a stranger was quicker, perhaps
    story.happen(core::WorkerExited{kFirst, "exit status 1"});
    answer_until_launched(story, kSecond);
    CHECK_FALSE(claim_of(story, kSecond).is_exclusive);
    fail_load(story, kSecond, Errc::out_of_memory);
    const auto* forgotten = story.find<core::ForgetPeaks>();
    REQUIRE(forgotten != nullptr);
    CHECK(forgotten->model == kModel);
    CHECK(forgotten->device == kGpu);
    CHECK_FALSE(story.engine().view(kModel).learned_need);
    story.happen(core::WorkerExited{kSecond, "exit status 1"});
    answer_until_launched(story, Generation{3});
    CHECK(claim_of(story, Generation{3}).is_exclusive);
}

TEST_CASE("whatever ends a process that was placed by what others taught is held against that") {
    Story story = learned_load();
    SUBCASE("it says why") { fail_load(story, kFirst, Errc::internal); }
    SUBCASE("it dies as it loads") { story.happen(core::WorkerExited{kFirst, "SIGABRT"}); }
    SUBCASE("it dies in its first run") {
        story.make_ready();
        story.begin(1);
        story.happen(core::WorkerExited{kFirst, "SIGABRT"});
    }
    SUBCASE("but not once it has run") {
        story.make_ready();
        story.begin(1);
        story.answer(1);
        story.happen(core::WorkerExited{kFirst, "SIGABRT"});
        CHECK(story.find<core::ForgetPeaks>() == nullptr);
        return;
    }
    CHECK(story.find<core::ForgetPeaks>() != nullptr);
    CHECK_FALSE(story.engine().view(kModel).learned_need);
}

TEST_CASE("a model that is started otherwise is measured anew") {
    Story story = unknown();
    run_first(story);
    story.happen(core::ModelConfigured{{.name = "digits", .prefetch = 0}, false});
    CHECK(story.engine().view(kModel).learned_need);
    story.happen(core::ModelConfigured{{.name = "digits", .prefetch = 0}, true});
    CHECK(story.find<core::ForgetPeaks>() != nullptr);
    CHECK_FALSE(story.engine().view(kModel).learned_need);
    story.happen(core::WorkerExited{kFirst, "exit status 0"});  // the old one has nothing to teach
    CHECK_FALSE(story.engine().view(kModel).learned_need);
}

TEST_CASE("a run that ran out of memory has nothing to teach") {
    Story story = unknown();
    run_first(story);
    story.call(2);
    story.begin(2);
    story.happen(core::RunFailed{kFirst, RequestId{2}, fail(Errc::out_of_memory, "full")});
    CHECK(story.find<core::ForgetPeaks>() != nullptr);
    story.wait(2s);
    answer_device(story, 9_GiB, {{kFirst, 9_GiB}});
    CHECK(story.find<core::RememberPeak>() == nullptr);
    story.happen(core::WorkerExited{kFirst, "exit status 0"});
    CHECK(story.find<core::RememberPeak>() == nullptr);
    CHECK_FALSE(story.engine().view(kModel).learned_need);
}

TEST_CASE("what is recalled late lets in who waits") {
    Story story{{{.name = "digits", .prefetch = 0}, core::testing::model_of(2_GiB, "b")},
                settings()};
    story.happen(core::CallArrived{RequestId{1}, kOther, 4, 1h, 1h});
    story.sample(kGpu, Bytes{});
    story.call(2);
    CHECK(story.engine().wait_reason(RequestId{2}) == WaitReason::memory);  // the other one loads
    recall(story, kModel, {2_GiB});
    REQUIRE(story.find<core::Launch>() != nullptr);
    CHECK(story.find<core::Launch>()->model == kModel);
}
