// How workers are killed: by order, with their children, with their supervisor and with the daemon.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "io/process.h"
#include "io/stream.h"
#include "worker/cgroup.h"
#include "worker/testing/bench.h"

namespace base = windlass::base;
namespace io = windlass::io;
namespace worker = windlass::worker;
using io::testing::run_turn;
using io::testing::run_until;
using worker::testing::Bench;

TEST_CASE("a worker that ignores SIGTERM is killed") {
    Bench bench;
    const std::uint64_t generation = bench.launch_fake("ignore_term");
    bench.wait<worker::Hello>(generation);
    bench.supervisor.terminate(generation);
    run_turn(bench.loop);
    CHECK(bench.count<worker::Exited>(generation) == 0);
    bench.supervisor.kill(generation);
    CHECK(bench.wait<worker::Exited>(generation).signal == SIGKILL);
}

TEST_CASE("a child that would outlive the worker dies with the group") {
    Bench bench;
    const worker::testing::LifeLine child{bench.loop, bench.directory + "/fifo"};
    const std::uint64_t generation = bench.launch_fake("have_child", child.path());
    bench.wait<worker::Hello>(generation);
    CHECK(bench.wait<worker::Printed>(generation).line == "child is up");
    run_turn(bench.loop);
    CHECK_FALSE(child.is_cut());
    bench.supervisor.stop(generation);  // the worker itself exits; its child holds stdout open
    CHECK(bench.wait<worker::Exited>(generation).code == 0);
    CHECK(run_until(bench.loop, [&] { return child.is_cut(); }));
}

namespace {

// The worker exits by itself, or is killed; its child has a session of its own and the worker's
// channel and pipes. Exited must come all the same, and only after the child is dead.
void end_worker_with_far_child(const std::string& cgroup, bool by_kill) {
    Bench bench{cgroup};
    const worker::testing::LifeLine child{bench.loop, bench.directory + "/fifo"};
    const std::uint64_t generation = bench.launch_fake("have_far_child", child.path());
    bench.wait<worker::Hello>(generation);
    CHECK(bench.wait<worker::Printed>(generation).line == "child is up");
    if (by_kill) {
        bench.supervisor.kill(generation);
    } else {
        bench.supervisor.stop(generation);
    }
    const worker::Exited exited = bench.wait<worker::Exited>(generation);
    CHECK(exited.signal.value_or(0) == (by_kill ? SIGKILL : 0));
    CHECK(exited.is_everything_gone);
    if (!by_kill) CHECK(exited.leftover_count == 1);
    CHECK(run_until(bench.loop, [&] { return child.is_cut(); }));
}

}  // namespace

TEST_CASE("a child in a session of its own goes with the worker, found by its tag") {
    end_worker_with_far_child("", false);
    end_worker_with_far_child("", true);
}

TEST_CASE("a child in a session of its own goes with the worker's cgroup") {
    const auto cgroup = worker::find_daemon_cgroup_path("bench-" + std::to_string(::getpid()));
    if (!cgroup || !worker::make_daemon_cgroup(*cgroup)) {
        MESSAGE("no cgroup can be made here");
        return;
    }
    end_worker_with_far_child(*cgroup, false);
    end_worker_with_far_child(*cgroup, true);
    CHECK(worker::remove_cgroup(*cgroup));  // nobody is in it, and no leaf is left in use
}

TEST_CASE("a worker that cannot enter its cgroup is watched by its tag") {
    const base::testing::ScratchDirectory no_cgroup;  // folders can be made in it, and that is all
    end_worker_with_far_child(no_cgroup.path, false);
}

TEST_CASE("a supervisor that is destroyed kills its workers") {
    const base::testing::ScratchDirectory scratch;
    io::Loop loop;
    int pid = 0;
    {
        worker::Supervisor supervisor{
            loop,
            {.daemon_id = worker::testing::unique_id(),
             .executable = WL_TEST_SHIM,
             .searcher = WL_TEST_SHIM,
             .runtime_dir = scratch.path},
            [&](const worker::Event& event) {
                if (const auto* hello = std::get_if<worker::Hello>(&event)) pid = hello->pid;
            }};
        supervisor.launch({.generation = 1,
                           .model = "m",
                           .argv = {"python3", "-S", WL_TEST_FAKE_WORKER, "ignore_term"},
                           .environment = {}});
        REQUIRE(run_until(loop, [&] { return pid != 0; }));
    }
    int status = 0;
    const pid_t reaped = ::waitpid(pid, &status, 0);
    CHECK((reaped == -1 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)));
}

TEST_CASE("a worker dies with its daemon") {
    const base::testing::ScratchDirectory scratch;
    io::Pipe report = io::make_pipe().value();
    const pid_t daemon = ::fork();
    REQUIRE(daemon >= 0);
    if (daemon == 0) {  // a daemon that starts a worker, tells its pid and waits to be killed
        io::Loop loop;
        worker::Supervisor supervisor{loop,
                                      {.daemon_id = worker::testing::unique_id(),
                                       .executable = WL_TEST_SHIM,
                                       .searcher = WL_TEST_SHIM,
                                       .runtime_dir = scratch.path},
                                      [&](const worker::Event& event) {
                                          const auto* hello = std::get_if<worker::Hello>(&event);
                                          if (hello == nullptr) return;
                                          const ssize_t size = ::write(report.write_end.number(),
                                                                       &hello->pid, sizeof(int));
                                          if (size != sizeof(int)) ::_exit(1);
                                      }};
        supervisor.launch({.generation = 1,
                           .model = "m",
                           .argv = {"python3", "-S", WL_TEST_FAKE_WORKER, "ignore_term"},
                           .environment = {}});
        loop.run([](base::Instant) { return std::nullopt; });
        ::_exit(1);
    }
    io::Loop loop;
    report.write_end.reset();
    int pid = 0;
    const io::Stream reports{loop,
                             std::move(report.read_end),
                             {.on_data =
                                  [&](std::span<const char> bytes) {
                                      REQUIRE(bytes.size() == sizeof pid);
                                      std::copy(bytes.begin(), bytes.end(),
                                                reinterpret_cast<char*>(&pid));
                                  },
                              .on_closed = [](const auto&) {}}};
    REQUIRE(run_until(loop, [&] { return pid != 0; }));
    const std::string stat = "/proc/" + std::to_string(pid) + "/stat";
    REQUIRE(::kill(daemon, SIGKILL) == 0);
    // Gone, or a zombie that whoever adopts orphans here has not reaped yet.
    const auto is_dead = [&] {
        std::ifstream file{stat};
        std::string line;
        std::getline(file, line);
        loop.post([] {});
        return line.empty() || line.substr(line.rfind(')') + 2, 1) == "Z";
    };
    CHECK(run_until(loop, is_dead));
    ::waitpid(daemon, nullptr, 0);
}

TEST_CASE("the shim does not start a program whose daemon is gone already") {
    io::Loop loop;
    bool is_dead = false;
    const io::SpawnOrder order{.executable = WL_TEST_SHIM,
                               .argv = {"windlass", "worker-exec", "1", "", "sh", "-c", "exit 5"},
                               .environment = {"PATH=/usr/bin:/bin"},
                               .descriptors = {}};
    REQUIRE(::getpid() != 1);
    const auto process = io::Process::spawn(loop, order, [&] { is_dead = true; }).value();
    CHECK(run_until(loop, [&] { return is_dead; }));
    CHECK(process->reap().code == 127);
}
