// Descendants whose parent died: they become children of a subreaper, which must reap them.
#pragma once

#include <cstddef>

#include "base/result.h"

namespace windlass::io {

// From now on descendants of this process that lose their parent become its children. PID 1 is
// that by nature.
base::Result<void> become_subreaper();

// Reaps every dead child, by pid, but those that a Process holds: their owners reap them. A Process
// that was destroyed before its child died is among those reaped here. Returns how many. Never
// waits; call it on SIGCHLD. Reads /proc/self/task/TID/children (Linux 4.2 with
// CONFIG_PROC_CHILDREN); where that is missing it finds none.
std::size_t reap_orphans();

}  // namespace windlass::io
