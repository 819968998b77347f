// What `windlass drill` was asked to show of jobs.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace windlass::cli {

enum class JobDrill : std::uint8_t {
    stall,
    load,
    crash,
    oom,
    leak,
    ignore_term,
    kill_daemon,
    slow_driver,
    memory
};

struct JobDrillArguments {
    JobDrill drill = JobDrill::stall;
    std::size_t jobs = 200;  // of `load`
    // Of `stall`: without progress for so long a job is stalled.
    base::Duration stall = std::chrono::seconds{2};
    base::Duration slack = std::chrono::seconds{1};  // how late each thing may be
    bool json = false;
};

// `windlass drill all`: each as it is by itself.
struct AllDrillsArguments {
    base::Duration slack = std::chrono::seconds{1};
    bool json = false;
};

}  // namespace windlass::cli
