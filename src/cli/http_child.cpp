// Starting, watching and ending that process.
#include "cli/http_child.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "base/assert.h"

extern char** environ;

namespace windlass::cli {
namespace {

using base::Errc;
using base::Result;
using namespace std::chrono_literals;

// After SIGKILL: what does not die then hangs in the kernel, and is the daemon's to judge.
constexpr base::Duration kKillLimit = 2s;

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    result.reserve(texts.size() + 1);
    for (std::string& text : texts) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

std::vector<std::string> merged(const std::map<std::string, std::string>& over) {
    std::vector<std::string> result;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        if (!over.contains(std::string{text.substr(0, text.find('='))})) result.emplace_back(text);
    }
    for (const auto& [name, value] : over) result.push_back(fmt::format("{}={}", name, value));
    return result;
}

base::Error start_error(int code, const std::string& program) {
    const Errc type = code == ENOENT   ? Errc::not_found
                      : code == EACCES ? Errc::permission_denied
                                       : Errc::internal;
    return base::fail(type, fmt::format("the program {} cannot be started ({}): look at `command`"
                                        " of its model",
                                        program, std::strerror(code)));
}

// Signals that interrupt it do not shorten the wait.
bool is_ready(pollfd descriptor, base::Duration limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (true) {
        const auto left = std::max(deadline - std::chrono::steady_clock::now(),
                                   std::chrono::steady_clock::duration{0});
        const auto left_ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
        const int count = ::poll(&descriptor, 1, static_cast<int>(left_ms));
        if (count >= 0 || errno != EINTR) return count > 0;
    }
}

// Without reaping it: its pid stays its own as long as somebody may signal it.
siginfo_t look_at(pid_t pid) {
    siginfo_t info = {};
    const int failed = ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
    WL_ASSERT(failed == 0);  // a child of ours that nobody else reaps
    return info;
}

}  // namespace

Result<std::unique_ptr<HttpChild>> HttpChild::start(
    const std::vector<std::string>& words, const std::map<std::string, std::string>& environment) {
    std::vector<std::string> arguments = words;
    std::vector<std::string> variables = merged(environment);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    pid_t pid = 0;
    const int code = ::posix_spawnp(&pid, words.front().c_str(), nullptr, &attributes,
                                    pointers(arguments).data(), pointers(variables).data());
    ::posix_spawnattr_destroy(&attributes);
    if (code != 0) return start_error(code, words.front());
    const auto pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    WL_ASSERT(pidfd >= 0);  // Linux 5.3 and later, as for the daemon itself
    return std::unique_ptr<HttpChild>{new HttpChild{pid, pidfd}};
}

HttpChild::~HttpChild() {
    stop(0s);
    if (release_ >= 0) ::close(release_);
    ::close(pidfd_);
}

bool HttpChild::wait_for_end(base::Duration limit) const {
    return is_ready({.fd = pidfd_, .events = POLLIN, .revents = 0}, limit);
}

std::string HttpChild::how_it_ended() const {
    const siginfo_t info = look_at(pid_);
    if (info.si_code == CLD_EXITED) return fmt::format("exited with status {}", info.si_status);
    return fmt::format("was killed by signal {} (SIG{})", info.si_status,
                       ::sigabbrev_np(info.si_status));
}

void HttpChild::tie_lives() {
    release_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    watcher_ = std::thread{[this] { end_with_it(); }};
}

void HttpChild::end_with_it() {
    std::array<pollfd, 2> descriptors = {pollfd{.fd = pidfd_, .events = POLLIN, .revents = 0},
                                         pollfd{.fd = release_, .events = POLLIN, .revents = 0}};
    while (::poll(descriptors.data(), descriptors.size(), -1) < 0 && errno == EINTR) continue;
    if (descriptors[1].revents != 0) return;
    const siginfo_t info = look_at(pid_);
    std::fputs(fmt::format("windlass: the program {}\n", how_it_ended()).c_str(), stderr);
    if (info.si_code != CLD_EXITED) {
        sigset_t its_own;
        sigemptyset(&its_own);
        sigaddset(&its_own, info.si_status);
        std::signal(info.si_status, SIG_DFL);
        ::pthread_sigmask(SIG_UNBLOCK, &its_own, nullptr);
        ::raise(info.si_status);  // to this thread: nothing of it goes on
    }
    ::_exit(info.si_code == CLD_EXITED ? info.si_status : 1);
}

void HttpChild::stop(base::Duration grace) {
    if (watcher_.joinable()) {
        const std::uint64_t one = 1;
        static_cast<void>(::write(release_, &one, sizeof one));
        watcher_.join();
    }
    if (pid_ == 0) return;
    ::kill(pid_, SIGTERM);
    if (!wait_for_end(grace)) {
        ::kill(pid_, SIGKILL);
        if (!wait_for_end(kKillLimit)) return;
    }
    ::waitid(P_PID, static_cast<id_t>(pid_), nullptr, WEXITED);
    pid_ = 0;
}

}  // namespace windlass::cli
