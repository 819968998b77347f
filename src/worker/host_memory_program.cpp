// `windlass host-memory`: looks closely at processes that may hang, in one that may be killed.
#include <fmt/core.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "io/read_file.h"
#include "worker/host_memory.h"

namespace windlass::worker {

int run_host_memory(std::span<char* const> arguments) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    ::prctl(PR_SET_NAME, "windlass-memory", 0, 0, 0);
    constexpr std::size_t kRollupMax = 16 << 10;
    for (const char* const pid : arguments) {
        const auto rollup = io::read_file(fmt::format("/proc/{}/smaps_rollup", pid), kRollupMax);
        auto bytes = rollup ? held_by_rollup(*rollup) : std::nullopt;
        if (!bytes) {  // an older kernel, or it may not be looked at
            const auto status = io::read_file(fmt::format("/proc/{}/status", pid), kRollupMax);
            bytes = status ? held_by_status(*status) : std::nullopt;
        }
        if (!bytes) continue;  // it has ended
        const std::string line = fmt::format("{} {}\n", pid, bytes->count());
        if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) return 1;
    }
    return 0;
}

}  // namespace windlass::worker
