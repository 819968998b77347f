// Starts, kills and reaps.
#include "device/host_processes.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include "base/assert.h"

namespace windlass::device {

base::Result<HostProcesses::Started> HostProcesses::start(
    DriverHostOrder order, std::function<void(const io::ExitStatus&)> on_exit) {
    io::SocketPair pair = WL_TRY(io::make_socket_pair());
    // Not our stderr: drivers write there what is no line of our log.
    const io::FileDescriptor nowhere{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
    if (!nowhere) return io::system_error(errno, "opening /dev/null");
    order.parent_pid = ::getpid();
    const io::SpawnOrder spawn{
        .executable = executable_,
        .argv = driver_host_argv(order),
        .environment = environment_,
        .descriptors = {{.ours = nowhere.number(), .theirs = 1},
                        {.ours = nowhere.number(), .theirs = 2},
                        {.ours = pair.theirs.number(), .theirs = kHostDescriptor}}};
    const std::uint64_t number = last_ + 1;
    std::unique_ptr<io::Process> process =
        WL_TRY(io::Process::spawn(loop_, spawn, [this, number] { reap(number); }));
    last_ = number;
    const pid_t pid = process->pid();
    processes_.emplace(number, Entry{.process = std::move(process), .on_exit = std::move(on_exit)});
    return Started{.number = number, .pid = pid, .channel = std::move(pair.ours)};
}

void HostProcesses::abandon(std::uint64_t number) {
    const auto found = processes_.find(number);
    if (found == processes_.end()) return;
    found->second.on_exit = nullptr;
    found->second.process->signal_group(SIGKILL);
}

void HostProcesses::reap(std::uint64_t number) {
    const auto found = processes_.find(number);
    WL_ASSERT(found != processes_.end());
    const Entry entry = std::move(found->second);
    processes_.erase(found);
    const io::ExitStatus status = entry.process->reap();
    if (entry.on_exit) entry.on_exit(status);
}

void HostProcesses::finish(base::Duration limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    for (auto& [number, entry] : processes_) entry.process->signal_group(SIGKILL);
    for (auto& [number, entry] : processes_) {
        const base::Duration left = deadline - std::chrono::steady_clock::now();
        if (entry.process->wait_for_exit(std::max(left, base::Duration::zero()))) {
            entry.process->reap();
        }
    }
    processes_.clear();
}

}  // namespace windlass::device
