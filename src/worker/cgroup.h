// Groups of processes that nothing leaves by forking or by a session of its own: cgroups, version 2
// (Linux Documentation/admin-guide/cgroup-v2.rst). The daemon has one folder below its own cgroup,
// with a leaf for each worker. Calls the file system of the kernel, which answers at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace windlass::worker {

// The folder of this process's own cgroup, from the texts of /proc/self/cgroup and
// /proc/self/mountinfo; also beside version 1 (hybrid mode). None: there is no version 2, or our
// own lies outside of what is mounted.
std::optional<std::string> find_own_cgroup(std::string_view self_cgroup,
                                           std::string_view mountinfo);

// Where the daemon's folder would be. An error of this and the next function: this machine, or this
// user's rights, do not allow it, and why; then tags have to do.
base::Result<std::string> find_daemon_cgroup_path(const std::string& daemon_id);
// Makes it there, and tries a leaf in it.
base::Result<void> make_daemon_cgroup(const std::string& path);
// Whether `path` can be what find_daemon_cgroup_path() gave for this daemon.
bool is_daemon_cgroup(const std::string& path, const std::string& daemon_id);

// The leaf of a worker. make_worker_cgroup() returns false where it could not be made.
std::string worker_cgroup(const std::string& daemon_cgroup, std::uint64_t generation);
bool make_worker_cgroup(const std::string& path);

// The kernel ends all processes of the leaf together once they hold more. False: not here, where
// its memory is not counted.
bool limit_cgroup_memory(const std::string& path, base::Bytes limit);
struct CgroupMemory {
    std::uint64_t kills = 0;               // processes that the kernel ended for lack of memory
    std::uint64_t limit_hits = 0;          // how often its own limit was reached
    std::optional<base::Bytes> peak = {};  // Linux 5.19
};
std::optional<CgroupMemory> read_cgroup_memory(const std::string& path);  // none: not counted

// In the new process, before its program begins: moves it into the leaf. Async-signal-safe.
bool join_cgroup(const char* path);
// Whether a process, dead and not reaped perhaps, is in the leaf.
bool is_in_cgroup(int pid, const std::string& path);

// Living processes, leaves of the folder included.
std::vector<int> processes_of_cgroup(const std::string& path);
// False for one that does not exist.
bool is_populated(const std::string& path);
// SIGKILL to every process in it and below it, atomically with forks (cgroup.kill, Linux 5.14;
// before that, to those that are there).
void kill_cgroup(const std::string& path);
// Removes it and its leaves. False while a process is in it.
bool remove_cgroup(const std::string& path);

}  // namespace windlass::worker
