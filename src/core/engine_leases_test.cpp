// Leases on the raw memory of a device, one law at a time: they count like any claim, have one
// answer and one end, and what they had is free when the driver shows it.
#include <doctest/doctest.h>

#include "core/engine_testing.h"

namespace core = windlass::core;
using core::Bytes;
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

constexpr RequestId kLease{100};

core::LeaseAsked lease_of(Bytes bytes, core::Duration wait = 1h, core::Duration duration = 10min) {
    return {.request = kLease, .bytes = bytes, .devices = {}, .wait = wait, .duration = duration};
}

const core::DeviceLedger& ledger(Story& story, core::DeviceId id = kGpu) {
    return story.engine().devices().find_device(id)->ledger;
}

bool was_granted(const Story& story) {
    const core::Respond* answer = story.response(kLease.value);
    return answer != nullptr && !answer->error;
}

// Asked for and granted on an empty device; its client holds `used` of it.
void grant(Story& story, Bytes bytes, Bytes used = {}) {
    story.happen(lease_of(bytes));
    story.sample(kGpu, Bytes{});
    REQUIRE(was_granted(story));
    story.wait(2s);
    story.sample(kGpu, used, {{kFirst, used}});
}

// Some answers show so much used by nobody who lives.
void show(Story& story, Bytes used, int times = 3) {
    for (int i = 0; i < times; ++i) {
        if (story.is_asked(kGpu)) story.sample(kGpu, used);
        story.wait(100ms);
    }
}

}  // namespace

TEST_CASE("a lease is granted where there is room, and its bytes are claimed until they are back") {
    Story story{model_of(6_GiB), gpus(1, 8_GiB)};
    story.happen(lease_of(5_GiB));
    CHECK(story.find<core::SampleDevice>()->device == kGpu);
    CHECK(story.response(kLease.value) == nullptr);
    CHECK(story.engine().wait_reason(kLease) == core::WaitReason::memory);
    story.sample(kGpu, 1_GiB);
    REQUIRE(was_granted(story));
    CHECK(story.response(kLease.value)->device == kGpu);
    CHECK(story.report(EventCode::lease_granted)->bytes == 5_GiB);
    CHECK_FALSE(story.engine().wait_reason(kLease));
    CHECK(ledger(story).free() == 2_GiB);

    story.happen(core::LeaseReturned{kLease});
    CHECK_FALSE(story.report(EventCode::lease_ended)->error);
    CHECK(ledger(story).claimed() == 5_GiB);  // its word is no proof
    REQUIRE(story.is_asked(kGpu));
    story.sample(kGpu, 1_GiB);
    CHECK(ledger(story).claimed() == 5_GiB);  // asked for before that
    story.wait(100ms);
    REQUIRE(story.is_asked(kGpu));
    story.sample(kGpu, 1_GiB);
    REQUIRE(story.report(EventCode::worker_memory_returned) != nullptr);
    CHECK(story.report(EventCode::worker_memory_returned)->bytes == 5_GiB);
    CHECK(ledger(story).free() == 7_GiB);
    story.happen(core::LeaseReturned{kLease});  // nobody knows it any more
    CHECK(story.find<core::Report>() == nullptr);
}

TEST_CASE("a lease goes to the device that fits best, of those that were asked for") {
    Story story{model_of(1_GiB), gpus(2)};
    core::LeaseAsked asked = lease_of(2_GiB);
    asked.devices.uuids = {"GPU-1"};
    story.happen(asked);
    story.sample(kOther, Bytes{});
    CHECK(story.response(kLease.value)->device == kOther);
}

TEST_CASE("a lease that can never fit is refused at once, with the numbers") {
    Story story{model_of(1_GiB), gpus(1, 8_GiB)};
    story.happen(lease_of(9_GiB));
    story.sample(kGpu, 1_GiB);
    REQUIRE(story.was_refused(kLease.value, Errc::unavailable));
    CHECK(story.error_of(kLease.value).reason == "memory");
    CHECK_FALSE(story.error_of(kLease.value).retry_after);
    CHECK(story.memory_of(kLease.value).required == 9_GiB);
    CHECK(story.memory_of(kLease.value).available == 7_GiB);
}

TEST_CASE("a lease that finds no room in its time is told who has it") {
    Story story{model_of(6_GiB), gpus(1, 8_GiB)};
    story.call(1);
    story.sample(kGpu, Bytes{});
    story.make_ready();
    story.happen(lease_of(4_GiB, 5s));
    CHECK(story.engine().wait_reason(kLease) == core::WaitReason::memory);
    for (int i = 0; i < 40 && story.engine().wait_reason(kLease); ++i) {
        if (story.is_asked(kGpu)) story.sample(kGpu, 6_GiB, {{kFirst, 6_GiB}});
        story.wait(500ms);
    }
    CHECK(story.was_refused(kLease.value, Errc::timeout));  // our own model holds it
    CHECK(story.memory_of(kLease.value).holders.at(0).kind == "model");
    CHECK(story.find<core::Stop>() == nullptr);  // and nobody makes room
}

TEST_CASE("a lease that strangers keep from its place ends as unavailable") {
    Story story{model_of(6_GiB), gpus(1, 8_GiB)};
    story.happen(lease_of(4_GiB, 700ms));
    story.sample(kGpu, 5_GiB);
    story.wait(500ms);
    REQUIRE(story.is_asked(kGpu));
    story.sample(kGpu, 5_GiB);
    story.wait(200ms);
    CHECK(story.was_refused(kLease.value, Errc::unavailable));
    CHECK(story.error_of(kLease.value).reason == "memory");
    CHECK(story.memory_of(kLease.value).holders.at(0).kind == "foreign");
    story.wait(20s);
    CHECK_FALSE(story.engine().next_deadline());  // nothing is left of it
}

TEST_CASE("a lease that waits is granted when a stranger gives way") {
    Story story{model_of(6_GiB), gpus(1, 8_GiB)};
    story.happen(lease_of(4_GiB));
    story.sample(kGpu, 5_GiB);
    CHECK(story.response(kLease.value) == nullptr);
    story.wait(500ms);
    story.sample(kGpu, 3_GiB);
    CHECK(was_granted(story));
}

TEST_CASE("a client that goes takes its wait along, and its lease") {
    Story story{model_of(6_GiB), gpus(1, 8_GiB)};
    story.happen(lease_of(4_GiB));
    story.happen(core::ClientGone{kLease});
    CHECK(story.was_refused(kLease.value, Errc::cancelled));
    story.sample(kGpu, Bytes{});

    Story other{model_of(6_GiB), gpus(1, 8_GiB)};
    grant(other, 4_GiB, 4_GiB);
    other.happen(core::ClientGone{kLease});
    CHECK(other.report(EventCode::lease_ended) != nullptr);
    CHECK(other.response(kLease.value) == nullptr);
    CHECK(ledger(other).free() == 4_GiB);
    show(other, Bytes{});
    CHECK(ledger(other).free() == 8_GiB);
}

TEST_CASE("when its time is over a lease ends, and what its client keeps is fenced") {
    Story story{model_of(6_GiB), gpus(1, 8_GiB)};
    grant(story, 4_GiB, 3_GiB);
    for (int i = 0; i < 298; ++i) {
        story.wait(2s);
        story.sample(kGpu, 3_GiB, {{kFirst, 3_GiB}});
    }
    story.wait(2s);
    REQUIRE(story.report(EventCode::lease_ended) != nullptr);
    CHECK(story.report(EventCode::lease_ended)->error.value_or(Error{}).code == Errc::timeout);
    bool is_fenced = false;
    for (int i = 0; i < 400; ++i) {
        if (story.is_asked(kGpu)) story.sample(kGpu, 3_GiB, {{kFirst, 3_GiB}});
        story.wait(100ms);
        is_fenced = is_fenced || story.report(EventCode::device_fenced) != nullptr;
    }
    CHECK(is_fenced);
    CHECK(ledger(story).fenced() == 3_GiB);
    CHECK(ledger(story).free() == 5_GiB);
    story.wait(5s);
    story.sample(kGpu, Bytes{});
    CHECK(story.report(EventCode::device_fence_lifted) != nullptr);
    CHECK(ledger(story).free() == 8_GiB);
}

TEST_CASE("the loss of its device ends a lease, and what waits for it waits for a device") {
    Story story{model_of(6_GiB), gpus(1, 8_GiB)};
    grant(story, 4_GiB, 4_GiB);
    story.happen(core::DeviceLost{kGpu});
    REQUIRE(story.report(EventCode::lease_ended) != nullptr);
    CHECK(story.report(EventCode::lease_ended)->error.value_or(Error{}).code == Errc::device_lost);
    core::LeaseAsked second = lease_of(4_GiB, 40s);
    second.request = RequestId{101};
    story.happen(second);
    CHECK(story.engine().wait_reason(second.request) == core::WaitReason::device);
    story.wait(40s);
    CHECK(story.was_refused(101, Errc::unavailable));
    CHECK(story.error_of(101).reason == "device");
    CHECK(ledger(story).fenced() == 4_GiB);  // nobody has seen it come back
    story.happen(core::DeviceFound{kGpu, gpus(1, 8_GiB).known.front()});
    story.wait(5s);
    story.sample(kGpu, Bytes{});
    CHECK(ledger(story).free() == 8_GiB);
}

TEST_CASE("a shutdown refuses a lease that waits, and ends one that was granted") {
    Story story{model_of(6_GiB), gpus(1, 8_GiB)};
    grant(story, 4_GiB);
    core::LeaseAsked second = lease_of(6_GiB);
    second.request = RequestId{101};
    story.happen(second);
    REQUIRE(story.engine().wait_reason(second.request));
    story.happen(core::ShutdownAsked{5s});
    CHECK(story.error_of(101).reason == "shutting_down");
    CHECK(story.report(EventCode::lease_ended)->error.value_or(Error{}).reason == "shutting_down");
    CHECK(story.engine().is_finished());
    core::LeaseAsked third = lease_of(1_GiB);
    third.request = RequestId{102};
    story.happen(third);
    CHECK(story.error_of(102).reason == "shutting_down");
}

TEST_CASE("a lease does not overtake a model that has waited for longer") {
    Story story{model_of(6_GiB), gpus(1, 8_GiB)};
    story.call(1);
    story.sample(kGpu, 4_GiB);  // a stranger: 2 GiB are missing for the model
    story.happen(lease_of(1_GiB));
    CHECK(story.response(kLease.value) == nullptr);
    CHECK(story.engine().wait_reason(kLease) == core::WaitReason::memory);
    story.wait(500ms);
    story.sample(kGpu, 4_GiB);
    CHECK(story.response(kLease.value) == nullptr);
    story.wait(500ms);
    story.sample(kGpu, 1_GiB);
    CHECK(story.find<core::Launch>() != nullptr);  // first the model, then what is left
    CHECK(was_granted(story));
}

TEST_CASE("a lease waits behind nobody who may not use its device") {
    core::ModelSpec picky = model_of(20_GiB);
    picky.devices.uuids = {"GPU-1"};
    Story story{picky, gpus(2)};
    story.call(1);
    story.sample(kOther, 10_GiB);
    REQUIRE(story.engine().wait_reason(RequestId{1}) == core::WaitReason::memory);
    core::LeaseAsked asked = lease_of(2_GiB);
    asked.devices.uuids = {"GPU-0"};
    story.happen(asked);
    story.sample(kGpu, Bytes{});
    CHECK(story.response(kLease.value)->device == kGpu);
}

TEST_CASE("what is kept for a model that others made room for is nobody's lease") {
    Story story{{model_of(6_GiB, "a"), model_of(6_GiB, "b")}, gpus(1, 8_GiB)};
    story.call(1);
    story.sample(kGpu, Bytes{});
    story.make_ready();
    story.begin(1);
    story.happen(lease_of(3_GiB));  // before the second model: 2 GiB are free
    story.sample(kGpu, 6_GiB, {{kFirst, 6_GiB}});
    story.happen(core::CallArrived{RequestId{2}, core::ModelId{2}, 4, 1h, 1h});
    story.answer(1);
    bool makes_room = story.find<core::Stop>() != nullptr;
    for (int i = 0; i < 3 && !makes_room; ++i) {
        if (story.is_asked(kGpu)) story.sample(kGpu, 6_GiB, {{kFirst, 6_GiB}});
        makes_room = story.find<core::Stop>() != nullptr;
        if (!makes_room) story.wait(500ms);
        makes_room = makes_room || story.find<core::Stop>() != nullptr;
    }
    REQUIRE(makes_room);
    story.happen(core::WorkerExited{kFirst, "exit status 0"});
    story.sample(kGpu, Bytes{});
    CHECK(story.find<core::Launch>() != nullptr);
    CHECK(story.response(kLease.value) == nullptr);
}

TEST_CASE("memory that is not told, and memory of the CPU, is not leased") {
    core::DeviceSettings settings = gpus();
    settings.on_unknown_memory = core::UnknownMemory::admit;  // of models
    Story story{model_of(6_GiB), settings};
    story.happen(lease_of(1_GiB));
    story.sample(kGpu, std::nullopt);
    REQUIRE(story.was_refused(kLease.value, Errc::unavailable));
    CHECK(story.error_of(kLease.value).reason == "memory_unknown");

    Story small{model_of(6_GiB)};
    small.happen(lease_of(1_GiB));
    CHECK(small.was_refused(kLease.value, Errc::unsupported));
}

TEST_CASE("where processes are hidden, what a client has taken is counted twice rather than lost") {
    Story story{model_of(2_GiB), gpus(1, 8_GiB)};
    story.happen(lease_of(3_GiB));
    story.sample(kGpu, 2_GiB, {}, false);
    REQUIRE(was_granted(story));
    if (story.is_asked(kGpu)) story.sample(kGpu, 2_GiB, {}, false);
    CHECK(ledger(story).free() == 3_GiB);  // a stranger's 2 GiB do not pass for the lease's
    story.wait(2s);
    story.sample(kGpu, 4_GiB, {}, false);
    CHECK(ledger(story).free() == 1_GiB);
}

TEST_CASE("a lease that is not used hides no stranger from the judgement of the dead") {
    Story story{model_of(2_GiB), gpus(1, 8_GiB)};
    grant(story, 3_GiB);
    story.call(1);
    if (story.is_asked(kGpu)) story.sample(kGpu, Bytes{});
    story.make_ready(kSecond);
    story.begin(1, kSecond);
    story.answer(1, kSecond);
    story.wait(2s);
    // A stranger comes, and is there before the model ends.
    story.sample(kGpu, 3_GiB, {{kSecond, 2_GiB}});
    story.happen(core::UnloadAsked{RequestId{2}, kModel, 10s});
    story.happen(core::WorkerExited{kSecond, "exit status 0"});
    show(story, 1_GiB);
    CHECK(ledger(story).claimed() == 3_GiB);
    CHECK(ledger(story).foreign() == 1_GiB);
}
