// The hidden subcommand `windlass worker-exec`: what must be done in the new process before the
// worker's own program takes it over, because posix_spawn cannot do it.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace windlass::worker {

// The worker's end of the channel, in the shim and in the program.
inline constexpr int kChannelDescriptor = 3;

// The whole command line of the shim that becomes the program `argv`. `cgroup`: empty for none.
std::vector<std::string> exec_shim_argv(int parent_pid, const std::string& cgroup,
                                        const std::vector<std::string>& argv);

// `arguments`: those after "worker-exec". Asks for SIGKILL when the daemon dies, moves into the
// cgroup if it may, allows the daemon and its helpers to inspect the process, switches core dumps
// off and executes the program, which is looked up in PATH. Returns only when that failed, with the
// exit status to end with: 127, after an `error` frame on the channel that says why, or at once
// when the daemon is gone already.
int exec_shim(std::span<char* const> arguments);

}  // namespace windlass::worker
