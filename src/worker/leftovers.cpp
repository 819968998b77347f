// Clearing up after a daemon.
#include "worker/leftovers.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include "io/file_descriptor.h"
#include "io/loop.h"
#include "io/read_file.h"
#include "worker/cgroup.h"
#include "worker/leftover_hunt.h"

namespace windlass::worker {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

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

// The cgroup and the tag hold different ones, and neither waits for the other.
HuntOutcome hunt(const DaemonRecord& record, const ClearUpOptions& options) {
    const TagSearchOrder search{
        .executable = options.searcher,
        .tag = tag_of(record.daemon_id, std::nullopt),
        // A process that executes a program at the moment of a pass shows no environment; two
        // passes in a row do not meet it there. Where no worker lived nothing can be in between.
        .empty_passes = record.workers.empty() ? 1 : 2,
        .limit = options.limit};
    HuntOutcome both;
    int hunts_left = record.cgroup.empty() ? 1 : 2;
    io::Loop loop;
    const auto on_over = [&](const HuntOutcome& outcome) {
        both.process_count += outcome.process_count;
        both.is_everything_gone &= outcome.is_everything_gone;
        if (--hunts_left == 0) loop.stop();
    };
    LeftoverHunt by_tag{loop, {.cgroup = {}, .search = search}, on_over};
    LeftoverHunt by_cgroup{loop, {.cgroup = record.cgroup, .search = search}, on_over};
    by_tag.start();
    if (!record.cgroup.empty()) by_cgroup.start();
    // A stop before run() does nothing, but the tag's hunt is never over before.
    loop.run([](base::Instant) { return std::nullopt; });
    return both;
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

Cleared clear_up(const DaemonRecord& record, Groups groups, const ClearUpOptions& options) {
    for (const auto& [generation, leader] : record.workers) kill_group(leader, groups);
    const HuntOutcome outcome = hunt(record, options);
    Cleared cleared{.process_count = outcome.process_count,
                    .is_everything_gone = outcome.is_everything_gone};
    if (!record.cgroup.empty()) cleared.is_everything_gone &= remove_cgroup(record.cgroup);
    // Whoever looks again needs the record.
    if (cleared.is_everything_gone) cleared.is_everything_gone = remove_folder(record);
    return cleared;
}

DeadDaemons clear_up_all(const std::string& run_folder, const std::string& own_id,
                         const ClearUpOptions& options) {
    const Clock::time_point deadline = Clock::now() + options.limit;
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
        ClearUpOptions what_is_left = options;
        what_is_left.limit = std::max<base::Duration>(deadline - Clock::now(), 0s);
        const Cleared cleared = clear_up(rest, Groups::with_known_leader, what_is_left);
        dead.process_count += cleared.process_count;
        if (!cleared.is_everything_gone) dead.kept.push_back(folder.string());
    }
    return dead;
}

}  // namespace windlass::worker
