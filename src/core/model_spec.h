// What the core must know of a model: its limits. Source of the defaults: docs/configuration.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "core/breaker.h"
#include "core/device_spec.h"

namespace windlass::core {

using base::Duration;
using base::Instant;

// The limits in time of one replica's process.
struct ReplicaLimits {
    Duration start_timeout = std::chrono::seconds{60};    // launch to `hello`
    Duration load_timeout = std::chrono::minutes{10};     // `load` to `loaded`
    Duration offload_timeout = std::chrono::seconds{60};  // `offload` to `offloaded`
    Duration restore_timeout = std::chrono::seconds{60};  // `restore` to `restored`
    Duration stop_grace = std::chrono::seconds{10};       // `stop` to SIGTERM
    Duration cancel_grace = std::chrono::seconds{2};      // `cancel` to SIGTERM
    Duration term_grace = std::chrono::seconds{10};       // SIGTERM to SIGKILL
    Duration reap_timeout =
        std::chrono::seconds{5};  // SIGKILL to the exit seen; then the process is `unkillable`

    friend bool operator==(const ReplicaLimits&, const ReplicaLimits&) = default;
};

// How many copies of a model may exist at once.
struct Copies {
    static constexpr std::uint32_t kAutoMax = 64;

    std::uint32_t count_max = 1;
    bool is_auto = false;  // as many as fit and are wanted; what is idle makes room for strangers

    friend bool operator==(const Copies&, const Copies&) = default;
};

struct ModelSpec {
    std::string name;
    ReplicaLimits limits;
    Copies copies;
    Need need;
    DeviceChoice devices;
    std::uint32_t concurrency = 1;     // runs that may have begun at once; >= 1
    std::uint32_t queue_limit = 1000;  // requests that wait, not yet sent to the worker
    bool idempotent = false;           // a run that was lost may be run once more
    Duration run_timeout = std::chrono::minutes{5};  // `started` to the answer
    Duration stall_timeout =
        std::chrono::minutes{15};  // without progress, once begun or due to begin
    Duration job_run_timeout = std::chrono::hours{24};  // a job's own counts more
    std::uint32_t job_failures_max = 5;                 // with so many a job is dead; >= 1
    std::uint32_t job_crashes_max = 3;                  // the same
    Duration job_backoff = std::chrono::seconds{2};  // after its first; doubles with each, +-20 %
    Duration job_backoff_max = std::chrono::minutes{5};
    Duration backoff = std::chrono::seconds{1};
    Duration backoff_max = std::chrono::minutes{5};
    BreakerSettings breaker;
    // Idle time, from the same moment on; empty: never. Then the weights leave the device (not on a
    // CPU, and only of workers that can); then the process goes.
    std::optional<Duration> offload_after = std::chrono::minutes{5};
    std::optional<Duration> unload_after = std::chrono::minutes{6};
    std::uint32_t standby = 0;                    // processes kept started, for its next loads
    bool is_pinned = false;                       // makes room for nobody
    Duration max_wait = std::chrono::minutes{1};  // for memory; then those at work make room too
    std::uint32_t recycle_after = 0;              // runs that a process makes at most; 0: any
    std::optional<Bytes> max_growth = {};         // of a process at rest, since its first run
    // Requests held in the channel beyond `concurrency`. Empty: from the measured run time.
    std::optional<std::uint32_t> prefetch;

    friend bool operator==(const ModelSpec&, const ModelSpec&) = default;
};

}  // namespace windlass::core
