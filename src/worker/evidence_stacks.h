// Native stacks of another process's threads, by libdw (elfutils). Stops each thread for a moment;
// may hang on one that hangs in the kernel. Only for `windlass evidence`.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace windlass::worker {

// Calls `on_frame` for each frame, innermost first: "0x7f00 name+0x1a (libc.so.6)". Calls
// `on_missing` with the reason where a process or a thread cannot be looked at.
struct StackHandlers {
    std::function<void(pid_t thread, const std::string& frame)> on_frame;
    std::function<void(const std::string& why)> on_missing;
};
void read_native_stacks(pid_t process, const std::vector<pid_t>& threads,
                        const StackHandlers& handlers);

}  // namespace windlass::worker
