// Goal:   the same engine replays its own recording; another decision or a broken invariant is told
//         with the steps before it.
// Method: a small recording, with a step left out, changed, or impossible.
#include "recording/replay.h"

#include <doctest/doctest.h>

#include "recording/testing/small_recording.h"

namespace windlass::recording {
namespace {

using testing::get;
using testing::record;
using testing::small_story;

// The steps of a recording.
std::vector<Step> steps_of(const std::string& bytes) {
    std::vector<Step> steps;
    auto reader = Reader::open(bytes);
    REQUIRE(reader.has_value());
    while (true) {
        auto next = reader->next();
        REQUIRE(next.has_value());
        std::optional<Step>& step = *next;
        if (!step) return steps;
        steps.push_back(std::move(*step));
    }
}

std::optional<Finding> replay(std::vector<Step> steps) {
    Replay replay = Replay::make(testing::small_head()).value();
    for (Step& step : steps) {
        if (auto finding = replay.take(std::move(step))) return finding;
    }
    return std::nullopt;
}

// What must be found.
Finding find(std::vector<Step> steps) { return get(replay(std::move(steps))); }

core::Commands& commands_of(Step& step) {
    if (!step.commands) step.commands.emplace();
    return *step.commands;
}

}  // namespace

TEST_CASE("the engine does again what it did, and says how much that was") {
    const std::string bytes = record(small_story());
    auto reader = Reader::open(bytes);
    REQUIRE(reader.has_value());
    Replay replay = Replay::make(reader->head()).value();
    const auto finding = replay_all(*reader, replay);
    REQUIRE(finding.has_value());
    CHECK_FALSE(finding->has_value());
    const Summary summary = replay.summary();
    CHECK(summary.event_count == 5);
    CHECK(summary.command_count > 5);
    CHECK(summary.span == std::chrono::seconds{4});
    CHECK(summary.models == std::vector<std::string>{"digits"});
    CHECK(summary.devices == std::vector<std::string>{"cpu"});
}

TEST_CASE("a head that no daemon can have written is an error, not a broken invariant") {
    Head head = testing::small_head();
    head.origin.models.front().concurrency = 0;
    const auto replay = Replay::make(head);
    REQUIRE_FALSE(replay.has_value());
    CHECK(replay.error().code == base::Errc::data_corrupt);
}

TEST_CASE("the first difference is told: what was before, what was recorded, what is done now") {
    std::vector<Step> steps = steps_of(record(small_story()));
    // As an engine would have done that let a call wait although its model is ready.
    REQUIRE(std::erase_if(commands_of(steps[2]), [](const core::Command& command) {
                return std::holds_alternative<core::Dispatch>(command);
            }) == 1);
    const Finding finding = find(std::move(steps));
    CHECK(finding.kind == FindingKind::difference);
    CHECK(finding.is_recorded);
    CHECK(finding.step.number == 3);
    CHECK(finding.step.since == std::chrono::seconds{2});
    CHECK(finding.step.event == "WorkerLoaded generation=1");
    CHECK(finding.step.commands.size() + 1 == finding.now.size());
    CHECK(finding.now.back().starts_with("Dispatch generation=1 request=1 timeout=359"));
    REQUIRE(finding.before.size() == 2);
    CHECK(finding.before[0].event.starts_with("CallArrived request=1 model=digits"));
    CHECK(finding.before[0].commands.back() == "Launch model=digits generation=1 device=cpu");
}

TEST_CASE("a difference in a number of a command is a difference") {
    std::vector<Step> steps = steps_of(record(small_story()));
    for (core::Command& command : commands_of(steps[4])) {
        if (auto* respond = std::get_if<core::Respond>(&command)) {
            respond->timings.run += core::Duration{1};
        }
    }
    REQUIRE(replay(std::move(steps)).has_value());
}

TEST_CASE("a broken invariant is told as one, with what does not hold") {
    std::vector<Step> steps = steps_of(record(small_story()));
    steps.insert(steps.begin() + 1, steps.front());  // a request that arrives twice
    const Finding finding = find(std::move(steps));
    CHECK(finding.kind == FindingKind::broken_invariant);
    CHECK(finding.condition.starts_with("is_new ("));
    CHECK(finding.condition.find("engine.cpp:") != std::string::npos);
    CHECK(finding.step.number == 2);
    CHECK(finding.before.size() == 1);
    // Once more: the hook is at its place again.
    CHECK(replay(steps_of(record(small_story()))) == std::nullopt);
}

TEST_CASE("the last event may be the one that broke the daemon: nothing was recorded of it then") {
    std::vector<Step> steps = steps_of(record(small_story(), false));
    steps.resize(2);
    steps.back().commands.reset();
    CHECK(replay(steps) == std::nullopt);
    steps.back().event = steps.front().event;
    const Finding finding = find(std::move(steps));
    CHECK_FALSE(finding.is_recorded);
    CHECK(finding.kind == FindingKind::broken_invariant);
}

TEST_CASE("a finding tells the last ten steps") {
    const std::vector<core::Event> events(30, core::PauseAsked{{1}});
    std::vector<Step> steps = steps_of(record(events));
    commands_of(steps.back()).push_back(core::Kill{{1}});
    const Finding finding = find(std::move(steps));
    REQUIRE(finding.before.size() == Replay::kStepsBefore);
    CHECK(finding.before.front().number == 20);
}

}  // namespace windlass::recording
