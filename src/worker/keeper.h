// The hidden subcommand `windlass keeper`: a small process that outlives the daemon for as long as
// it takes to end what the daemon leaves behind, when that is killed.
#pragma once

namespace windlass::worker {

// Where it reads the daemon's record, and the changes to it, until the end of file.
inline constexpr int kKeeperDescriptor = 3;

// Reads until the daemon's end of the socket is closed, which only the daemon holds: it is dead, or
// leaves. Then clears up after it (leftovers.h). Is started with all signals blocked.
// Returns the exit status: 0 when nothing is left, 1 when something could not be removed, 2 when it
// was not started by a daemon.
int run_keeper();

}  // namespace windlass::worker
