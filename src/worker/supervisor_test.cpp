// Real processes under the supervisor: sound workers, and what is reported of them.
#include "worker/supervisor.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "worker/testing/bench.h"
#include "worker/testing/no_children.h"

using namespace std::chrono_literals;
namespace base = windlass::base;
namespace io = windlass::io;
namespace worker = windlass::worker;
namespace fs = std::filesystem;
using io::testing::run_until;
using worker::testing::Bench;
using worker::testing::has_no_children_soon;

namespace {

std::size_t count_entries(const char* directory) {
    const fs::directory_iterator entries{directory};
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

std::string read_file(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream{path, std::ios::binary}.rdbuf();
    return std::move(text).str();
}

}  // namespace

TEST_CASE("a worker greets, loads, runs, reports and stops") {
    Bench bench;
    const std::uint64_t generation = bench.launch_fake("serve");
    const int pid = bench.supervisor.find_pid(generation).value_or(0);
    const auto& hello = bench.wait<worker::Hello>(generation);
    CHECK(hello.pid == pid);
    CHECK(hello.sdk == "fake/1");
    CHECK_FALSE(bench.supervisor.find_last_heartbeat(generation).has_value());
    bench.load(generation, 1 << 20);
    bench.wait<worker::Loaded>(generation);
    CHECK(bench.get<worker::Progressed>(generation).phase == "reading");
    CHECK(bench.supervisor.find_last_heartbeat(generation).has_value());

    bench.run(generation, 17, "test/echo", "hello there");
    const auto& answered = bench.wait<worker::Answered>(generation);
    CHECK(answered.request == 17);
    CHECK(answered.content_type == "test/back");
    CHECK(answered.body == "hello there");
    CHECK(bench.get<worker::Started>(generation).request == 17);
    CHECK(bench.get<worker::Progressed>(generation, 2).phase == "fast");

    bench.run(generation, 18, "test/fail", "no room");
    const auto& failed = bench.wait<worker::Failed>(generation);
    CHECK(failed.request == 18);
    CHECK(failed.error.code == base::Errc::out_of_memory);
    CHECK(failed.error.message == "no room");

    bench.supervisor.stop(generation);
    const auto& exited = bench.wait<worker::Exited>(generation);
    CHECK(exited.pid == pid);
    CHECK(worker::to_text(exited) == "exited with status 0");
    CHECK(bench.count<worker::ChannelLost>(generation) == 0);
    CHECK(bench.supervisor.size() == 0);
    CHECK_FALSE(bench.supervisor.find_pid(generation).has_value());
}

TEST_CASE("what waits can be recalled, and what runs can be cancelled") {
    Bench bench;
    const std::uint64_t generation = bench.launch_loaded();
    bench.run(generation, 1, "test/hold");
    bench.run(generation, 2, "test/begin");
    bench.supervisor.recall(generation, 1);
    bench.supervisor.recall(generation, 2);
    bench.supervisor.cancel(generation, 2);
    const auto& failed = bench.wait<worker::Failed>(generation);
    CHECK(failed.request == 2);
    CHECK(failed.error.code == base::Errc::cancelled);
    CHECK(bench.get<worker::Recalled>(generation, 1).recalled);
    CHECK_FALSE(bench.get<worker::Recalled>(generation, 2).recalled);
}

TEST_CASE("weights are moved when told to, and what came of it is reported") {
    Bench bench;
    const std::uint64_t generation = bench.launch_loaded();
    CHECK(bench.get<worker::Hello>(generation).can_offload);
    bench.supervisor.offload(generation);
    const auto& offloaded = bench.wait<worker::Offloaded>(generation);
    CHECK(offloaded.duration == 2500us);
    CHECK(offloaded.before == base::Bytes{4096});
    CHECK(offloaded.after == base::Bytes{0});
    bench.supervisor.restore(generation);
    const auto& failed = bench.wait<worker::RestoreFailed>(generation);
    CHECK(failed.error.code == base::Errc::out_of_memory);
    CHECK(failed.error.message == "no room on the device");
    CHECK(bench.count<worker::Restored>(generation) == 0);
}

TEST_CASE("a thousand small runs at once come back in order") {
    Bench bench;
    const std::uint64_t generation = bench.launch_loaded("serve", 1 << 24);  // a wide backlog
    for (std::uint64_t request = 1; request <= 1000; ++request) {
        bench.run(generation, request, "test/echo", std::to_string(request));
    }
    bench.wait<worker::Answered>(generation, 1000);
    for (int number = 1; number <= 1000; ++number) {
        CHECK(bench.get<worker::Answered>(generation, number).body == std::to_string(number));
    }
}

TEST_CASE("a large body goes there and back, and the loop keeps turning") {
    Bench bench;
    constexpr std::size_t kSize = 48 << 20;
    const std::uint64_t generation = bench.launch_loaded("serve", kSize);
    std::string body(kSize, '\0');
    for (std::size_t at = 0; at < kSize; at += 4096) body[at] = static_cast<char>(at >> 12);
    bench.run(generation, 1, "test/echo", body);
    int turns = 0;
    REQUIRE(run_until(bench.loop, [&] {
        ++turns;
        return bench.find<worker::Answered>(generation) != nullptr;
    }));
    CHECK((bench.get<worker::Answered>(generation).body == body));
    CHECK(turns > 48);  // a megabyte a turn at most
}

TEST_CASE("the environment is what was ordered, and TMPDIR is private and goes with the worker") {
    Bench bench;
    const std::uint64_t generation =
        bench.launch({"python3", "-S", WL_TEST_FAKE_WORKER, "litter"}, {{"MODEL_KEY", "value"}});
    const int pid = bench.wait<worker::Hello>(generation).pid;
    const std::string environment = read_file(fs::path{"/proc"} / std::to_string(pid) / "environ");
    const auto has = [&](const std::string& entry) {
        return (std::string(1, '\0') + environment).contains('\0' + entry + '\0');
    };
    CHECK(has("WINDLASS_WORKER=" + worker::testing::unique_id() + "/1"));
    CHECK(has("WINDLASS_CHANNEL=3"));
    CHECK(has("CUDA_VISIBLE_DEVICES="));
    CHECK(has("ROCR_VISIBLE_DEVICES="));
    CHECK(has("MODEL_KEY=value"));
    CHECK(environment.contains("PATH="));
    CHECK(has("TMPDIR=" + fs::directory_iterator { bench.directory } -> path().string()));
    bench.supervisor.stop(generation);
    bench.wait<worker::Exited>(generation);
    CHECK(run_until(bench.loop, [&] { return fs::is_empty(bench.directory); }));
    CHECK(fs::exists("/"));  // a link in TMPDIR led there
}

TEST_CASE("what a worker prints is log text, whatever it looks like") {
    Bench bench;
    const std::uint64_t generation = bench.launch_fake("chatter");
    bench.wait<worker::Hello>(generation);
    bench.supervisor.stop(generation);
    bench.wait<worker::Exited>(generation);
    const std::string out = bench.printed(generation, worker::Output::standard_output);
    CHECK(out.contains("\xEF\xBF\xBD\xEF\xBF\xBD binary|xxx"));
    CHECK(std::ranges::count(out, 'x') == 40'000);
    CHECK(out.ends_with("|last out"));
    CHECK(bench.printed(generation, worker::Output::standard_error) == "first error| 50%|100%");
    CHECK(bench.printed(generation, worker::Output::log) == "by frame");
    CHECK(bench.count<worker::Loaded>(generation) == 0);
    CHECK(bench.get<worker::Printed>(generation).model == "digits");
}

TEST_CASE("without descriptors a launch fails cleanly, wherever they run out") {
    Bench bench;
    bench.wait<worker::Exited>(bench.launch({"true"}));
    const std::size_t before = count_entries("/proc/self/fd");
    rlimit former = {};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &former) == 0);
    int failures = 0;
    int exits = 0;
    for (rlim_t limit = 0; limit < 30 && exits < 3; ++limit) {
        const rlimit scarce = {.rlim_cur = limit, .rlim_max = former.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &scarce) == 0);
        const std::uint64_t generation = bench.launch({"true"});
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &former) == 0);
        REQUIRE(run_until(bench.loop, [&] { return bench.supervisor.size() == 0; }));
        const worker::LaunchFailed* const failed = bench.find<worker::LaunchFailed>(generation);
        if (failed != nullptr) CHECK(failed->error.message.ends_with("Too many open files"));
        failures += bench.count<worker::LaunchFailed>(generation);
        exits += bench.count<worker::Exited>(generation);
        CHECK(count_entries("/proc/self/fd") == before);
    }
    CHECK(failures > 8);  // each descriptor that a launch needs was once the one that lacked
    CHECK(exits == 3);
    CHECK(has_no_children_soon(bench.loop));
}

TEST_CASE("fifty launches leave no descriptor, process or directory behind") {
    Bench bench;
    const auto launch_and_wait = [&] {
        bench.wait<worker::Exited>(bench.launch({"true"}));
        bench.wait<worker::LaunchFailed>([&] {
            fs::rename(bench.directory, bench.directory + "-away");
            const std::uint64_t generation = bench.launch({"true"});
            fs::rename(bench.directory + "-away", bench.directory);
            return generation;
        }());
    };
    launch_and_wait();
    const std::size_t before = count_entries("/proc/self/fd");
    for (int round = 0; round < 50; ++round) launch_and_wait();
    CHECK(count_entries("/proc/self/fd") == before);
    CHECK(has_no_children_soon(bench.loop));
    CHECK(run_until(bench.loop, [&] { return fs::is_empty(bench.directory); }));
}
