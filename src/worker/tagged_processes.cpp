// Reads /proc/PID/environ and signals through pidfds.
#include "worker/tagged_processes.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <string_view>
#include <utility>

// The header of glibc 2.36 lacks its own extern "C" (bug of that version: no __BEGIN_DECLS in it).
extern "C" {
#include <sys/pidfd.h>
}

#include "io/process_identity.h"
#include "io/read_file.h"

namespace windlass::worker {
namespace {

// Arguments and environment together are at most 6 MiB (execve(2): three quarters of 8 MiB).
constexpr std::size_t kEnvironmentMax = 6 << 20;

}  // namespace

std::string tag_of(const std::string& daemon_id, std::optional<std::uint64_t> generation) {
    std::string tag = fmt::format("WINDLASS_WORKER={}/", daemon_id);
    if (!generation) return tag;
    tag += std::to_string(*generation);
    tag += '\0';  // generation 1 is not generation 12
    return tag;
}

TagSweep::TagSweep(std::string tag)
    : tag_(std::move(tag)), processes_(::opendir("/proc")), is_blind_(!processes_) {}

bool TagSweep::step(std::size_t count_max, std::vector<KilledProcess>& killed) {
    if (!processes_) return true;
    for (std::size_t count = 0; count < count_max;) {
        // NOLINTNEXTLINE(concurrency-mt-unsafe): a directory stream of one thread
        const dirent* const entry = ::readdir(processes_.get());
        if (entry == nullptr) return true;
        pid_t pid = 0;
        const char* const name_end = entry->d_name + std::strlen(entry->d_name);
        const auto read = std::from_chars(entry->d_name, name_end, pid);
        if (read.ec != std::errc{} || read.ptr != name_end) continue;
        ++count;
        if (pid == ::getpid() || !has_tag(pid)) continue;
        if (auto process = kill(pid)) killed.push_back(std::move(*process));
    }
    return false;
}

bool TagSweep::has_tag(pid_t pid) {
    const auto environment = io::read_file(fmt::format("/proc/{}/environ", pid), kEnvironmentMax);
    if (!environment) {
        is_blind_ |= errno == EMFILE || errno == ENFILE || errno == ENOMEM;
        return false;
    }
    if (environment->starts_with(tag_)) return true;
    // At the start of an entry: another variable's value may well hold our text.
    std::string_view rest{*environment};
    for (std::size_t at = rest.find(tag_); at != std::string_view::npos; at = rest.find(tag_)) {
        if (at > 0 && rest[at - 1] == '\0') return true;
        rest.remove_prefix(at + 1);
    }
    return false;
}

std::optional<KilledProcess> TagSweep::kill(pid_t pid) {
    io::FileDescriptor pidfd{::pidfd_open(pid, 0)};
    // Once more, now that the number cannot become another's behind the descriptor.
    if (!has_tag(pid)) return std::nullopt;
    if (!pidfd) {  // no descriptors left: by number, checked just now
        if (::kill(pid, SIGKILL) != 0) return std::nullopt;
        return KilledProcess{.pid = pid, .pidfd = {}};
    }
    if (::pidfd_send_signal(pidfd.number(), SIGKILL, nullptr, 0) != 0) return std::nullopt;
    return KilledProcess{.pid = pid, .pidfd = std::move(pidfd)};
}

}  // namespace windlass::worker
