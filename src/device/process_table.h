// What /proc tells of processes: their names, their sessions, their share of the memory. Reading
// the memory of one takes a lock that a stuck process may hold for ever: for driver hosts only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "wire/host_message.h"

namespace windlass::device {

class ProcessTable {
  public:
    // `root`: where /proc is mounted; tests have one of their own.
    explicit ProcessTable(std::string root = "/proc") : root_(std::move(root)) {}

    // The process with what is known of it but its memory.
    wire::HostProcess describe(int pid) const;

    // It has ended, and nobody has reaped it.
    bool is_zombie(int pid) const;

    // The child of `ancestor` that it is or descends from; 0 when it descends from none. Ancestry
    // does not end with a parent: the daemon, a subreaper, adopts what its workers leave. None when
    // the line breaks off because somebody ends meanwhile, or may not be looked at.
    std::optional<int> find_branch(int pid, int ancestor) const;

    // Its share of what cannot be dropped: Pss_Anon and Pss_Shmem of /proc/PID/smaps_rollup, where
    // pages that n processes share count 1/n. Pages of files, such as weights that are mapped, are
    // cache, which nobody counts as used. An older kernel tells only Pss, with those pages in it.
    // None where it may not be read.
    std::optional<base::Bytes> find_own_size(int pid) const;

    // All processes of the sessions that `leaders` lead, by pid; with their memory.
    std::vector<wire::HostProcess> measure_sessions(const std::vector<int>& leaders) const;

  private:
    std::optional<int> follow_parents(int pid, int ancestor) const;

    std::string root_;
};

}  // namespace windlass::device
