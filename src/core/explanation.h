// Why somebody waits, or a model is not loaded, in fields: which bytes, who holds them and until
// when by the present plan. Derived from the state at the moment of the question, never stored.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "core/breaker.h"
#include "core/holder.h"
#include "core/ids.h"
#include "core/job.h"
#include "core/residency.h"
#include "core/wait_reason.h"

namespace windlass::core {

using base::Error;

enum class NeedSource : std::uint8_t { unknown, configured, learned, returning, lease };

// What a wait for memory is for, on the device that comes nearest.
struct MemoryWait {
    DeviceId device;  // none: no device that may be used is there and answers
    NeedSource source = NeedSource::unknown;
    std::optional<Bytes> required = {};  // empty: all there is, or nobody knows
    Generation returning = {};           // whose weights come back; `free` is without its own
    bool needs_all = false;              // alone on its device
    std::optional<Bytes> capacity = {};
    Bytes headroom = {};             // left free of it, always
    std::optional<Bytes> free = {};  // for this wait, were there no promises; empty: not known
    std::optional<Bytes> foreign = {};
    Bytes promised = {};             // of that, to those who began to wait before
    Bytes kept = {};                 // promised to this wait, there
    bool is_asked = false;           // the device is being asked how full it is
    bool is_for_run = false;         // loaded; its first run waits to be alone there
    bool is_reserved = false;        // another's first run keeps new loads out
    std::uint32_t failed_loads = 0;  // in a row that ran out of memory
    std::optional<Instant> since = {};
    std::optional<Instant> patience_end = {};  // then those at work make room too
    std::vector<ModelId> before = {};          // who began to wait for memory before it
    std::size_t leases_before = 0;
    std::vector<Holder> holders = {};

    std::optional<Bytes> missing() const;  // empty: not known
};

enum class Asked : std::uint8_t { call, load, offload, unload, lease };

struct Explanation {  // of a request that has no answer yet
    RequestId request;
    ModelId model;              // none: a lease
    JobId job = {};             // that this is an attempt at
    std::uint64_t attempt = 0;  // of a job; 0: it is not handed out
    std::optional<JobStopCause> verdict =
        {};  // it is being ended; without a reason, once `generation` is gone
    Asked asked = Asked::call;
    std::optional<WaitReason> reason = {};  // empty: it runs
    std::optional<Instant> arrived = {};
    std::uint8_t priority = 0;
    std::size_t ahead = 0;                   // of its model's calls, that begin before it
    std::size_t wait_count = 0;              // of its model's calls, with it
    std::optional<Instant> wait_limit = {};  // then it is refused
    std::optional<Instant> deadline = {};    // the same, or its run is cancelled
    std::uint8_t failed_tries = 0;
    Generation generation = {};  // that runs it
    std::optional<Instant> started = {};
    std::optional<Instant> last_progress = {};
    std::vector<Holder> processes = {};  // of its model
    std::optional<MemoryWait> memory = {};
    std::optional<Error> error = {};  // behind the wait
    std::optional<Change> next = {};  // beside its own limits
};

struct ModelExplanation {
    ModelId model;
    Residency residency = Residency::cold;
    std::optional<WaitReason> reason = {};  // what it waits for, or who waits for it
    std::vector<Holder> processes = {};
    std::vector<std::pair<WaitReason, std::size_t>> waits = {};  // how many of its calls
    RequestId first = {};                                        // of those that wait
    std::size_t running = 0;
    std::size_t load_wishes = 0;    // of administrators
    std::size_t unload_wishes = 0;  // the same
    std::size_t ready_count = 0;
    std::size_t copies_max = 0;
    std::size_t unkillable_count = 0;
    bool is_paused = false;
    bool is_removed = false;
    BreakerState breaker = BreakerState::closed;
    std::uint64_t failure_count = 0;
    std::optional<Error> last_error = {};
    std::optional<MemoryWait> memory = {};
    std::optional<Change> next = {};
};

}  // namespace windlass::core
