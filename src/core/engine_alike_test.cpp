// Devices whose driver does not tell processes apart, as in many containers.
#include <doctest/doctest.h>

#include "core/engine_testing.h"

namespace core = windlass::core;
using core::Generation;
using core::RequestId;
using windlass::core::testing::kFirst;
using windlass::core::testing::Story;
using namespace std::chrono_literals;
using namespace windlass::base;  // _MiB, _GiB

TEST_CASE("where processes look alike, an unknown need settles no lower for what came back") {
    constexpr core::DeviceId kAlike{1};
    constexpr Generation kUnknown{2};
    const core::ModelSpec known{.name = "b", .need = {core::NeedKind::bytes, 4_GiB}, .prefetch = 0};
    const core::DeviceSettings settings{
        .known = {{.uuid = "GPU-0", .kind = core::DeviceKind::gpu, .capacity = 24_GiB}}};
    Story story{{known, {.name = "a", .prefetch = 0}}, settings};
    const auto claim_of = [&](Generation generation) {
        return story.engine().devices().find_device(kAlike)->ledger.find_claim(generation);
    };
    story.call(1);
    story.sample(kAlike, Bytes{}, {}, false);
    story.make_ready();
    REQUIRE(story.is_asked(kAlike));  // to know what is its own before anybody else takes something
    story.sample(kAlike, 4_GiB, {}, false);
    story.happen(core::WorkerExited{kFirst, "signal 9"});
    story.sample(kAlike, 4_GiB, {}, false);
    story.happen(core::LoadAsked{RequestId{2}, core::ModelId{2}, 1h});
    REQUIRE(claim_of(kUnknown) != nullptr);
    story.happen(core::WorkerHello{kUnknown});
    story.happen(core::WorkerLoaded{kUnknown});
    for (int i = 0; i < 2; ++i) {
        if (story.is_asked(kAlike)) story.sample(kAlike, 5_GiB, {}, false);  // all of them its own
    }
    CHECK(claim_of(kUnknown)->bytes == 5_GiB + 320_MiB + 64_MiB);
}

TEST_CASE("where processes look alike, a first run leaves the most that it can have taken") {
    constexpr core::DeviceId kAlike{1};
    const core::DeviceSettings settings{
        .known = {{.uuid = "GPU-0", .kind = core::DeviceKind::gpu, .capacity = 24_GiB}}};
    Story story{core::ModelSpec{.name = "a", .prefetch = 0}, settings};
    const auto claimed = [&] {
        return story.engine().devices().find_device(kAlike)->ledger.claimed();
    };
    story.call(1);
    story.sample(kAlike, 2_GiB, {}, false);  // strangers
    story.make_ready();
    REQUIRE(story.was_sent(1));
    story.begin(1);
    story.sample(kAlike, 5_GiB, {}, false);
    story.wait(2s);
    story.sample(kAlike, 9_GiB, {}, false);
    CHECK(claimed() == 22_GiB);
    story.answer(1);
    REQUIRE(story.is_asked(kAlike));
    story.sample(kAlike, 8_GiB, {}, false);
    CHECK(claimed() == 7_GiB + 448_MiB + 64_MiB);
}

namespace {

// Three models, of which the first has loaded; the answers so far named nobody. Whether processes
// are hidden shows as soon as it has memory.
void load_beside(bool is_hidden, bool was_asked_before) {
    constexpr core::DeviceId kAlike{1};
    const auto model = [](const char* name) {
        return core::ModelSpec{.name = name, .need = {core::NeedKind::bytes, 4_GiB}, .prefetch = 0};
    };
    const core::DeviceSettings settings{
        .known = {{.uuid = "GPU-0", .kind = core::DeviceKind::gpu, .capacity = 24_GiB}}};
    Story story{{model("a"), model("b"), model("c")}, settings};
    const auto load = [&](std::uint64_t number) {
        story.happen(core::LoadAsked{RequestId{number}, core::ModelId{number}, 1h});
        return story.find<core::Launch>() != nullptr;
    };
    load(1);
    story.sample(kAlike, core::Bytes{});
    REQUIRE(story.find<core::Launch>() != nullptr);
    if (was_asked_before) story.wait(2s);
    REQUIRE(story.is_asked(kAlike) == was_asked_before);
    story.make_ready();
    CHECK_FALSE(load(2));
    if (was_asked_before) story.sample(kAlike, core::Bytes{});  // as it was before the load
    CHECK(story.find<core::Launch>() == nullptr);
    REQUIRE(story.is_asked(kAlike));
    story.sample(kAlike, 2_GiB, {{kFirst, 2_GiB}}, !is_hidden);
    REQUIRE(story.find<core::Launch>() != nullptr);
    CHECK(load(3));  // beside one that loads
    story.happen(core::WorkerHello{Generation{2}});
    story.happen(core::WorkerLoaded{Generation{2}});
    CHECK(story.is_asked(kAlike) == is_hidden);
}

}  // namespace

TEST_CASE("where processes may look alike, nothing is launched between a load and its measure") {
    for (const bool was_asked_before : {false, true}) {
        load_beside(false, was_asked_before);
        load_beside(true, was_asked_before);
    }
}
