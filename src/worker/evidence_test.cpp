// What is seen of a worker that hangs, and what happens when the looking itself hangs.
#include "worker/evidence.h"

#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>

#include "worker/testing/bench.h"

namespace base = windlass::base;
namespace worker = windlass::worker;
using worker::testing::Bench;
using namespace std::chrono_literals;

namespace {

bool contain(const std::vector<std::string>& lines, std::string_view text) {
    return std::ranges::any_of(lines, [&](const auto& line) { return line.contains(text); });
}

}  // namespace

TEST_CASE("a worker that hangs in native code shows every thread and its Python stacks") {
    Bench bench;
    const std::uint64_t generation = bench.launch_fake("hang_with_stacks");
    const int pid = bench.wait<worker::Hello>(generation).pid;
    bench.supervisor.take_evidence(generation);
    bench.supervisor.kill(generation);  // comes after it
    const worker::Evidence evidence = bench.wait<worker::EvidenceTaken>(generation).evidence;
    CHECK(bench.count<worker::Exited>(generation) == 0);
    CHECK(evidence.is_complete);
    CHECK(evidence.took > 0s);
    REQUIRE(evidence.threads.size() == 2);
    const worker::ThreadEvidence& main = evidence.threads.front();
    CHECK(main.process == pid);
    CHECK(main.thread == pid);
    CHECK(main.name.starts_with("python3"));
    CHECK(main.state == "S");
    CHECK(contain(evidence.python_stacks, "hang_with_stacks"));
    CHECK(contain(evidence.python_stacks, "threading.py"));
    // A machine may forbid to trace (a sanitizer's parent, a container): then that is said.
    const bool has_native =
        contain(main.native_stack, "pthread_mutex_lock") || contain(main.native_stack, "mutex");
    CHECK((has_native || contain(evidence.missing, "native stack")));
    CHECK(bench.wait<worker::Exited>(generation).signal == SIGKILL);
}

TEST_CASE("a look that hangs delays SIGKILL by its limit and no more") {
    const base::testing::ScratchDirectory scratch;
    const std::string silent = scratch.path + "/silent";
    std::filesystem::create_symlink(WL_TEST_FAKE_SEARCH, silent);
    Bench bench{"", silent};
    const std::uint64_t other = bench.launch_loaded();
    const std::uint64_t generation = bench.launch_fake("ignore_term");
    bench.wait<worker::Hello>(generation);
    bench.supervisor.take_evidence(generation);
    bench.supervisor.terminate(generation);
    bench.supervisor.kill(generation);
    bench.run(other, 7, "test/echo", "meanwhile");
    CHECK(bench.wait<worker::Answered>(other).body == "meanwhile");
    CHECK(bench.count<worker::EvidenceTaken>(generation) == 0);
    const worker::Evidence evidence = bench.wait<worker::EvidenceTaken>(generation).evidence;
    CHECK_FALSE(evidence.is_complete);
    CHECK(evidence.took >= 2s);
    CHECK(contain(evidence.missing, "within 2s"));
    CHECK(bench.wait<worker::Exited>(generation).signal == SIGKILL);
}

TEST_CASE("a worker that dies while it is looked at is reaped at once, and what was seen is told") {
    const base::testing::ScratchDirectory scratch;
    const std::string silent = scratch.path + "/silent";
    std::filesystem::create_symlink(WL_TEST_FAKE_SEARCH, silent);
    Bench bench{"", silent};
    const std::uint64_t generation = bench.launch_fake("ignore_term");
    const int pid = bench.wait<worker::Hello>(generation).pid;
    bench.supervisor.take_evidence(generation);
    bench.supervisor.take_evidence(generation);  // once is enough
    ::kill(pid, SIGKILL);
    bench.wait<worker::Exited>(generation);
    CHECK(bench.count<worker::EvidenceTaken>(generation) == 1);
    CHECK_FALSE(bench.get<worker::EvidenceTaken>(generation).evidence.is_complete);
}
