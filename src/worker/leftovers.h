// Ends what a dead daemon left behind: processes, cgroups and its folder. For the keeper and for
// the next start. Blocks. Thread: main.
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

struct ClearUpOptions {
    base::Duration limit;
    // Is run as `searcher tag-search ...` (tag_search.h).
    std::string searcher = "/proc/self/exe";
};

// Kills the cgroup, the workers' process groups and all tagged processes of the daemon, again and
// again until none is left or the limit is over; then removes its cgroups and, if nothing is left,
// its folder. The numbers in the record must be of our pid_space(), and its daemon dead or leaving.
Cleared clear_up(const DaemonRecord& record, Groups groups, const ClearUpOptions& options);

struct DeadDaemons {
    std::size_t daemon_count = 0;   // whose leftovers were looked for
    std::size_t process_count = 0;  // that were killed
    std::vector<std::string> kept;  // folders that could not be removed, or whose daemon lives
};

// Clears up after every daemon that has a folder in `run_folder`, but `own_id`. A daemon that still
// runs, by its number and start time, is left alone.
DeadDaemons clear_up_all(const std::string& run_folder, const std::string& own_id,
                         const ClearUpOptions& options);

}  // namespace windlass::worker
