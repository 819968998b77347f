// Goal:   what the engine heard and said stands in the file; limits, disks and crashes end it well.
// Method: an engine and its recorder on files in a scratch folder. A full disk: test_recording.py.
#include "daemon/recorder.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <limits>

#include "base/assert.h"
#include "base/log.h"
#include "base/testing/scratch_directory.h"
#include "io/read_file.h"
#include "recording/replay.h"
#include "recording/testing/small_recording.h"

namespace windlass::daemon {
namespace {

using base::testing::ScratchDirectory;
using recording::testing::get;
using namespace std::chrono_literals;

constexpr std::size_t kAnySize = std::numeric_limits<std::size_t>::max();

recording::Origin origin() { return {.models = {{.name = "digits"}}, .devices = {}}; }

struct Recorded {
    explicit Recorded(const std::string& path, base::Bytes limit = base::Bytes{1 << 20})
        : recorder(Recorder::open({.path = path, .limit = limit}, origin()).value()) {}

    void call(std::uint64_t id) {
        recorder->handle(engine, core::CallArrived{.request = {id}, .model = {1}, .timeout = 1h},
                         now += 1ms, commands);
    }

    core::Engine engine{origin().models, origin().devices};
    core::Commands commands;
    core::Instant now{1h};
    std::unique_ptr<Recorder> recorder;
};

struct Replayed {
    recording::Summary summary;
    std::optional<recording::Finding> finding;
    std::optional<recording::RecordingEnd> end;
};

Replayed replay(const std::string& path) {
    const std::string bytes = get(io::read_file(path, kAnySize));
    auto reader = recording::Reader::open(bytes);
    REQUIRE(reader.has_value());
    auto replay = recording::Replay::make(reader->head());
    REQUIRE(replay.has_value());
    auto finding = recording::replay_all(*reader, *replay);
    REQUIRE(finding.has_value());
    return {replay->summary(), *finding, reader->end()};
}

TEST_CASE("what happened until an orderly end can be replayed") {
    const ScratchDirectory folder;
    const std::string path = folder.file("a.wlrec");
    {
        Recorded recorded{path};
        for (std::uint64_t id = 1; id <= 100; ++id) {
            recorded.call(id);
            if (id % 10 == 0) recorded.recorder->end_turn();
        }
    }
    const Replayed again = replay(path);
    CHECK(again.summary.event_count == 100);
    CHECK_FALSE(again.finding.has_value());
    CHECK(again.end == recording::RecordingEnd::stopped);
}

TEST_CASE("at its limit a recording ends, keeps its begin, and the daemon goes on") {
    const ScratchDirectory folder;
    const std::string path = folder.file("a.wlrec");
    std::vector<std::string> told;
    base::log::set_sink([&](auto, std::string_view event, auto) { told.emplace_back(event); });
    constexpr std::uint64_t kLimit = 10'000;
    {
        Recorded recorded{path, base::Bytes{kLimit}};
        for (std::uint64_t id = 1; id <= 900; ++id) {
            recorded.call(id);
            recorded.recorder->end_turn();
        }
        CHECK(recorded.engine.view({1}).waiting == 900);
    }
    base::log::set_sink({});
    CHECK(told == std::vector<std::string>{"recording.started", "recording.stopped"});
    CHECK(std::filesystem::file_size(path) <= kLimit);
    CHECK(std::filesystem::file_size(path) > kLimit - 200);
    const Replayed again = replay(path);
    CHECK(again.summary.event_count > 100);
    CHECK_FALSE(again.finding.has_value());
    CHECK(again.end == recording::RecordingEnd::limit);
}

TEST_CASE("an earlier recording is kept, the tenth is the last, and the daemon starts without") {
    const ScratchDirectory folder;
    const std::string path = folder.file("a.wlrec");
    for (int i = 0; i < 10; ++i) {
        Recorded recorded{path};
        recorded.call(1);
        recorded.recorder->end_turn();
    }
    CHECK(replay(path).summary.event_count == 1);
    CHECK(replay(path + ".9").summary.event_count == 1);
    const auto more = Recorder::open({.path = path, .limit = {}}, origin());
    REQUIRE(more.has_value());
    CHECK(*more == nullptr);
    const auto nowhere = Recorder::open({.path = folder.file("no/a"), .limit = {}}, origin());
    REQUIRE_FALSE(nowhere.has_value());
    CHECK(nowhere.error().code == base::Errc::not_found);
}

TEST_CASE("a daemon that does not start leaves no recording") {
    const ScratchDirectory folder;
    const std::string path = folder.file("a.wlrec");
    Recorded{path}.call(1);
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a failed assertion of the engine leaves the event in the file that it failed at") {
    const ScratchDirectory folder;
    const std::string path = folder.file("a.wlrec");
    Recorded recorded{path};
    recorded.call(1);
    recorded.recorder->end_turn();
    // As in a daemon, but that this one lives on.
    static base::AssertionHook last_words = nullptr;
    last_words = base::set_assertion_hook([](const char* condition, const char* file, int line) {
        last_words(condition, file, line);
        throw std::logic_error{condition};
    });
    CHECK_THROWS_AS(recorded.call(1), std::logic_error);
    base::set_assertion_hook(last_words);
    const recording::Finding finding = get(replay(path).finding);
    CHECK(finding.kind == recording::FindingKind::broken_invariant);
    CHECK_FALSE(finding.is_recorded);
    CHECK(finding.step.event.starts_with("CallArrived request=1"));
}

TEST_CASE("so does an engine that throws") {
    const ScratchDirectory folder;
    const std::string path = folder.file("a.wlrec");
    Recorded recorded{path};
    recorded.call(1);
    recorded.recorder->end_turn();
    // As what a container throws: the first time past the recorder's own hook, which comes second.
    static base::AssertionHook last_words = nullptr;
    static int count = 0;
    last_words = base::set_assertion_hook([](const char* condition, const char* file, int line) {
        if (++count == 2) last_words(condition, file, line);
        throw std::logic_error{condition};
    });
    CHECK_THROWS_AS(recorded.call(1), std::logic_error);
    base::set_assertion_hook(last_words);
    const Replayed again = replay(path);
    REQUIRE(again.finding.has_value());
    CHECK(again.finding->kind == recording::FindingKind::broken_invariant);
}

}  // namespace
}  // namespace windlass::daemon
