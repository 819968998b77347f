// How much of the machine's memory a worker holds, and the end of one that holds more than it may,
// where no cgroup sees to that. Thread: the loop's, which must be the main thread.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "io/timer.h"

namespace windlass::worker {

// What counts is what the kernel cannot drop: memory of its own and shared memory, also where it is
// swapped out. Pages of files, such as weights that are mapped, are cache. Of what
// /proc/PID/status tells, which takes no lock; what processes share counts in each of them.
std::optional<base::Bytes> held_by_status(std::string_view status);
// Of what /proc/PID/smaps_rollup tells: what n processes share counts 1/n. Reading that takes a
// lock that a stuck process may hold for ever.
std::optional<base::Bytes> held_by_rollup(std::string_view rollup);

struct HostMemoryUse {
    struct Process {
        pid_t pid = 0;
        std::string name = {};
        base::Bytes bytes = {};
    };
    base::Bytes bytes;
    std::vector<Process> processes = {};  // the largest first
};
// "python3 (17) 3 GiB, ffmpeg (18) 20 MiB and 3 more".
std::string to_text(const std::vector<HostMemoryUse::Process>& processes);

struct HostMemoryOrder {
    std::string executable;  // is run as `executable host-memory ...`
    pid_t pid = 0;           // the worker's, which leads its session
    std::string cgroup;      // where all its processes are; empty: nowhere
    base::Bytes limit;
    bool is_limited_there = false;  // the kernel sees to the limit, if they are there
};

// Looks every kEvery at what /proc says without a lock. Only where several processes may share what
// is too much a program of its own looks closely: forked children have their parent's memory, too.
class HostMemoryGuard {
  public:
    static constexpr base::Duration kEvery = std::chrono::milliseconds{250};

    // `on_exceeded` comes once, from the loop; the guard may be destroyed within it.
    HostMemoryGuard(io::Loop& loop, HostMemoryOrder order,
                    std::function<void(HostMemoryUse)> on_exceeded);
    ~HostMemoryGuard();  // kills the program
    HostMemoryGuard(const HostMemoryGuard&) = delete;
    HostMemoryGuard& operator=(const HostMemoryGuard&) = delete;

    void start() { timer_.start(kEvery); }

  private:
    struct Program;

    void look();
    void find_processes();
    HostMemoryUse measure() const;
    base::Result<void> look_closely(const HostMemoryUse& use);
    void judge(HostMemoryUse use);

    io::Loop& loop_;
    HostMemoryOrder order_;
    std::function<void(HostMemoryUse)> on_exceeded_;
    bool is_placed_ = false;  // it was seen in which cgroup it is
    std::vector<pid_t> processes_;
    base::Instant find_next_{};   // when to look who its processes are
    base::Instant close_next_{};  // not before: what is shared is not looked at all the time
    std::unique_ptr<Program> program_;
    io::Timer timer_;
    io::Timer program_limit_;
};

// The hidden subcommand `windlass host-memory`; `arguments`: pids. A line of each: PID BYTES.
int run_host_memory(std::span<char* const> arguments);

}  // namespace windlass::worker
