// Child processes: what they inherit, how their end is seen, and that their whole group dies.
#include "io/process.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "io/loop.h"
#include "io/orphans.h"
#include "io/signals.h"
#include "io/stream.h"
#include "io/testing/run_until.h"

namespace io = windlass::io;
namespace base = windlass::base;
using io::testing::run_until;

namespace {

// Runs `sh -c SCRIPT` with stdout to a pipe, and keeps what comes out of it.
struct Shell {
    explicit Shell(const std::string& script, std::vector<io::SpawnOrder::Inherit> more = {}) {
        io::Pipe pipe = io::make_pipe().value();
        more.push_back({.ours = pipe.write_end.number(), .theirs = 1});
        const io::SpawnOrder order{.executable = "/bin/sh",
                                   .argv = {"sh", "-c", script},
                                   .environment = {"PATH=/usr/bin:/bin", "ONLY=this"},
                                   .descriptors = std::move(more)};
        process = io::Process::spawn(loop, order, [this] { is_dead = true; }).value();
        output.emplace(
            loop, std::move(pipe.read_end),
            io::StreamHandlers{.on_data =
                                   [this](std::span<const char> bytes) {
                                       text.append(bytes.data(), bytes.size());
                                   },
                               .on_closed = [this](const auto&) { is_output_closed = true; }});
    }
    ~Shell() {
        if (!process) return;
        const pid_t pid = process->pid();
        process.reset();
        ::waitpid(pid, nullptr, 0);  // if it was alive; the other tests expect no child
    }
    Shell(const Shell&) = delete;
    Shell& operator=(const Shell&) = delete;
    io::ExitStatus finish() {
        REQUIRE(run_until(loop, [&] { return is_dead; }));
        const io::ExitStatus status = process->reap();
        process->signal_group(SIGKILL);  // reaped: no effect
        return status;
    }
    std::string finish_and_read() {
        finish();
        REQUIRE(run_until(loop, [&] { return is_output_closed; }));
        return text;
    }

    io::Loop loop;
    bool is_dead = false;
    bool is_output_closed = false;
    std::string text;
    std::unique_ptr<io::Process> process;
    std::optional<io::Stream> output;
};

}  // namespace

TEST_CASE("an exit is seen with its status") {
    CHECK(io::to_text(Shell{"exit 0"}.finish()) == "exited with status 0");
    CHECK(io::to_text(Shell{"exit 117"}.finish()) == "exited with status 117");
    CHECK(io::to_text(Shell{"kill -SEGV $$"}.finish()) == "was killed by signal 11 (SIGSEGV)");
    CHECK(io::to_text(io::ExitStatus{.code = {}, .signal = 40}) == "was killed by signal 40");
}

TEST_CASE("a child has the environment and the descriptors it was given and no others") {
    CHECK(Shell{"env | grep -v -e PWD -e SHLVL -e '^_='"}.finish_and_read() ==
          "PATH=/usr/bin:/bin\nONLY=this\n");
    const io::FileDescriptor leaky{::open("/dev/null", O_RDONLY)};
    const io::FileDescriptor high{::fcntl(leaky.number(), F_DUPFD, 200)};
    // 2 is inherited as it is; 3 is what ls itself opens.
    CHECK(Shell{"exec ls /proc/self/fd"}.finish_and_read() == "0\n1\n2\n3\n");
    CHECK(Shell{"readlink /proc/self/fd/0"}.finish_and_read() == "/dev/null\n");
}

TEST_CASE("descriptors may swap their numbers") {
    const auto open_at = [](const char* path, int lowest) {
        const io::FileDescriptor file{::open(path, O_RDONLY | O_CLOEXEC)};
        return io::FileDescriptor{::fcntl(file.number(), F_DUPFD_CLOEXEC, lowest)};
    };
    const io::FileDescriptor low = open_at("/dev/zero", 3);
    const io::FileDescriptor high = open_at("/dev/full", low.number() + 1);
    REQUIRE(high.number() < 10);
    Shell shell{"for n in 0 " + std::to_string(low.number()) + " " + std::to_string(high.number()) +
                    "; do readlink /proc/$$/fd/$n; done",
                {{.ours = low.number(), .theirs = high.number()},
                 {.ours = high.number(), .theirs = low.number()},
                 {.ours = low.number(), .theirs = 0}}};
    CHECK(shell.finish_and_read() == "/dev/zero\n/dev/full\n/dev/zero\n");
}

TEST_CASE("a child has default signals, none blocked, and its own session and group") {
    io::Loop loop;
    const std::unique_ptr<io::Signals> signals =
        io::Signals::make(loop, {SIGTERM, SIGCHLD}, [](int) {}).value();
    struct sigaction ignore = {};
    struct sigaction former = {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGUSR1, &ignore, &former);
    const std::string text =
        Shell{"exec grep -E '^Sig(Blk|Ign)' /proc/self/status"}.finish_and_read();
    ::sigaction(SIGUSR1, &former, nullptr);
    CHECK(text.contains("SigBlk:\t0000000000000000"));
    // glibc's posix_spawn leaves its own signals 32 and 33 ignored.
    CHECK(
        (text.contains("SigIgn:\t0000000000000000") || text.contains("SigIgn:\t0000000180000000")));
    // Fields of proc(5): pid, name, state, parent, group, session.
    Shell shell{"exec cut -d' ' -f1,5,6 /proc/self/stat"};
    const std::string pid = std::to_string(shell.process->pid());
    CHECK(shell.finish_and_read() == pid + " " + pid + " " + pid + "\n");
}

TEST_CASE("what cannot be started is an error that names it") {
    io::Loop loop;
    const io::SpawnOrder order{
        .executable = "/nowhere/at/all", .argv = {"x"}, .environment = {}, .descriptors = {}};
    const auto process = io::Process::spawn(loop, order, [] {});
    REQUIRE_FALSE(process.has_value());
    CHECK(process.error().code == base::Errc::not_found);
    CHECK(process.error().message == "starting /nowhere/at/all: No such file or directory");
}

TEST_CASE("the group outlives its leader until it is killed, before the reap") {
    // The grandchild holds the pipe; its end says that the grandchild is gone too.
    Shell shell{
        "(trap '' TERM; echo ready; while :; do read line < /dev/zero; done) & read x; exit"};
    REQUIRE(run_until(shell.loop, [&] { return shell.is_dead && shell.text == "ready\n"; }));
    CHECK_FALSE(shell.is_output_closed);
    shell.process->signal_group(SIGKILL);
    shell.process->reap();
    CHECK(run_until(shell.loop, [&] { return shell.is_output_closed; }));
}

TEST_CASE("a child that never stops to print does not keep the loop from turning") {
    Shell shell{"exec yes"};
    std::size_t size = 0;
    std::size_t in_turn_max = 0;
    int turns = 0;
    CHECK(run_until(shell.loop, [&] {
        in_turn_max = std::max(in_turn_max, shell.text.size() - size);
        size = shell.text.size();
        return ++turns >= 50 && size > 1'000'000;
    }));
    CHECK(in_turn_max <= io::Stream::kBytesPerTurn);
}

TEST_CASE("a process that is destroyed alive is killed") {
    Shell shell{
        "(while :; do read line < /dev/zero; done) & while :; do read line < /dev/zero; done"};
    const pid_t pid = shell.process->pid();
    shell.process.reset();
    CHECK(run_until(shell.loop, [&] { return shell.is_output_closed; }));
    CHECK_FALSE(shell.is_dead);
    ::waitpid(pid, nullptr, 0);  // the other tests expect no child
}

TEST_CASE("a dead child is reported when the debugger that holds it lets go") {
    Shell child{
        "exec python3 -S -c 'import ctypes, signal; ctypes.CDLL(None).prctl(0x59616D61, -1);"
        "print(\"up\", flush=True); signal.pause()'"};  // PR_SET_PTRACER, any
    REQUIRE(run_until(child.loop, [&] { return child.text == "up\n"; }));
    io::Pipe hold = io::make_pipe().value();
    ::fcntl(hold.read_end.number(), F_SETFL, 0);
    const std::string pid = std::to_string(child.process->pid());
    Shell tracer{
        "exec python3 -S -c 'import ctypes, os; seized = ctypes.CDLL(None).ptrace(0x4206, " + pid +
            ", 0, 0); print(seized, flush=True); os.read(5, 1)'",  // PTRACE_SEIZE
        {{.ours = hold.read_end.number(), .theirs = 5}}};
    REQUIRE(run_until(tracer.loop, [&] { return !tracer.text.empty(); }));
    if (tracer.text != "0\n") {
        MESSAGE("tracing is not allowed here, so that there is nothing to see");
        return;
    }
    child.process->signal_group(SIGKILL);
    REQUIRE(run_until(child.loop, [&] { return child.is_output_closed; }));
    CHECK_FALSE(run_until(
        child.loop, [&] { return child.is_dead; }, std::chrono::milliseconds{100}));
    hold.write_end.reset();
    CHECK(child.finish().signal == SIGKILL);
}

TEST_CASE("a process may be destroyed by its own exit handler") {
    io::Loop loop;
    std::unique_ptr<io::Process> process;
    const io::SpawnOrder order{
        .executable = "/bin/true", .argv = {"true"}, .environment = {}, .descriptors = {}};
    process = io::Process::spawn(loop, order, [&] {
                  process->reap();
                  process.reset();
              }).value();
    CHECK(run_until(loop, [&] { return process == nullptr; }));
}

TEST_CASE("signals come as inputs of the loop, and the mask is restored") {
    io::Loop loop;
    std::vector<int> seen;
    {
        const std::unique_ptr<io::Signals> signals =
            io::Signals::make(loop, {SIGHUP, SIGUSR2}, [&](int signal) {
                seen.push_back(signal);
            }).value();
        ::raise(SIGHUP);
        ::raise(SIGUSR2);
        ::raise(SIGHUP);  // pending already: counts once
        CHECK(run_until(loop, [&] { return seen.size() == 2; }));
    }
    CHECK(seen == std::vector<int>{SIGHUP, SIGUSR2});
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    CHECK(sigismember(&mask, SIGHUP) == 0);
}

TEST_CASE("orphans are adopted and reaped by pid, and own children are left alone") {
    REQUIRE(io::become_subreaper().has_value());
    const io::Pipe hold = io::make_pipe().value();
    ::fcntl(hold.read_end.number(), F_SETFL, 0);  // blocking, for cat
    Shell shell{"cat <&5 & echo $!", {{.ours = hold.read_end.number(), .theirs = 5}}};
    bool is_child_signal_seen = false;
    const std::unique_ptr<io::Signals> signals =
        io::Signals::make(shell.loop, {SIGCHLD}, [&](int) { is_child_signal_seen = true; }).value();
    REQUIRE(run_until(shell.loop, [&] { return shell.is_dead && !shell.text.empty(); }));
    const pid_t orphan = std::stoi(shell.text);
    CHECK(io::reap_orphans() == 0);
    REQUIRE(::kill(orphan, SIGTERM) == 0);
    std::size_t reaped = 0;
    CHECK(run_until(shell.loop, [&] {
        if (std::exchange(is_child_signal_seen, false)) reaped += io::reap_orphans();
        return reaped == 1;
    }));
    CHECK(shell.process->reap().code == 0);
}

TEST_CASE("a child whose Process went before its end is reaped as an orphan") {
    Shell shell{"exec sleep 1000"};
    bool is_child_signal_seen = false;
    const std::unique_ptr<io::Signals> signals =
        io::Signals::make(shell.loop, {SIGCHLD}, [&](int) { is_child_signal_seen = true; }).value();
    const pid_t pid = shell.process->pid();
    CHECK(io::is_held(pid));
    shell.process.reset();  // kills it, and does not wait
    CHECK_FALSE(io::is_held(pid));
    CHECK(run_until(shell.loop, [&] {
        if (std::exchange(is_child_signal_seen, false)) io::reap_orphans();
        return ::kill(pid, 0) != 0;
    }));
}
