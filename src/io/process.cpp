// posix_spawn, pidfd_open and waitid.
#include "io/process.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <set>
#include <utility>

// The header of glibc 2.36 lacks its own extern "C" (bug of that version: no __BEGIN_DECLS in it).
extern "C" {
#include <sys/pidfd.h>
}

#include "base/assert.h"

namespace windlass::io {
namespace {

// The numbers that a child may be given lie below this one, and copies of ours above it.
constexpr int kTheirsEnd = 10;
// Between two looks at a dead child that a debugger still holds.
constexpr std::chrono::milliseconds kTracedPatience{20};

// What posix_spawn wants: pointers into strings, and a null at the end.
std::vector<char*> pointers_to(const std::vector<std::string>& strings) {
    std::vector<char*> pointers;
    pointers.reserve(strings.size() + 1);
    // posix_spawn takes char* but does not write (POSIX.1-2017, exec, rationale).
    for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
    pointers.push_back(nullptr);
    return pointers;
}

class SpawnAttributes {
  public:
    SpawnAttributes() {
        ::posix_spawnattr_init(&attributes_);
        ::posix_spawn_file_actions_init(&actions_);
    }
    ~SpawnAttributes() {
        ::posix_spawnattr_destroy(&attributes_);
        ::posix_spawn_file_actions_destroy(&actions_);
    }
    SpawnAttributes(const SpawnAttributes&) = delete;
    SpawnAttributes& operator=(const SpawnAttributes&) = delete;

    // A session of its own keeps the terminal's Ctrl-C away from the child: the daemon ends it.
    void isolate(bool is_deaf) {
        sigset_t all;
        sigset_t none;
        sigfillset(&all);
        sigemptyset(&none);
        ::posix_spawnattr_setsigdefault(&attributes_, &all);
        ::posix_spawnattr_setsigmask(&attributes_, is_deaf ? &all : &none);
        constexpr int kFlags = POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
        ::posix_spawnattr_setflags(&attributes_, kFlags);
    }

    // Gives the child exactly these, its stdin and our stdout and stderr where they are not mapped.
    base::Result<void> map(std::span<const SpawnOrder::Inherit> descriptors) {
        std::array<bool, kTheirsEnd> is_kept = {true, true, true};
        int failed = ::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
        for (const SpawnOrder::Inherit& pair : descriptors) {
            WL_ASSERT(pair.theirs >= 0 && pair.theirs < kTheirsEnd);
            // A copy above every number of theirs, so that no mapping overwrites the next one's
            // source.
            const FileDescriptor& copy =
                copies_.emplace_back(::fcntl(pair.ours, F_DUPFD_CLOEXEC, kTheirsEnd));
            // EINVAL: even the first of these numbers lies beyond the limit (fcntl(2)).
            const int errno_value = errno == EINVAL ? EMFILE : errno;
            if (!copy) return system_error(errno_value, "copying a descriptor for a child");
            failed |= ::posix_spawn_file_actions_adddup2(&actions_, copy.number(), pair.theirs);
            is_kept[static_cast<std::size_t>(pair.theirs)] = true;
        }
        // Everything of ours is close-on-exec; this is for what libraries and our parent left open.
        for (int number = 0; number < kTheirsEnd; ++number) {
            if (is_kept[static_cast<std::size_t>(number)]) continue;
            failed |= ::posix_spawn_file_actions_addclose(&actions_, number);
        }
        failed |= ::posix_spawn_file_actions_addclosefrom_np(&actions_, kTheirsEnd);
        if (failed == 0) return {};
        return base::fail(base::Errc::host_out_of_memory, "no memory to prepare a child process");
    }

    void close_copies() { copies_.clear(); }

    const posix_spawnattr_t* attributes() const { return &attributes_; }
    const posix_spawn_file_actions_t* actions() const { return &actions_; }

  private:
    posix_spawnattr_t attributes_;
    posix_spawn_file_actions_t actions_;
    std::vector<FileDescriptor> copies_;
};

// Of all that a Process holds and has not reaped. Thread: main, as Process itself.
std::set<pid_t>& held_children() {
    static std::set<pid_t> pids;
    return pids;
}

void reap_if_dead(pid_t pid) {
    siginfo_t ignored = {};
    ::waitid(P_PID, static_cast<id_t>(pid), &ignored, WEXITED | WNOHANG);
}

}  // namespace

std::string to_text(const ExitStatus& status) {
    if (status.code) return fmt::format("exited with status {}", *status.code);
    const int signal = status.signal.value_or(0);
    const char* const name = ::sigabbrev_np(signal);  // null for a real-time signal
    if (name == nullptr) return fmt::format("was killed by signal {}", signal);
    return fmt::format("was killed by signal {} (SIG{})", signal, name);
}

base::Result<std::unique_ptr<Process>> Process::spawn(Loop& loop, const SpawnOrder& order,
                                                      std::function<void()> on_exit) {
    WL_ASSERT(::gettid() == ::getpid());
    SpawnAttributes attributes;
    attributes.isolate(order.is_deaf);
    WL_TRY(attributes.map(order.descriptors));
    const std::vector<char*> argv = pointers_to(order.argv);
    const std::vector<char*> environment = pointers_to(order.environment);
    pid_t pid = -1;
    const int failed = ::posix_spawn(&pid, order.executable.c_str(), attributes.actions(),
                                     attributes.attributes(), argv.data(), environment.data());
    if (failed != 0) return system_error(failed, "starting " + order.executable);
    // Makes room, so that a pidfd can be had whenever there was room for the copies.
    attributes.close_copies();
    // Nobody else reaps our children, so that the pid cannot be another's by now.
    FileDescriptor pidfd{::pidfd_open(pid, 0)};
    if (!pidfd) {
        const int errno_value = errno;
        ::kill(-pid, SIGKILL);
        reap_if_dead(pid);
        return system_error(errno_value, "watching the process that was started");
    }
    return std::unique_ptr<Process>{new Process{loop, pid, std::move(pidfd), std::move(on_exit)}};
}

Process::Process(Loop& loop, pid_t pid, FileDescriptor pidfd, std::function<void()> on_exit)
    : pid_(pid),
      pidfd_(loop, std::move(pidfd)),
      look_again_(loop, [this] { report_if_dead(); }),
      on_exit_(std::move(on_exit)) {
    held_children().insert(pid_);
    pidfd_.when_readable([this] { report_if_dead(); });
}

// The pidfd of a dead child that is traced is readable, but nobody except the tracer can reap it
// (ptrace(2), "Death under ptrace"). Nothing tells when that is over but a second look.
bool Process::can_be_reaped() const {
    siginfo_t info = {};
    ::waitid(P_PIDFD, static_cast<id_t>(pidfd_.descriptor()), &info, WEXITED | WNOHANG | WNOWAIT);
    return info.si_pid == pid_;
}

void Process::report_if_dead() {
    if (!can_be_reaped()) return look_again_.start(kTracedPatience);
    // Out of the object first: it may be destroyed meanwhile.
    const std::function<void()> callback = std::move(on_exit_);
    callback();
}

Process::~Process() {
    if (is_reaped_) return;
    signal_group(SIGKILL);
    reap_if_dead(pid_);
    give_up();
}

void Process::give_up() {
    is_reaped_ = true;
    held_children().erase(pid_);
}

void Process::signal_group(int signal) const {
    // The only error possible is that the group is empty, which is as good.
    if (!is_reaped_) ::kill(-pid_, signal);
}

bool Process::wait_for_exit(base::Duration limit) const {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    pollfd end{.fd = pidfd_.descriptor(), .events = POLLIN, .revents = 0};
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        const bool has_news = ::poll(&end, 1, std::max(0, static_cast<int>(left.count()))) > 0;
        if (has_news && can_be_reaped()) return true;
        if (left.count() <= 0) return false;
        if (has_news) ::poll(nullptr, 0, static_cast<int>(kTracedPatience.count()));
    }
}

ExitStatus Process::reap() {
    WL_ASSERT(!is_reaped_);
    siginfo_t info = {};
    int outcome = -1;
    do {
        outcome = ::waitid(P_PIDFD, static_cast<id_t>(pidfd_.descriptor()), &info, WEXITED);
    } while (outcome != 0 && errno == EINTR);
    // Fails only if somebody else reaped our child, or before its end.
    WL_ASSERT(outcome == 0);
    give_up();
    if (info.si_code == CLD_EXITED) return {.code = info.si_status, .signal = {}};
    return {.code = {}, .signal = info.si_status};
}

bool is_held(pid_t pid) { return held_children().contains(pid); }

}  // namespace windlass::io
