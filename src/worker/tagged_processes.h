// Finds and kills processes by the tag in their environment: WINDLASS_WORKER=DAEMON/GENERATION,
// which a worker's descendants inherit wherever they go, into sessions of their own too. What
// empties or overwrites its environment escapes; a cgroup holds that as well. Reading another
// process's environment may never return: only for the program of tag_search.h. Thread: any.
#pragma once

#include <sys/types.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "io/file_descriptor.h"

namespace windlass::worker {

struct KilledProcess {
    pid_t pid = 0;
    io::FileDescriptor pidfd;  // readable once it is dead; not there for want of descriptors
};

struct TagSweep {
    std::string tag;                     // of tag_of() in tag_search.h
    std::set<pid_t> skipped;             // are not looked at
    std::function<void(pid_t)> on_look;  // before each process; may be empty
};

struct SweepOutcome {
    std::vector<KilledProcess> killed;
    // For lack of descriptors or memory some processes could not be looked at.
    bool is_blind = false;
};

// One pass through /proc that sends SIGKILL to every process with the tag, except this one (10 us
// each, measured). A pass can miss what begins meanwhile and what executes at that moment: pass
// until none is found. Processes that may not be inspected, those of other users, are not ours to
// end.
SweepOutcome kill_tagged(const TagSweep& sweep);

}  // namespace windlass::worker
