// What the engine is told of a job, and says of it. The store owns the order of jobs, the engine
// the permission: it sees the head of each model's queue, and asks for each that it has a place
// for.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "core/ids.h"

namespace windlass::core {

struct JobHead {  // one of the first that are ready
    JobId job;
    RequestId request;           // stands for its next attempt; new, though the job may be known
    std::uint64_t rank = 0;      // the smallest is first
    std::uint32_t failures = 0;  // attempts that ended with an error that its model reported
    std::uint32_t crashes = 0;   // and those that took their worker along
    std::optional<base::Duration> run_timeout = {};  // its own, over those of the model
    std::optional<base::Duration> stall_timeout = {};
    std::optional<base::Duration> deadline = {};  // what is left of its time
    friend bool operator==(const JobHead&, const JobHead&) = default;
};

// Why an attempt is ended before its end.
enum class JobStopCause : std::uint8_t {
    stalled,   // no progress for `stall_timeout`; its worker goes
    timeout,   // longer than `run_timeout`; its worker goes
    cancel,    // a user wants it gone
    deadline,  // its own time is over
};

enum class JobEnd : std::uint8_t {
    succeeded,
    retried,   // ready again after `delay`, and charged
    returned,  // ready again at once, at the front of its flow, and not charged
    dead,      // it is not tried again
    cancelled,
};

enum class JobCharge : std::uint8_t { none, failure, crash };

// Why it is not tried again.
enum class DeadReason : std::uint8_t {
    none,          // it is not dead
    rejected,      // its error is of a type that no further attempt can mend
    attempts,      // it has failed so often
    crash_budget,  // it took so many workers along
    deadline,
};

}  // namespace windlass::core
