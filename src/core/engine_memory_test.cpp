// Memory, one law at a time: claimed before the load, free again when the driver shows it.
#include <doctest/doctest.h>

#include "core/engine_testing.h"

namespace core = windlass::core;
using core::Bytes;
using core::DeviceId;
using core::EventCode;
using core::Generation;
using core::RequestId;
using windlass::base::Errc;
using windlass::core::testing::gpus;
using windlass::core::testing::kFirst;
using windlass::core::testing::kGpu;
using windlass::core::testing::kModel;
using windlass::core::testing::kOther;
using windlass::core::testing::kSecond;
using windlass::core::testing::model_of;
using windlass::core::testing::Story;
using namespace std::chrono_literals;
using namespace windlass::base;  // _MiB, _GiB

namespace {

bool reported(const Story& story, EventCode code) { return story.report(code) != nullptr; }

const core::DeviceLedger& ledger(Story& story, DeviceId id = kGpu) {
    return story.engine().devices().find_device(id)->ledger;
}

// Loaded and idle, with `bytes` of its own measured.
void load_first(Story& story, Bytes bytes) {
    story.call(1);
    story.sample(kGpu, Bytes{});
    story.make_ready();
    story.begin(1);
    story.answer(1);
    story.wait(2s);
    story.sample(kGpu, bytes, {{kFirst, bytes}});
}

}  // namespace

TEST_CASE("nothing is launched before the device said how full it is, and the claim comes first") {
    Story story{model_of(6_GiB), gpus()};
    story.call(1);
    CHECK(story.find<core::SampleDevice>()->device == kGpu);
    CHECK(story.find<core::Launch>() == nullptr);
    CHECK(story.engine().wait_reason(RequestId{1}) == core::WaitReason::memory);
    story.sample(kGpu, 2_GiB);
    CHECK(story.find<core::Launch>()->device == kGpu);
    CHECK(ledger(story).claimed() == 6_GiB);
    CHECK(ledger(story).free() == 16_GiB);
}

TEST_CASE("[A3.5] 4.5 GiB free and 6 needed: it waits, and starts when a stranger gives way") {
    Story story{model_of(6_GiB), gpus(1, 8_GiB)};
    story.call(1, 20s);
    story.sample(kGpu, 3584_MiB);
    CHECK(story.find<core::Launch>() == nullptr);
    CHECK(story.engine().wait_reason(RequestId{1}) == core::WaitReason::memory);
    story.wait(500ms);  // asked again within a second
    REQUIRE(story.is_asked(kGpu));
    story.sample(kGpu, 1_GiB);
    CHECK(story.find<core::Launch>() != nullptr);
}

TEST_CASE("[A3.5] a wait that ends says what is needed, what there is, and who has it") {
    Story story{model_of(6_GiB), gpus(1, 8_GiB)};
    story.call(1, 700ms);
    story.sample(kGpu, 3584_MiB);
    story.wait(500ms);
    story.sample(kGpu, 3584_MiB);
    story.wait(300ms);
    REQUIRE(story.was_refused(1, Errc::unavailable));
    const core::Error& error = story.error_of(1);
    const auto& memory = story.memory_of(1);
    CHECK(error.reason == "memory");
    CHECK(error.retry_after.has_value());
    CHECK(memory.device == "GPU-0");
    CHECK(memory.required == 6_GiB);
    CHECK(memory.available == 4608_MiB);
    REQUIRE(memory.holders.size() == 1);
    CHECK(memory.holders[0].kind == "foreign");
    CHECK(memory.holders[0].bytes == 3584_MiB);
}

TEST_CASE("[A3.5] a wait that ends while the device is asked still says what was found before") {
    Story story{model_of(6_GiB), gpus(1, 8_GiB)};
    story.call(1, 1100ms);
    story.sample(kGpu, 3584_MiB);
    story.wait(500ms);
    REQUIRE(story.is_asked(kGpu));
    story.wait(700ms);  // what it said is too old to admit by, and it has not answered again
    REQUIRE(story.was_refused(1, Errc::unavailable));
    CHECK(story.memory_of(1).required == 6_GiB);
    CHECK(story.memory_of(1).available == 4608_MiB);
}

TEST_CASE("[A3.4] an error names the devices that were asked for in vain") {
    core::ModelSpec spec = model_of(1_GiB);
    spec.devices.uuids = {"GPU-7", "GPU-8"};
    Story story{spec, gpus()};
    story.call(1, 500ms);
    CHECK(story.engine().wait_reason(RequestId{1}) == core::WaitReason::device);
    story.wait(500ms);
    REQUIRE(story.was_refused(1, Errc::unavailable));
    CHECK(story.error_of(1).reason == "device");
    CHECK(story.error_of(1).message.find("GPU-7, GPU-8") != std::string::npos);
}

TEST_CASE("[A3.3] a device in use is asked as often as is configured, and every 2 s at least") {
    for (const auto interval : {Duration{40ms}, Duration{1h}}) {
        core::DeviceSettings settings = gpus();
        settings.sample_interval = interval;
        Story story{model_of(6_GiB), settings};
        story.call(1);
        story.sample(kGpu, Bytes{});
        story.make_ready();
        story.sample(kGpu, 6_GiB, {{kFirst, 6_GiB}});  // a first list names it: none is hidden
        for (int round = 0; round < 3; ++round) {
            story.wait(std::min(interval, Duration{2s}) - 1ms);
            CHECK_FALSE(story.is_asked(kGpu));
            story.wait(1ms);
            REQUIRE(story.is_asked(kGpu));
            story.sample(kGpu, 6_GiB, {{kFirst, 6_GiB}});
        }
    }
}

TEST_CASE("what can never fit is refused at once") {
    Story story{model_of(30_GiB), gpus(2)};
    story.call(1);
    story.sample(kGpu, Bytes{});
    story.sample(kOther, Bytes{});
    CHECK(story.was_refused(1, Errc::unavailable));
    CHECK(story.error_of(1).reason == "memory");
    CHECK_FALSE(story.error_of(1).retry_after.has_value());
    story.wait(1s);
    CHECK_FALSE(story.engine().next_deadline().has_value());  // nobody asks any more
}

TEST_CASE("a wait for what our own replicas hold ends as a time-out") {
    Story story{{model_of(6_GiB, "a"), model_of(6_GiB, "b")}, gpus(1, 10_GiB)};
    load_first(story, 6_GiB);
    story.happen(core::CallArrived{RequestId{2}, core::ModelId{2}, 4, 600ms, 600ms});
    CHECK(story.engine().wait_reason(RequestId{2}) == core::WaitReason::memory);
    story.wait(1s);
    CHECK(story.was_refused(2, Errc::timeout));
}

TEST_CASE("[A5.5] unknown memory is refused, unless the policy admits it") {
    Story story{model_of(6_GiB), gpus()};
    story.call(1);
    story.sample(kGpu, std::nullopt);
    CHECK(story.was_refused(1, Errc::unavailable));
    CHECK(story.error_of(1).reason == "memory_unknown");
    core::DeviceSettings settings = gpus();
    settings.on_unknown_memory = core::UnknownMemory::admit;
    Story bold{model_of(6_GiB), settings};
    bold.call(1);
    bold.sample(kGpu, std::nullopt);
    CHECK(bold.find<core::Launch>() != nullptr);
}

TEST_CASE("a device that does not answer admits nothing, and holds nobody else up") {
    Story story{model_of(6_GiB), gpus(2)};
    story.call(1);
    story.sample(kOther, Bytes{});
    CHECK(story.find<core::Launch>() == nullptr);  // the first may be the better place
    story.wait(250ms);
    CHECK(story.find<core::Launch>()->device == kOther);
    story.wait(5s);  // nobody says so: the engine's own limit
    CHECK(story.engine().devices().find_device(kGpu)->is_silent);
}

TEST_CASE("[A3.5] at whatever moment memory is freed, the start comes within a second") {
    for (const bool has_mute : {false, true}) {  // another device that never answers
        for (auto freed = 0ms; freed <= 1500ms; freed += 10ms) {
            Story story{model_of(6_GiB), gpus(has_mute ? 2 : 1, 8_GiB)};
            story.call(1);
            std::optional<core::Duration> started;
            // Answers take 20 ms and tell what was so when they were asked for.
            for (auto now = 0ms; now <= freed + 1s && !started; now += 10ms) {
                const core::Device& device = *story.engine().devices().find_device(kGpu);
                const bool is_due = device.is_asked && story.now() - device.asked >= 20ms;
                if (is_due) story.sample(kGpu, now - 20ms >= freed ? 1_GiB : 4_GiB);
                if (story.find<core::Launch>() != nullptr) started = now;
                story.wait(10ms);
                if (story.find<core::Launch>() != nullptr) started = now;
            }
            INFO("freed after ", freed / 1ms, " ms, mute ", has_mute);
            CHECK(started.value_or(-1ms) >= freed);
        }
    }
}

TEST_CASE("who waits for one device does not keep another busy") {
    core::ModelSpec spec = model_of(6_GiB);
    spec.devices.uuids = {"GPU-0"};
    Story story{spec, gpus(2, 8_GiB)};
    story.call(1);
    story.sample(kGpu, 4_GiB);
    for (int i = 0; i < 10; ++i) {
        story.wait(500ms);
        story.sample(kGpu, 4_GiB);
    }
    CHECK(story.engine().devices().find_device(kOther)->sequence == 0);
}

TEST_CASE("an unresponsive device is asked again, and admits when it answers") {
    Story story{model_of(6_GiB), gpus()};
    story.call(1);
    story.happen(core::DeviceSilent{kGpu, 1});
    CHECK(story.engine().wait_reason(RequestId{1}) == core::WaitReason::device);
    story.wait(5s);
    REQUIRE(story.is_asked(kGpu));
    story.sample(kGpu, Bytes{});
    CHECK(story.find<core::Launch>() != nullptr);
}

TEST_CASE("an answer to a question that is not open changes nothing") {
    Story story{model_of(6_GiB), gpus()};
    story.call(1);
    story.happen(core::DeviceSampled{kGpu, 7, Bytes{}, {}, true});
    story.happen(core::DeviceSilent{kGpu, 7});
    story.happen(core::DeviceSilent{DeviceId{9}, 1});
    CHECK(story.is_asked(kGpu));
    CHECK(story.find<core::Launch>() == nullptr);
}

TEST_CASE("[A0.3] the bytes of the dead are claimed until a later sample shows them gone") {
    Story story{model_of(16_GiB), gpus()};
    load_first(story, 16_GiB);
    story.happen(core::WorkerExited{kFirst, "signal 9"});
    CHECK(story.is_asked(kGpu));
    story.call(2);
    story.wait(1s);  // the back-off
    story.sample(kGpu, 16_GiB);
    CHECK(story.find<core::Launch>() == nullptr);
    CHECK(story.engine().wait_reason(RequestId{2}) == core::WaitReason::memory);
    story.wait(100ms);
    story.sample(kGpu, Bytes{});
    CHECK(reported(story, EventCode::worker_memory_returned));
    CHECK(story.find<core::Launch>()->generation == kSecond);
}

TEST_CASE("an answer that was asked for before the exit is no proof") {
    Story story{model_of(6_GiB), gpus()};
    load_first(story, 6_GiB);
    story.wait(2s);
    REQUIRE(story.is_asked(kGpu));
    story.happen(core::WorkerExited{kFirst, "signal 9"});
    story.sample(kGpu, Bytes{});
    CHECK(ledger(story).claimed() == 6_GiB);
}

TEST_CASE("what has not come back at the settle deadline is fenced, and lifted when it does") {
    Story story{model_of(6_GiB), gpus()};
    load_first(story, 6_GiB);
    story.happen(core::WorkerExited{kFirst, "signal 9"});
    bool was_fenced = false;
    for (int i = 0; i < 400 && !was_fenced; ++i) {
        if (story.is_asked(kGpu)) story.sample(kGpu, 2_GiB);
        story.wait(100ms);
        was_fenced = reported(story, EventCode::device_fenced);
    }
    REQUIRE(was_fenced);
    CHECK(story.report(EventCode::device_fenced)->bytes == 2_GiB);
    CHECK(story.report(EventCode::device_fenced)->generation == kFirst);
    CHECK(ledger(story).fenced() == 2_GiB);
    CHECK(ledger(story).claimed() == Bytes{});
    story.wait(5s);
    REQUIRE(story.is_asked(kGpu));
    story.sample(kGpu, Bytes{});
    CHECK(reported(story, EventCode::device_fence_lifted));
    CHECK(ledger(story).free() == 24_GiB);
    story.wait(1min);
    CHECK_FALSE(story.is_asked(kGpu));  // nobody has anything there: it is left alone
}

TEST_CASE(
    "[A0.4] an unkillable process keeps its claim, and a replacement starts if bytes suffice") {
    core::ModelSpec spec = model_of(10_GiB);
    spec.run_timeout = 1s;
    spec.backoff = 1ms;
    Story story{spec, gpus()};
    story.call(1);
    story.sample(kGpu, Bytes{});
    story.make_ready();
    story.begin(1);
    story.call(2);
    bool is_replaced = false;
    for (int i = 0; i < 60 && !is_replaced; ++i) {
        if (story.is_asked(kGpu)) story.sample(kGpu, 10_GiB, {{kFirst, 10_GiB}});
        is_replaced = story.find<core::Launch>() != nullptr;
        if (!is_replaced) story.wait(500ms);
        is_replaced = is_replaced || story.find<core::Launch>() != nullptr;
    }
    REQUIRE(is_replaced);
    CHECK(ledger(story).claimed() == 20_GiB);
    story.happen(core::WorkerExited{kFirst, "signal 9"});  // at last
    if (!story.is_asked(kGpu)) story.wait(1s);
    story.sample(kGpu, Bytes{});
    if (story.is_asked(kGpu)) story.sample(kGpu, Bytes{});
    story.wait(1s);
    if (story.is_asked(kGpu)) story.sample(kGpu, Bytes{});
    CHECK(ledger(story).claimed() == 10_GiB);
}

TEST_CASE("[A3.4] two copies go to two devices") {
    core::ModelSpec spec = model_of(6_GiB);
    spec.copies = {.count_max = 64, .is_auto = true};
    Story story{spec, gpus(2)};
    story.call(1);
    story.call(2);
    story.sample(kGpu, Bytes{});
    story.sample(kOther, Bytes{});
    REQUIRE(ledger(story, kGpu).claimed() == 6_GiB);
    CHECK(ledger(story, kOther).claimed() == 6_GiB);
}

TEST_CASE("[A3.3] as many copies as fit beside a stranger; idle ones go when it grows") {
    core::ModelSpec spec = model_of(6000_MiB);
    spec.copies = {.count_max = 64, .is_auto = true};
    core::DeviceSettings settings = gpus(1, 24564_MiB);
    settings.headroom = 1024_MiB;
    Story story{spec, settings};
    for (std::uint64_t id = 1; id <= 4; ++id) story.call(id);
    story.sample(kGpu, 8000_MiB);
    CHECK(ledger(story).claims().size() == 2);
    story.make_ready(kFirst);
    story.make_ready(kSecond);
    for (const auto& [id, generation] : {std::pair{1U, kFirst}, std::pair{2U, kSecond}})
        story.answer(id, generation);
    for (const auto& [id, generation] : {std::pair{3U, kFirst}, std::pair{4U, kSecond}})
        story.answer(id, generation);
    CHECK(story.engine().view(kModel).copies == 2);
    bool is_told = false;
    for (int i = 0; i < 10 && !is_told; ++i) {
        story.wait(500ms);
        if (!story.is_asked(kGpu)) continue;
        story.sample(kGpu, 24200_MiB, {{kFirst, 6000_MiB}, {kSecond, 6000_MiB}});
        is_told = story.find<core::Stop>() != nullptr;
    }
    CHECK(is_told);  // within 5 s
    CHECK(story.engine().view(kModel).copies == 1);
}

TEST_CASE("an unknown need claims all there is, and what was measured once it is ready") {
    Story story{{{.name = "a", .prefetch = 0}, model_of(2_GiB, "b")}, gpus()};
    story.happen(core::LoadAsked{RequestId{1}, kModel, 1h});
    story.sample(kGpu, 4_GiB);
    CHECK(ledger(story).claimed() == 20_GiB);
    story.happen(core::CallArrived{RequestId{2}, core::ModelId{2}, 4, 1h, 1h});
    CHECK(story.engine().wait_reason(RequestId{2}) == core::WaitReason::memory);
    story.make_ready();
    if (!story.is_asked(kGpu)) story.wait(500ms);
    story.sample(kGpu, 12_GiB, {{kFirst, 8_GiB}});
    if (story.is_asked(kGpu)) story.sample(kGpu, 12_GiB, {{kFirst, 8_GiB}});
    CHECK(ledger(story).find_claim(kFirst)->bytes == 8_GiB + 512_MiB + 64_MiB);
    CHECK(ledger(story).find_claim(kSecond) != nullptr);
}

TEST_CASE("an unknown need claims no more for its margin than there was") {
    Story story{core::ModelSpec{.name = "a", .prefetch = 0}, gpus()};
    story.happen(core::LoadAsked{RequestId{1}, kModel, 1h});
    story.sample(kGpu, 4_GiB);
    REQUIRE(ledger(story).claimed() == 20_GiB);
    story.make_ready();
    if (!story.is_asked(kGpu)) story.wait(500ms);
    story.sample(kGpu, 23_GiB + 512_MiB, {{kFirst, 19_GiB + 512_MiB}});
    if (story.is_asked(kGpu)) story.sample(kGpu, 23_GiB + 512_MiB, {{kFirst, 19_GiB + 512_MiB}});
    CHECK(ledger(story).claimed() == 20_GiB);
}

TEST_CASE("an unknown need does not settle at what others took where processes look alike") {
    Story story{{model_of(10_GiB, "b"), {.name = "a", .prefetch = 0}}, gpus()};
    load_first(story, Bytes{});
    story.happen(core::LoadAsked{RequestId{2}, core::ModelId{2}, 1h});
    if (story.is_asked(kGpu)) story.sample(kGpu, Bytes{}, {}, false);
    REQUIRE(ledger(story).find_claim(kSecond)->bytes == 14_GiB);
    story.happen(core::WorkerHello{kSecond});
    story.happen(core::WorkerLoaded{kSecond});
    // Asked for before the load's end, and after it: the first takes what it had claimed.
    for (int i = 0; i < 2; ++i) {
        if (story.is_asked(kGpu)) story.sample(kGpu, 22_GiB, {}, false);
    }
    CHECK(ledger(story).find_claim(kSecond)->bytes == 14_GiB);
    CHECK_FALSE(ledger(story).is_exclusive());
}

TEST_CASE("a load that a stranger was quicker than is tried again, and nobody is told") {
    Story story{model_of(6_GiB), gpus()};
    story.call(1);
    story.sample(kGpu, Bytes{});
    story.happen(core::WorkerHello{kFirst});
    story.happen(core::LoadFailed{kFirst, fail(Errc::out_of_memory, "no room")});
    CHECK(story.response(1) == nullptr);
    CHECK(reported(story, EventCode::model_load_retried));
    story.happen(core::WorkerExited{kFirst, "exit status 0"});
    story.sample(kGpu, 20_GiB);  // it was a stranger
    CHECK(story.find<core::Launch>() == nullptr);
    story.wait(500ms);
    story.sample(kGpu, 1_GiB);
    CHECK(story.find<core::Launch>() != nullptr);
    CHECK(story.engine().view(kModel).failure_count == 0);
}

TEST_CASE("a need that is said too small is not tried for ever") {
    Story story{model_of(1_GiB), gpus()};
    story.call(1);
    story.sample(kGpu, Bytes{});
    for (std::uint64_t generation = 1; generation <= 3; ++generation) {
        story.happen(core::WorkerHello{Generation{generation}});
        story.happen(core::LoadFailed{Generation{generation}, fail(Errc::out_of_memory, "no")});
        if (generation == 3) break;
        story.happen(core::WorkerExited{Generation{generation}, "exit status 0"});
        story.sample(kGpu, Bytes{});
        REQUIRE(story.find<core::Launch>() != nullptr);
    }
    CHECK(story.was_refused(1, Errc::out_of_memory));
}

TEST_CASE(
    "a lost device ends its workers, and a device of a list that is not there is waited for") {
    core::ModelSpec spec = model_of(6_GiB);
    spec.devices.uuids = {"GPU-0"};
    Story story{spec, gpus(2)};
    story.call(1);
    CHECK_FALSE(story.is_asked(kOther));
    story.sample(kGpu, Bytes{});
    story.make_ready();
    story.happen(core::DeviceLost{kGpu});
    CHECK(story.find<core::Terminate>()->generation == kFirst);
    REQUIRE(reported(story, EventCode::worker_poisoned));
    const auto error = story.report(EventCode::worker_poisoned)->error;
    CHECK((error && error->code == Errc::device_lost));
    story.happen(core::WorkerExited{kFirst, "signal 15"});
    story.wait(1s);
    CHECK(story.engine().wait_reason(RequestId{1}) == core::WaitReason::device);
    const core::DeviceSpec back{.uuid = "GPU-0", .kind = core::DeviceKind::gpu, .capacity = 24_GiB};
    story.happen(core::DeviceFound{kGpu, back});
    story.sample(kGpu, Bytes{});
    CHECK(story.find<core::Launch>() != nullptr);
}

TEST_CASE("a load on a device that is lost is done on another, and nobody is told") {
    Story story{model_of(6_GiB), gpus(2)};
    story.call(1);
    story.sample(kGpu, Bytes{});
    if (story.is_asked(kOther)) story.sample(kOther, Bytes{});
    REQUIRE(ledger(story).find_claim(kFirst) != nullptr);
    story.happen(core::WorkerHello{kFirst});
    story.happen(core::DeviceLost{kGpu});
    CHECK(story.find<core::Terminate>()->generation == kFirst);
    CHECK(story.response(1) == nullptr);
    story.happen(core::WorkerExited{kFirst, "signal 15"});
    if (story.is_asked(kOther)) story.sample(kOther, Bytes{});
    REQUIRE(story.find<core::Launch>() != nullptr);
    CHECK(story.find<core::Launch>()->device == kOther);
    CHECK(story.engine().view(kModel).failure_count == 0);
}

TEST_CASE("a model for any device takes a GPU where there is one, and the CPU where not") {
    core::DeviceSettings settings = gpus();
    settings.known.push_back({.uuid = "cpu", .kind = core::DeviceKind::cpu, .capacity = 64_GiB});
    Story story{{model_of(1_GiB, "a"), model_of(1_GiB, "b")}, settings};
    story.call(1);
    CHECK(story.is_asked(kGpu));
    CHECK_FALSE(story.is_asked(kOther));
    core::ModelSpec spec = model_of(1_GiB, "b");
    spec.devices.is_cpu = true;
    story.happen(core::ModelConfigured{spec, false});
    story.happen(core::CallArrived{RequestId{2}, core::ModelId{2}, 4, 1h, 1h});
    CHECK(story.is_asked(kOther));
}

TEST_CASE("two that need all do not share a device that is silent, although it admits") {
    core::DeviceSettings settings = gpus();
    settings.on_unknown_memory = core::UnknownMemory::admit;
    core::ModelSpec all{.name = "a", .need = {.kind = core::NeedKind::all}, .prefetch = 0};
    core::ModelSpec other = all;
    other.name = "b";
    Story story{{all, other}, settings};
    story.call(1);
    story.happen(core::DeviceSilent{kGpu, story.engine().devices().device(kGpu).sequence});
    REQUIRE(story.find<core::Launch>() != nullptr);
    story.happen(core::CallArrived{RequestId{2}, core::ModelId{2}, 4, 1h, 1h});
    CHECK(story.find<core::Launch>() == nullptr);
    story.happen(core::WorkerExited{kFirst, "signal 9"});
    story.wait(31s);  // its memory may be there still
    CHECK(story.engine().devices().holdings().size() == 1);
    if (story.is_asked(kGpu)) story.sample(kGpu, Bytes{});
    CHECK(story.engine().devices().holdings().contains(kSecond));
}
