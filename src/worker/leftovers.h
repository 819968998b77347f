// Ends what a dead daemon left behind: processes, cgroups and its folder. For the keeper and for
// the next start. Blocks. Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "worker/daemon_record.h"

namespace windlass::worker {

struct Cleared {
    std::size_t process_count = 0;   // that were killed
    bool is_everything_gone = true;  // false: a process hangs in the kernel, or a folder stayed
};

// The file with its record, in the folder of a daemon.
std::string record_path(const std::string& folder);
// Whoever reads it finds the whole of it, or of the former one.
base::Result<void> write_record(const DaemonRecord& record);

// Which groups of workers may be killed by their number.
enum class Groups : std::uint8_t {
    all,                // within moments of the daemon's end
    with_known_leader,  // later: without the leader that we know the number may be a stranger's
};

// Kills the cgroup, the workers' process groups and all tagged processes of the daemon, and passes
// again until none is left or `limit` is over; then removes its cgroups and its folder. The numbers
// in the record must be of our pid_space(), and its daemon dead or leaving.
Cleared clear_up(const DaemonRecord& record, base::Duration limit, Groups groups);

struct DeadDaemons {
    std::size_t daemon_count = 0;   // whose leftovers were looked for
    std::size_t process_count = 0;  // that were killed
    std::vector<std::string> kept;  // folders that could not be removed, or whose daemon lives
};

// Clears up after every daemon that has a folder in `run_folder`, but `own_id`. A daemon that still
// runs, by its number and start time, is left alone.
DeadDaemons clear_up_all(const std::string& run_folder, const std::string& own_id,
                         base::Duration limit);

}  // namespace windlass::worker
