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

    // Pss of /proc/PID/smaps_rollup (Linux 4.14): pages that n processes share count 1/n. None
    // where it may not be read.
    std::optional<base::Bytes> find_proportional_size(int pid) const;

    // All processes of the sessions that `leaders` lead, by pid; with their memory.
    std::vector<wire::HostProcess> measure_sessions(const std::vector<int>& leaders) const;

  private:
    std::string root_;
};

}  // namespace windlass::device
