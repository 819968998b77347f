// What people are shown of the engine's state.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "core/breaker.h"
#include "core/ids.h"
#include "core/residency.h"
#include "core/wait_reason.h"

namespace windlass::core {

using base::Bytes;
using base::Error;
using base::Instant;

struct ProcessView {
    Generation generation;
    Residency residency = Residency::cold;
};

struct ModelView {
    // Of the replica that says most: a ready one before one that loads, and so on.
    Residency residency = Residency::cold;
    Generation generation;
    std::vector<ProcessView> processes;  // of all replicas that have one
    std::size_t copies = 0;              // that are ready
    std::size_t running = 0;             // begun in a worker
    std::size_t waiting = 0;             // not begun
    std::optional<Instant> oldest;       // when the first of those arrived
    bool is_paused = false;
    bool is_removed = false;  // from the configuration; its process may still be there
    BreakerState breaker = BreakerState::closed;
    std::uint64_t load_count = 0;
    std::uint64_t failure_count = 0;
    std::optional<Instant> loading_since;
    std::optional<Instant> ready_since;
    std::optional<Instant> backoff_until;
    std::optional<Error> last_error;
    // The greatest peak that was learned for a device that it may use; empty: its need is not
    // known, or is configured.
    std::optional<Bytes> learned_need = {};
};

struct RunView {
    RequestId request;
    Instant started;
    Instant limit;  // then its worker is ended, unless it reports progress
};

// What comes next if nothing happens to the worker.
enum class NextStep : std::uint8_t {
    offload,  // nobody has used it for long enough
    unload,
    limit,  // what it does now, a load, a move or its end, has taken too long
};
struct NextMove {
    NextStep step = NextStep::limit;
    Instant at;
};

struct WorkerView {
    Generation generation;
    ModelId model;
    Residency residency = Residency::cold;
    std::vector<RunView> running;       // begun in it
    std::optional<NextMove> next = {};  // empty: it stays as it is
};

struct WaitingView {
    RequestId request;
    WaitReason reason;
    std::uint8_t priority = 0;
    Instant arrived;
};

}  // namespace windlass::core
