// What the core must know of a model: its limits. Source of the defaults: docs/configuration.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"

namespace windlass::core {

using base::Duration;
using base::Instant;
using namespace std::chrono_literals;

// The limits in time of one replica's process.
struct ReplicaLimits {
    Duration start_timeout = 60s;   // launch to `hello`
    Duration load_timeout = 10min;  // `load` to `loaded`
    Duration stop_grace = 10s;      // `stop` to SIGTERM
    Duration cancel_grace = 2s;     // `cancel` to SIGTERM
    Duration term_grace = 10s;      // SIGTERM to SIGKILL
    Duration reap_timeout = 5s;     // SIGKILL to the exit seen; then the process is `unkillable`

    friend bool operator==(const ReplicaLimits&, const ReplicaLimits&) = default;
};

struct ModelSpec {
    std::string name;
    ReplicaLimits limits;
    std::uint32_t concurrency = 1;     // runs that may have begun at once; >= 1
    std::uint32_t queue_limit = 1000;  // requests that wait, not yet sent to the worker
    bool idempotent = false;           // a run that was lost may be run once more
    Duration run_timeout = 5min;       // `started` to the answer
    Duration stall_timeout = 15min;    // without progress, once begun or due to begin
    Duration backoff = 1s;
    Duration backoff_max = 5min;
    std::optional<Duration> unload_after = 6min;  // idle time; empty: never
    // Requests held in the channel beyond `concurrency`. Empty: from the measured run time.
    std::optional<std::uint32_t> prefetch;

    friend bool operator==(const ModelSpec&, const ModelSpec&) = default;
};

}  // namespace windlass::core
