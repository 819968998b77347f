// Reads /proc/PID/environ and signals through pidfds.
#include "worker/tagged_processes.h"

#include <dirent.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

// The header of glibc 2.36 lacks its own extern "C" (bug of that version: no __BEGIN_DECLS in it).
extern "C" {
#include <sys/pidfd.h>
}

#include "io/read_file.h"

namespace windlass::worker {
namespace {

// Arguments and environment together are at most 6 MiB (execve(2): three quarters of 8 MiB).
constexpr std::size_t kEnvironmentMax = 6 << 20;
// Descriptors of killed ones that are kept, to wait on.
constexpr std::size_t kDescriptorsMax = 64;

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};

// None: the entry is no process.
std::optional<pid_t> pid_of(const dirent& entry) {
    pid_t pid = 0;
    const char* const name_end = entry.d_name + std::strlen(entry.d_name);
    const auto read = std::from_chars(entry.d_name, name_end, pid);
    if (read.ec != std::errc{} || read.ptr != name_end) return std::nullopt;
    return pid;
}

bool has_entry(std::string_view environment, std::string_view tag) {
    if (environment.starts_with(tag)) return true;
    // At the start of an entry: another variable's value may well hold our text.
    for (std::size_t at = environment.find(tag); at != std::string_view::npos;
         at = environment.find(tag)) {
        if (at > 0 && environment[at - 1] == '\0') return true;
        environment.remove_prefix(at + 1);
    }
    return false;
}

bool has_tag(pid_t pid, const std::string& tag, bool& is_blind) {
    const auto environment = io::read_file(fmt::format("/proc/{}/environ", pid), kEnvironmentMax);
    if (environment) return has_entry(*environment, tag);
    is_blind |= errno == EMFILE || errno == ENFILE || errno == ENOMEM;
    return false;
}

void kill_if_tagged(pid_t pid, const std::string& tag, SweepOutcome& outcome) {
    io::FileDescriptor pidfd{::pidfd_open(pid, 0)};
    // Once more, now that the number cannot become another's behind the descriptor.
    if (!has_tag(pid, tag, outcome.is_blind)) return;
    // Without descriptors: by number, checked just now.
    const int failed =
        pidfd ? ::pidfd_send_signal(pidfd.number(), SIGKILL, nullptr, 0) : ::kill(pid, SIGKILL);
    if (failed != 0) return;
    if (outcome.killed.size() >= kDescriptorsMax) pidfd.reset();
    outcome.killed.push_back({.pid = pid, .pidfd = std::move(pidfd)});
}

}  // namespace

SweepOutcome kill_tagged(const TagSweep& sweep) {
    SweepOutcome outcome;
    const std::unique_ptr<DIR, CloseDirectory> processes{::opendir("/proc")};
    outcome.is_blind = !processes;
    if (!processes) return outcome;
    std::string tag = sweep.tag;
    if (!tag.ends_with('/')) tag += '\0';  // generation 1 is not generation 12
    // NOLINTNEXTLINE(concurrency-mt-unsafe): a directory stream of one thread
    while (const dirent* const entry = ::readdir(processes.get())) {
        const auto pid = pid_of(*entry);
        if (!pid || *pid == ::getpid() || sweep.skipped.contains(*pid)) continue;
        if (sweep.on_look) sweep.on_look(*pid);
        if (has_tag(*pid, tag, outcome.is_blind)) kill_if_tagged(*pid, tag, outcome);
    }
    return outcome;
}

}  // namespace windlass::worker
