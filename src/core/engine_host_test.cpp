// The CPU as a device: its ledger is that of the machine's own memory.
#include <doctest/doctest.h>

#include "core/engine_testing.h"

namespace core = windlass::core;
using core::Bytes;
using core::Generation;
using core::RequestId;
using windlass::core::testing::kFirst;
using windlass::core::testing::Story;
using namespace std::chrono_literals;
using namespace windlass::base;  // _MiB, _GiB

namespace {

constexpr core::DeviceId kCpu{1};
constexpr Generation kSecond{2};

core::DeviceSettings host(Bytes capacity) {
    return {.on_unknown_memory = core::UnknownMemory::refuse,
            .known = {{.uuid = "cpu", .kind = core::DeviceKind::cpu, .capacity = capacity}}};
}

core::ModelSpec needing(Bytes need, const char* name = "digits") {
    return {.name = name, .need = {.kind = core::NeedKind::bytes, .bytes = need}, .prefetch = 0};
}

const core::DeviceLedger& memory(Story& story) {
    return story.engine().devices().find_device(kCpu)->ledger;
}

}  // namespace

TEST_CASE("on a CPU the reap is the proof") {
    Story story{needing(6_GiB), host(64_GiB)};
    story.call(1);
    story.sample(kCpu, Bytes{});
    story.make_ready();
    story.happen(core::WorkerExited{kFirst, "signal 9"});
    CHECK(memory(story).claims().empty());
}

TEST_CASE("on a CPU a model without a need starts at once, beside others that load") {
    Story story{{{.name = "a"}, {.name = "b"}}, host(1_GiB)};
    story.call(1);
    CHECK(story.find<core::Launch>()->generation == kFirst);
    story.happen(core::CallArrived{RequestId{2}, core::ModelId{2}, 4, 1h, 1h});
    CHECK(story.find<core::Launch>()->generation == kSecond);
    CHECK_FALSE(story.is_asked(kCpu));
}

TEST_CASE("needs on a CPU are claims on the machine's memory, beside strangers and headroom") {
    core::DeviceSettings settings = host(16_GiB);
    settings.headroom = 1_GiB;
    core::ModelSpec half = needing({}, "half");
    half.need = {.kind = core::NeedKind::share, .permyriad = 5'000};
    Story story{{needing(6_GiB, "first"), half}, settings};
    story.call(1);
    CHECK(story.find<core::Launch>() == nullptr);  // not before it was measured
    story.sample(kCpu, 2_GiB);
    CHECK(story.find<core::Launch>()->generation == kFirst);
    CHECK(memory(story).free() == 7_GiB);  // 16 - 1 - 2 - 6
    story.happen(core::CallArrived{RequestId{2}, core::ModelId{2}, 4, 1h, 1h});
    CHECK(story.engine().wait_reason(RequestId{2}) == core::WaitReason::memory);  // for 7.5
    story.wait(1s);
    story.sample(kCpu, 1_GiB);
    CHECK(story.find<core::Launch>()->generation == kSecond);
    CHECK(memory(story).claimed() == 6_GiB + 7680_MiB);
}

TEST_CASE("who needs all of the machine's memory runs there alone") {
    core::ModelSpec all = needing({}, "all");
    all.need = {.kind = core::NeedKind::all};
    Story story{{all, {.name = "unknown"}}, host(16_GiB)};
    story.call(1);
    story.sample(kCpu, 2_GiB);
    CHECK(memory(story).claimed() == 14_GiB);
    story.happen(core::CallArrived{RequestId{2}, core::ModelId{2}, 4, 1h, 1h});
    CHECK(story.find<core::Launch>() == nullptr);
    story.happen(core::WorkerExited{kFirst, "signal 9"});
    CHECK(story.find<core::Launch>()->generation == kSecond);
}

TEST_CASE("the CPU stands in for GPUs only once it is known that there are none") {
    core::DeviceSettings settings = host(64_GiB);
    core::DeviceSpec& cpu = settings.known.front();
    cpu.stands_in = false;
    Story story{{needing(1_GiB, "a"), needing(1_GiB, "b")}, settings};
    story.call(1);
    CHECK(story.engine().wait_reason(RequestId{1}) == core::WaitReason::device);
    CHECK_FALSE(story.is_asked(kCpu));
    cpu.stands_in = true;
    story.happen(core::DeviceFound{kCpu, cpu});
    story.sample(kCpu, Bytes{});
    CHECK(story.find<core::Launch>() != nullptr);
}
