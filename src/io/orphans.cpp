// Finds and reaps adopted children.
#include "io/orphans.h"

#include <fmt/core.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <vector>

#include "io/file_descriptor.h"
#include "io/process.h"

namespace windlass::io {

base::Result<void> become_subreaper() {
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0) return {};
    return system_error(errno, "becoming a subreaper");
}

std::size_t reap_orphans() {
    // The kernel hands orphans to the main thread as long as it lives (find_new_reaper in
    // kernel/exit.c), and only that thread spawns. The list is read whole first: reaping while
    // reading can make it skip some.
    std::ifstream list{fmt::format("/proc/self/task/{}/children", ::getpid())};
    const std::vector<pid_t> children{std::istream_iterator<pid_t>{list}, {}};
    std::size_t count = 0;
    for (const pid_t pid : children) {
        if (is_held(pid)) continue;
        siginfo_t info = {};
        const bool is_reaped =
            ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG) == 0 &&
            info.si_pid == pid;
        count += is_reaped ? 1U : 0U;
    }
    return count;
}

}  // namespace windlass::io
