// The keeper: waits, then clears up.
#include "worker/keeper.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <array>

#include "io/file_descriptor.h"
#include "worker/cgroup.h"
#include "worker/leftovers.h"

namespace windlass::worker {
namespace {

// What SIGKILL has not ended by then hangs in the kernel; the next start looks again.
constexpr base::Duration kLimit = std::chrono::seconds{30};

}  // namespace

int run_keeper() {
    ::prctl(PR_SET_NAME, "windlass-keeper", 0, 0, 0);
    // Keeps no file system busy; all paths in the record are absolute.
    static_cast<void>(::chdir("/"));
    DaemonRecordReader reader;
    std::array<char, 4096> buffer = {};
    io::ReadOutcome outcome;
    do {
        outcome = io::read_some(kKeeperDescriptor, buffer);
        reader.feed({buffer.data(), outcome.size});
    } while (outcome.size > 0);
    DaemonRecord record = reader.record();
    if (!is_daemon_id(record.daemon_id)) return 2;
    if (!is_daemon_cgroup(record.cgroup, record.daemon_id)) record.cgroup.clear();
    return clear_up(record, Groups::all, {.limit = kLimit}).is_everything_gone ? 0 : 1;
}

}  // namespace windlass::worker
