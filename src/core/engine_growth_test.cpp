// Processes that are replaced because they have grown, as short stories.
#include <doctest/doctest.h>

#include "core/engine_moves_testing.h"

namespace windlass::core::testing {

using namespace std::chrono_literals;
using base::operator""_GiB;
using base::operator""_MiB;

namespace {

ModelSpec limited(Bytes growth_max) {
    ModelSpec spec = heavy(kWeights);
    spec.max_growth = growth_max;
    return spec;
}

const Report* recycled(const Story& story) { return story.report(EventCode::model_recycled); }

// The board answers that the first process has so much, to a question that is asked after this.
void measure(Story& story, Bytes bytes) {
    if (story.is_asked(kBoard)) story.sample(kBoard, bytes, {}, false);
    while (!story.is_asked(kBoard)) story.wait(100ms);
    story.sample(kBoard, bytes, {{kFirst, bytes}});
}

void run(Story& story, std::uint64_t id) {
    story.call(id);
    story.begin(id);
    story.answer(id);
}

}  // namespace

TEST_CASE("a process that has grown beyond its limit since its first run is replaced") {
    Moves story{limited(1_GiB)};
    measure(story, 5_GiB);  // less than it claims: what it has counts
    run(story, 2);
    measure(story, 6_GiB);
    CHECK(recycled(story) == nullptr);
    run(story, 3);
    measure(story, 6_GiB + 1_MiB);
    REQUIRE(recycled(story) != nullptr);
    CHECK(recycled(story)->bytes == 1_GiB + 1_MiB);
    CHECK(recycled(story)->device == kBoard);
    CHECK(recycled(story)->runs == 3);
    CHECK(story.find<Stop>()->generation == kFirst);
    story.happen(WorkerExited{kFirst, "exit status 0"});
    CHECK(story.residency() == Residency::cold);
    CHECK(story.engine().view(kModel).failure_count == 0);
}

TEST_CASE("what a run takes for itself, and what was asked for before its end, tells nothing") {
    Moves story{limited(1_GiB)};
    measure(story, 5_GiB);
    story.call(2);
    story.begin(2);
    measure(story, 8_GiB);  // the run is under way
    CHECK(recycled(story) == nullptr);
    while (!story.is_asked(kBoard)) story.wait(100ms);
    story.answer(2);
    story.sample(kBoard, 8_GiB, {{kFirst, 8_GiB}});  // measured before it was over, perhaps
    CHECK(recycled(story) == nullptr);
    measure(story, 5_GiB);
    CHECK(recycled(story) == nullptr);
    CHECK(story.residency() == Residency::ready);
}

TEST_CASE("before the first run is over there is nothing to compare with") {
    Story story{std::vector{limited(1_GiB)}, machine()};
    story.call(1);
    story.sample(kBoard, Bytes{});
    story.make_ready();
    measure(story, 2_GiB);  // its first run fills caches
    story.begin(1);
    story.answer(1);
    measure(story, 6_GiB);
    measure(story, 7_GiB);
    CHECK(recycled(story) == nullptr);
    measure(story, 8_GiB);  // nothing runs, and it grows all the same
    CHECK(recycled(story) != nullptr);
}

TEST_CASE("where processes are hidden nothing happens") {
    Moves story{limited(1_GiB)};
    for (int i = 1; i <= 3; ++i) {
        while (!story.is_asked(kBoard)) story.wait(100ms);
        story.sample(kBoard, Bytes{std::uint64_t(2 * i) << 30}, {}, false);
    }
    CHECK(recycled(story) == nullptr);
}

TEST_CASE("what comes back from the host is compared again, what is away is not") {
    ModelSpec spec = limited(1_GiB);
    spec.offload_after = 5min;
    Moves story{spec};
    story.pass(1min, 5_GiB);
    story.wait(4min);
    story.answer_all(5_GiB);
    REQUIRE(story.residency() == Residency::offloading);
    story.happen(WorkerOffloaded{kFirst});
    story.answer_all(kContext);
    CHECK(recycled(story) == nullptr);
    story.call(2);
    story.answer_all(kContext);
    REQUIRE(story.residency() == Residency::restoring);
    story.happen(WorkerRestored{kFirst});
    story.begin(2);
    story.answer(2);
    measure(story, 5_GiB + 512_MiB);
    CHECK(recycled(story) == nullptr);
    measure(story, 6_GiB + 512_MiB);
    CHECK(recycled(story) != nullptr);
}

TEST_CASE("a reload that takes the limit away forgets, and one that sets it begins anew") {
    Moves story{limited(1_GiB)};
    measure(story, 2_GiB);
    ModelSpec spec = limited(1_GiB);
    spec.max_growth.reset();
    story.happen(ModelConfigured{spec, false});
    measure(story, 5_GiB);
    CHECK(recycled(story) == nullptr);
    story.happen(ModelConfigured{limited(1_GiB), false});
    measure(story, 6_GiB);
    CHECK(recycled(story) == nullptr);
    measure(story, 7_GiB + 1_MiB);
    CHECK(recycled(story) != nullptr);
}

TEST_CASE("a CPU is asked after runs, once in a while, and left alone after that") {
    const ModelSpec spec{.name = "digits", .unload_after = {}, .max_growth = 64_MiB, .prefetch = 0};
    const DeviceSettings cpu{
        .known = {{.uuid = "cpu", .kind = DeviceKind::cpu, .capacity = 8_GiB, .stands_in = true}}};
    Story story{std::vector{spec}, cpu};
    const auto measure_it = [&](Bytes bytes) {
        REQUIRE(story.is_asked(kGpu));
        story.sample(kGpu, bytes, {{kFirst, bytes}});
    };
    story.call(1);
    story.make_ready();
    story.begin(1);
    CHECK_FALSE(story.is_asked(kGpu));
    story.answer(1);
    story.wait(0s);
    measure_it(100_MiB);
    story.wait(1h);
    CHECK_FALSE(story.is_asked(kGpu));  // nothing has run since
    int asked = 0;
    for (std::uint64_t id = 2; id < 52; ++id) {  // within 5 s
        run(story, id);
        story.happen(TimePassed{});  // what was due long ago is due now
        story.wait(100ms);
        if (!story.is_asked(kGpu)) continue;
        ++asked;
        measure_it(100_MiB);
    }
    CAPTURE(asked);
    CHECK(asked <= 3);
    CHECK(asked >= 2);
    run(story, 90);
    story.wait(2s);
    measure_it(165_MiB);
    CHECK(recycled(story)->bytes == 65_MiB);
}

}  // namespace windlass::core::testing
