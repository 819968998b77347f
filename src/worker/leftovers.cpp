// Clearing up after a daemon.
#include "worker/leftovers.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <set>

#include "io/read_file.h"
#include "worker/cgroup.h"
#include "worker/tagged_processes.h"

namespace windlass::worker {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

// How long a pass waits for those that it killed before the next one looks again.
constexpr base::Duration kPatience = 20ms;
// Processes that a pass looks at in one step, and descriptors that it keeps to wait on.
constexpr std::size_t kStep = 256;
constexpr std::size_t kDescriptorsMax = 64;
constexpr std::size_t kRecordMax = 16 << 20;

// The number of a group stays its own as long as a member lives (alloc_pid in kernel/pid.c), unless
// its leader is another process than the one we know: then the group is gone and the number reused.
// A group without its leader may be ours a moment after the daemon's death; days later its number
// may have become that of a stranger whose leader left.
void kill_group(const io::ProcessIdentity& leader, Groups groups) {
    const auto present = io::find_identity(leader.pid);
    if (present ? *present != leader : groups == Groups::with_known_leader) return;
    ::kill(-leader.pid, SIGKILL);
}

// Waits until they are dead, or the patience is over.
void wait_for(const std::vector<KilledProcess>& killed) {
    const Clock::time_point deadline = Clock::now() + kPatience;
    std::vector<pollfd> ends;
    ends.reserve(killed.size());
    for (const KilledProcess& process : killed) {
        // A negative number, of one without a descriptor, is ignored by poll(2).
        ends.push_back({.fd = process.pidfd.number(), .events = POLLIN, .revents = 0});
    }
    do {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        ::poll(ends.data(), ends.size(), std::max(0, static_cast<int>(left.count())));
        for (pollfd& end : ends) {
            if (end.revents != 0) end.fd = -1;
        }
    } while (Clock::now() < deadline &&
             (ends.empty() || std::ranges::any_of(ends, [](auto& end) { return end.fd >= 0; })));
}

// One pass. Adds those that it killed to `victims`.
std::vector<KilledProcess> kill_once(const DaemonRecord& record, std::set<pid_t>& victims) {
    std::vector<KilledProcess> killed;
    if (!record.cgroup.empty() && is_populated(record.cgroup)) {
        for (const int pid : processes_of_cgroup(record.cgroup)) {
            killed.push_back({.pid = pid, .pidfd = {}});
        }
        kill_cgroup(record.cgroup);
    }
    TagSweep sweep{tag_of(record.daemon_id, std::nullopt)};
    bool is_over = false;
    while (!is_over) {
        is_over = sweep.step(kStep, killed);
        for (std::size_t index = kDescriptorsMax; index < killed.size(); ++index) {
            killed[index].pidfd.reset();  // the next steps need some
        }
    }
    for (const KilledProcess& process : killed) victims.insert(process.pid);
    return killed;
}

bool remove_folder(const DaemonRecord& record) {
    // What is removed with all its contents must be what we made.
    const fs::path folder{record.folder};
    if (!folder.is_absolute() || folder.filename() != record.daemon_id) return false;
    std::error_code failed;
    fs::remove_all(folder, failed);
    return !fs::exists(folder, failed);
}

DaemonRecord read_record(const fs::path& folder) {
    DaemonRecordReader reader;
    reader.feed(io::read_file(record_path(folder.string()), kRecordMax).value_or(""));
    DaemonRecord record = reader.record();
    // What the folder's name says holds, whatever the file says or if there is none.
    if (record.daemon_id != folder.filename()) record = {.pid_space = io::pid_space()};
    record.daemon_id = folder.filename().string();
    record.folder = folder.string();
    if (!is_daemon_cgroup(record.cgroup, record.daemon_id)) record.cgroup.clear();
    return record;
}

}  // namespace

std::string record_path(const std::string& folder) { return folder + "/record"; }

base::Result<void> write_record(const DaemonRecord& record) {
    const std::string path = record_path(record.folder);
    const std::string draft = path + ".new";
    const std::string text = encode(record);
    const io::FileDescriptor file{
        ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    if (!file) return io::system_error(errno, "writing " + path);
    const ssize_t size = ::write(file.number(), text.data(), text.size());
    if (size >= 0 && static_cast<std::size_t>(size) < text.size()) errno = ENOSPC;
    const bool is_written = size == static_cast<ssize_t>(text.size());
    if (is_written && std::rename(draft.c_str(), path.c_str()) == 0) return {};
    return io::system_error(errno, "writing " + path);
}

Cleared clear_up(const DaemonRecord& record, base::Duration limit, Groups groups) {
    const Clock::time_point deadline = Clock::now() + limit;
    for (const auto& [generation, leader] : record.workers) kill_group(leader, groups);
    std::set<pid_t> victims;
    Cleared cleared;
    // A process that executes a program at the moment of a pass shows no environment; two passes
    // in a row do not meet it there. Where no worker lived nothing can be in between.
    const int empty_passes_wanted = record.workers.empty() ? 1 : 2;
    for (int empty_passes = 0;;) {
        const std::vector<KilledProcess> killed = kill_once(record, victims);
        empty_passes = killed.empty() ? empty_passes + 1 : 0;
        if (empty_passes == empty_passes_wanted) break;
        if (Clock::now() >= deadline) {
            cleared.is_everything_gone = killed.empty();
            break;
        }
        wait_for(killed);
    }
    cleared.process_count = victims.size();
    if (!record.cgroup.empty()) cleared.is_everything_gone &= remove_cgroup(record.cgroup);
    cleared.is_everything_gone &= remove_folder(record);
    return cleared;
}

DeadDaemons clear_up_all(const std::string& run_folder, const std::string& own_id,
                         base::Duration limit) {
    const Clock::time_point deadline = Clock::now() + limit;
    std::vector<fs::path> folders;
    std::error_code ended;
    for (fs::directory_iterator at{run_folder, ended}; !ended && at != fs::directory_iterator{};
         at.increment(ended)) {
        folders.push_back(at->path());
    }
    DeadDaemons dead;
    for (const fs::path& folder : folders) {
        if (folder.filename() == own_id || !is_daemon_id(folder.filename().string())) continue;
        const DaemonRecord record = read_record(folder);
        const bool are_pids_ours = record.pid_space == io::pid_space();
        if (are_pids_ours && io::is_running(record.daemon)) {
            dead.kept.push_back(folder.string());
            continue;
        }
        ++dead.daemon_count;
        // The numbers of another start of the machine, or of another namespace, mean others here.
        DaemonRecord rest = record;
        if (!are_pids_ours) rest.workers.clear();
        const Cleared cleared = clear_up(
            rest, std::max<base::Duration>(deadline - Clock::now(), 0s), Groups::with_known_leader);
        dead.process_count += cleared.process_count;
        if (!cleared.is_everything_gone) dead.kept.push_back(folder.string());
    }
    return dead;
}

}  // namespace windlass::worker
