// A need that nobody knows: the load and the first run claim all there is, one after the other.
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
using windlass::core::testing::gpus;
using windlass::core::testing::kFirst;
using windlass::core::testing::kGpu;
using windlass::core::testing::kModel;
using windlass::core::testing::kSecond;
using windlass::core::testing::model_of;
using windlass::core::testing::Story;
using namespace std::chrono_literals;
using namespace windlass::base;  // _MiB, _GiB

namespace {

constexpr ModelId kOtherModel{2};
constexpr ModelId kThirdModel{3};

core::ModelSpec unknown(const char* name = "digits") { return {.name = name, .prefetch = 0}; }

Bytes claim_of(Story& story, Generation generation) {
    return story.engine().devices().device(kGpu).ledger.find_claim(generation)->bytes;
}

// Asked by an administrator, loaded with 4 GiB, and measured.
void load_unknown(Story& story, Generation generation, std::vector<core::OwnMemory> own) {
    story.happen(core::LoadAsked{RequestId{100 + generation.value}, ModelId{generation.value}, 1h});
    if (story.is_asked(kGpu)) story.sample(kGpu, Bytes{own.size() * (4_GiB).count()}, own);
    own.push_back({generation, 4_GiB});
    story.make_ready(generation);
    while (story.is_asked(kGpu)) story.sample(kGpu, Bytes{own.size() * (4_GiB).count()}, own);
    REQUIRE(claim_of(story, generation) == with_margin(4_GiB));
}

void call_other(Story& story, std::uint64_t id, ModelId model = kOtherModel) {
    story.happen(core::CallArrived{RequestId{id}, model, 4, 1h, 1h});
}

}  // namespace

TEST_CASE("a call that loads an unknown need keeps all there is until its run was measured") {
    Story story{unknown(), gpus()};
    story.call(1);
    story.sample(kGpu, 4_GiB);
    story.make_ready();
    CHECK(story.was_sent(1));
    CHECK(claim_of(story, kFirst) == 20_GiB);
    story.begin(1);
    story.sample(kGpu, 12_GiB, {{kFirst, 8_GiB}});
    CHECK(claim_of(story, kFirst) == 20_GiB);
    story.wait(2s);
    story.sample(kGpu, 15_GiB, {{kFirst, 11_GiB}});  // its peak
    story.answer(1);
    REQUIRE(story.is_asked(kGpu));
    story.sample(kGpu, 13_GiB, {{kFirst, 9_GiB}});
    CHECK(claim_of(story, kFirst) == with_margin(11_GiB));
}

TEST_CASE("after a load without a call, the first run claims again what is then free") {
    Story story{{unknown(), model_of(2_GiB, "b")}, gpus()};
    load_unknown(story, kFirst, {});
    story.wait(1900ms);  // the last answer is too old now
    story.call(1);
    CHECK(story.find<core::Dispatch>() == nullptr);
    CHECK(story.engine().wait_reason(RequestId{1}) == WaitReason::memory);
    REQUIRE(story.is_asked(kGpu));
    story.sample(kGpu, 10_GiB, {{kFirst, 4_GiB}});
    CHECK(story.was_sent(1));
    CHECK(story.engine().devices().device(kGpu).ledger.free() == Bytes{});
    call_other(story, 2);
    if (story.is_asked(kGpu)) story.sample(kGpu, 10_GiB, {{kFirst, 4_GiB}});
    CHECK(story.engine().wait_reason(RequestId{2}) == WaitReason::memory);
    story.begin(1);
    story.answer(1);
    story.sample(kGpu, 12_GiB, {{kFirst, 6_GiB}});
    CHECK(claim_of(story, kFirst) == with_margin(6_GiB));
    CHECK(story.engine().devices().holdings().contains(kSecond));
    story.call(3);
    CHECK(story.was_sent(3));  // it has run before: nothing to wait for
}

TEST_CASE("a first run waits for a load beside it, and no other load gets ahead of it") {
    Story story{{unknown(), model_of(2_GiB, "b"), model_of(2_GiB, "c")}, gpus()};
    load_unknown(story, kFirst, {});
    call_other(story, 1);
    REQUIRE(story.find<core::Launch>() != nullptr);
    story.call(2);
    CHECK(story.find<core::Dispatch>() == nullptr);
    CHECK(story.engine().wait_reason(RequestId{2}) == WaitReason::memory);
    call_other(story, 3, kThirdModel);
    CHECK(story.engine().wait_reason(RequestId{3}) == WaitReason::memory);
    story.make_ready(kSecond);
    CHECK(story.was_sent(2));
    story.begin(2);
    story.answer(2);
    CHECK(story.find<core::Launch>() == nullptr);
    while (story.is_asked(kGpu)) {
        story.sample(kGpu, 6_GiB, {{kFirst, 4_GiB}, {kSecond, 2_GiB}});
    }
    CHECK(story.find<core::Launch>()->model == kThirdModel);
}

TEST_CASE("a first run that nobody wants any more lets others load") {
    Story story{{unknown(), model_of(2_GiB, "b"), model_of(2_GiB, "c")}, gpus()};
    load_unknown(story, kFirst, {});
    call_other(story, 1);
    story.call(2);
    call_other(story, 3, kThirdModel);
    story.happen(core::ClientGone{RequestId{2}});
    for (int i = 0; i < 3 && story.find<core::Launch>() == nullptr; ++i) {
        story.wait(500ms);
        if (story.is_asked(kGpu)) story.sample(kGpu, 4_GiB, {{kFirst, 4_GiB}});
    }
    CHECK(story.find<core::Launch>()->model == kThirdModel);
}

TEST_CASE("who has to make room while its first run waits keeps nobody out for that any more") {
    Story story{{unknown(), model_of(2_GiB, "b"), model_of(19_GiB, "c")}, gpus()};
    load_unknown(story, kFirst, {});
    call_other(story, 1);
    story.happen(core::WorkerHello{kSecond});  // and loads for long
    story.call(2);
    REQUIRE(story.engine().devices().device(kGpu).waiting_runs == 1);
    call_other(story, 3, kThirdModel);
    const auto has_gone = [&] { return story.report(core::EventCode::model_evicted) != nullptr; };
    for (int i = 0; i < 200 && !has_gone(); ++i) {
        story.wait(500ms);
        if (has_gone()) break;
        if (story.is_asked(kGpu)) story.sample(kGpu, 4_GiB, {{kFirst, 4_GiB}});
    }
    CHECK(has_gone());
    CHECK(story.engine().devices().device(kGpu).waiting_runs == 0);
}

TEST_CASE("a first run that begins on a device that fell silent keeps nobody out any more") {
    core::DeviceSettings settings = gpus();
    settings.on_unknown_memory = core::UnknownMemory::admit;
    core::ModelSpec pinned = unknown();
    pinned.is_pinned = true;
    Story story{{pinned, model_of(21_GiB, "b")}, settings};
    load_unknown(story, kFirst, {});
    story.wait(1900ms);  // the last answer is too old now
    call_other(story, 1);
    REQUIRE(story.is_asked(kGpu));
    story.sample(kGpu, 4_GiB, {{kFirst, 4_GiB}});
    REQUIRE(story.engine().wait_reason(RequestId{1}) == WaitReason::memory);
    story.wait(1900ms);
    story.call(2);
    REQUIRE(story.engine().devices().device(kGpu).waiting_runs == 1);
    story.happen(core::DeviceSilent{kGpu, story.engine().devices().device(kGpu).sequence});
    CHECK(story.was_sent(2));
    CHECK(story.find<core::Launch>() != nullptr);  // the policy admits it, as it does the run
}

TEST_CASE("two unknown needs on one device run first one after the other") {
    Story story{{unknown(), unknown("b")}, gpus()};
    load_unknown(story, kFirst, {});
    load_unknown(story, kSecond, {{kFirst, 4_GiB}});
    story.call(1);
    CHECK(story.was_sent(1));
    call_other(story, 2);
    CHECK(story.find<core::Dispatch>() == nullptr);
    CHECK(story.engine().wait_reason(RequestId{2}) == WaitReason::memory);
    story.begin(1);
    story.answer(1);
    CHECK(story.find<core::Dispatch>() == nullptr);  // what it needs is being measured
    story.sample(kGpu, 9_GiB, {{kFirst, 5_GiB}, {kSecond, 4_GiB}});
    CHECK(story.was_sent(2));
    story.begin(2, kSecond);
    story.answer(2, kSecond);
    story.sample(kGpu, 12_GiB, {{kFirst, 5_GiB}, {kSecond, 7_GiB}});
    CHECK(claim_of(story, kFirst) == with_margin(5_GiB));
    CHECK(claim_of(story, kSecond) == with_margin(7_GiB));
}

TEST_CASE("the first run is made alone in its worker, however much that may do at once") {
    core::ModelSpec spec = unknown();
    spec.concurrency = 2;
    Story story{spec, gpus()};
    for (std::uint64_t id = 1; id <= 3; ++id) story.call(id);
    story.sample(kGpu, Bytes{});
    story.make_ready();
    CHECK(story.was_sent(1));
    CHECK(story.engine().wait_reason(RequestId{2}) == WaitReason::busy);
    story.begin(1);
    story.answer(1);
    CHECK(story.engine().view(kModel).waiting == 2);
    CHECK(story.was_sent(2));
}

TEST_CASE("a first run that fails was one; a call that came back unbegun was none") {
    Story story{unknown(), gpus()};
    story.call(1);
    story.sample(kGpu, Bytes{});
    story.make_ready();
    story.happen(core::ClientGone{RequestId{1}});
    story.happen(core::RunRecalled{kFirst, RequestId{1}, true});
    while (story.is_asked(kGpu)) story.sample(kGpu, 4_GiB, {{kFirst, 4_GiB}});
    CHECK(claim_of(story, kFirst) == with_margin(4_GiB));
    story.call(2);
    REQUIRE(story.was_sent(2));
    CHECK(claim_of(story, kFirst) == 24_GiB);
    story.begin(2);
    story.happen(core::RunFailed{kFirst, RequestId{2}, fail(Errc::invalid_input, "no")});
    while (story.is_asked(kGpu)) story.sample(kGpu, 4_GiB, {{kFirst, 4_GiB}});
    story.call(3);
    CHECK(story.was_sent(3));
    CHECK(claim_of(story, kFirst) == with_margin(4_GiB));
}

TEST_CASE("a load that cannot be ended holds up no first run") {
    core::ModelSpec stuck = model_of(2_GiB, "b");
    stuck.limits.start_timeout = 1s;
    Story story{{unknown(), stuck}, gpus()};
    load_unknown(story, kFirst, {});
    call_other(story, 1);
    REQUIRE(story.find<core::Launch>()->generation == kSecond);
    story.call(2);
    bool is_sent = false;
    for (int i = 0; i < 100 && !is_sent; ++i) {
        story.wait(500ms);
        is_sent = story.was_sent(2);
        if (!is_sent && story.is_asked(kGpu)) {
            story.sample(kGpu, 6_GiB, {{kFirst, 4_GiB}, {kSecond, 2_GiB}});
            is_sent = story.was_sent(2);
        }
    }
    CHECK(is_sent);
}

TEST_CASE("an unknown need that cannot be ended keeps what it was seen to use, not all there is") {
    core::ModelSpec stuck = unknown("b");
    stuck.limits.start_timeout = 1s;
    Story story{{model_of(2_GiB), stuck}, gpus()};
    call_other(story, 1);
    story.sample(kGpu, Bytes{});
    REQUIRE(story.find<core::Launch>()->generation == kFirst);
    story.call(2);
    CHECK(story.engine().wait_reason(RequestId{2}) == WaitReason::memory);
    for (int i = 0; i < 100 && claim_of(story, kFirst) == 24_GiB; ++i) {
        story.wait(500ms);
        if (story.is_asked(kGpu)) story.sample(kGpu, 3_GiB, {{kFirst, 3_GiB}});
    }
    CHECK(claim_of(story, kFirst) == with_margin(3_GiB));
    CHECK(story.engine().devices().holdings().contains(kSecond));
}

TEST_CASE("however a first run ends, others get what it does not need") {
    core::ModelSpec spec = unknown();
    spec.run_timeout = 2s;
    spec.stall_timeout = 2s;
    spec.backoff = 1h;
    Story story{{spec, model_of(2_GiB, "b")}, gpus()};
    load_unknown(story, kFirst, {});
    story.call(1);
    REQUIRE(story.was_sent(1));
    story.begin(1);
    call_other(story, 2);
    CHECK(story.engine().wait_reason(RequestId{2}) == WaitReason::memory);
    std::vector<core::OwnMemory> own{{kFirst, 4_GiB}};
    SUBCASE("with an error for memory") {
        story.happen(core::RunFailed{kFirst, RequestId{1}, fail(Errc::out_of_memory, "full")});
    }
    SUBCASE("with the client's leave") {
        story.happen(core::ClientGone{RequestId{1}});
        story.happen(core::RunFailed{kFirst, RequestId{1}, fail(Errc::cancelled, "stopped")});
    }
    SUBCASE("with the process") {
        story.happen(core::WorkerExited{kFirst, "signal 9"});
        own.clear();
    }
    SUBCASE("with the limit of its model") {
        story.wait(2s);
        CHECK(story.was_refused(1, Errc::timeout));
        story.happen(core::WorkerExited{kFirst, "signal 15"});
        own.clear();
    }
    bool has_launched = false;
    for (int i = 0; i < 4 && !has_launched; ++i) {
        if (story.is_asked(kGpu)) story.sample(kGpu, Bytes{own.size() * (4_GiB).count()}, own);
        has_launched = story.engine().devices().holdings().contains(kSecond);
        if (!has_launched) story.wait(500ms);
    }
    CHECK(has_launched);
    CHECK(story.engine().devices().device(kGpu).waiting_runs == 0);
    if (!own.empty()) CHECK(claim_of(story, kFirst) == with_margin(4_GiB));
}

TEST_CASE("a first run that cannot be ended keeps what it was seen to use") {
    core::ModelSpec spec = unknown();
    spec.run_timeout = 2s;
    spec.stall_timeout = 2s;
    Story story{{spec, model_of(2_GiB, "b")}, gpus()};
    load_unknown(story, kFirst, {});
    story.call(1);
    story.begin(1);
    call_other(story, 2);
    for (int i = 0; i < 200 && claim_of(story, kFirst) == 24_GiB; ++i) {
        story.wait(500ms);
        if (story.is_asked(kGpu)) story.sample(kGpu, 9_GiB, {{kFirst, 9_GiB}});
    }
    CHECK(claim_of(story, kFirst) == with_margin(9_GiB));
    CHECK(story.engine().devices().holdings().contains(kSecond));
}

TEST_CASE("on the CPU the first run of an unknown need is like any other") {
    core::ModelSpec spec = unknown();
    spec.concurrency = 2;
    Story story{spec,
                {.known = {{.uuid = "cpu", .kind = core::DeviceKind::cpu, .capacity = 64_GiB}}}};
    story.call(1);
    story.call(2);
    story.make_ready();
    CHECK(story.was_sent(1));
    CHECK(story.was_sent(2));
    CHECK(claim_of(story, kFirst) == Bytes{});
}

TEST_CASE("on a device that does not answer a first run waits, unless the policy allows it") {
    for (const bool is_allowed : {false, true}) {
        core::DeviceSettings settings = gpus(2);
        if (is_allowed) settings.on_unknown_memory = core::UnknownMemory::admit;
        core::ModelSpec spec = unknown();
        spec.devices.uuids = {"GPU-0"};
        Story story{spec, settings};
        load_unknown(story, kFirst, {});
        story.wait(2s);
        REQUIRE(story.is_asked(kGpu));
        story.happen(core::DeviceSilent{kGpu, story.engine().devices().device(kGpu).sequence});
        story.call(1, 3s);
        CHECK(story.was_sent(1) == is_allowed);
        if (is_allowed) continue;
        CHECK(story.engine().wait_reason(RequestId{1}) == WaitReason::device);
        story.wait(3s);
        CHECK(story.was_refused(1, Errc::unavailable));
        CHECK(story.error_of(1).reason == "device");
    }
}

TEST_CASE("a first run that could not begin in time says what it waited for") {
    Story story{{unknown(), model_of(2_GiB, "b")}, gpus()};
    load_unknown(story, kFirst, {});
    call_other(story, 1);
    story.call(2, 300ms);
    story.wait(300ms);
    REQUIRE(story.was_refused(2, Errc::timeout));
    CHECK(story.memory_of(2).holders.size() == 2);
}
