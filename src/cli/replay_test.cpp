// What people and machines are told of a replay.
#include "cli/replay.h"

#include <doctest/doctest.h>

namespace windlass::cli {
namespace {

using recording::Finding;
using recording::FindingKind;

ReplayReport equal() {
    return {.file = "a.wlrec",
            .head = {.version = "0.1.0", .commit = "abc", .begun_unix_s = 1'800'000'000},
            .summary = {.event_count = 3,
                        .command_count = 2,
                        .span = std::chrono::milliseconds{2500},
                        .models = {"digits"},
                        .devices = {"GPU-0", "cpu"}},
            .end = recording::RecordingEnd::stopped};
}

Finding difference() {
    return {.kind = FindingKind::difference,
            .before = {{.number = 1, .event = "A", .commands = {"X"}}},
            .step = {.number = 2,
                     .since = std::chrono::milliseconds{1500},
                     .event = "B",
                     .commands = {"first", "old", "last"}},
            .now = {"first", "new", "newer", "last"}};
}

ReplayReport with(Finding finding) {
    ReplayReport report = equal();
    report.finding = std::move(finding);
    return report;
}

}  // namespace

TEST_CASE("an equal replay says what it was of") {
    CHECK(replay_text(equal()) ==
          "a.wlrec: recorded 2027-01-15 08:00:00 UTC by Windlass 0.1.0 (abc)\n"
          "1 model: digits; 2 devices: GPU-0, cpu\n"
          "3 events, 2 commands, 2.500 s\n"
          "Equal: the engine commands the same now, and its invariants hold.\n");
    ReplayReport cut = equal();
    cut.end.reset();
    cut.torn = 17;
    CHECK(replay_text(cut).find("Its last 17 bytes are no whole record") != std::string::npos);
    CHECK(replay_json(equal()) ==
          R"({"file":"a.wlrec","equal":true,"version":"0.1.0","commit":"abc",)"
          R"("begun_unix_s":1800000000,"events":3,"commands":2,"span_s":2.5E0,)"
          R"("models":["digits"],"devices":["GPU-0","cpu"],"end":"stopped","torn_bytes":0,)"
          R"("finding":null})"
          "\n");
}

TEST_CASE("a difference is told as a story") {
    const std::string text = replay_text(with(difference()));
    CHECK(text.substr(text.find("\nDIFF")) ==
          "\nDIFFERENCE at event 2\n"
          "\nThe events before, each with its commands:\n"
          "         1  +0.000000s      A\n"
          "      X\n"
          "\nThe event:\n"
          "         2  +1.500000s      B\n"
          "\nIts commands; - only in the recording, + only now:\n"
          "      first\n"
          "    - old\n"
          "    + new\n"
          "    + newer\n"
          "      last\n");
    CHECK(replay_json(with(difference()))
              .find(R"("finding":{"kind":"difference","condition":null,)") != std::string::npos);
}

TEST_CASE("a broken invariant names what does not hold") {
    Finding broken = difference();
    broken.kind = FindingKind::broken_invariant;
    broken.condition = "a < b (engine.cpp:7)";
    broken.is_recorded = false;
    const ReplayReport report = with(std::move(broken));
    const std::string text = replay_text(report);
    CHECK(text.find("BROKEN INVARIANT at event 2: a < b (engine.cpp:7)\n") != std::string::npos);
    CHECK(text.find("the daemon may have ended by this very event") != std::string::npos);
    CHECK(text.find("    first\n") != std::string::npos);
    CHECK(replay_json(report).find(R"("commands":null)") != std::string::npos);
}

}  // namespace windlass::cli
