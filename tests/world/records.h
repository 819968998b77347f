// What the oracle has written down of each request, run, process and model.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/command.h"
#include "core/ids.h"
#include "core/model_spec.h"
#include "world/flat_map.h"

namespace windlass::world {

using core::Duration;
using core::Generation;
using core::Instant;
using core::ModelId;
using core::RequestId;

enum class RequestKind : std::uint8_t { call, load, restart, offload, unload, lease, job };

struct Request {
    RequestKind kind = RequestKind::call;
    ModelId model;
    std::uint8_t priority = 4;
    Instant deadline;
    Instant wait_deadline;
    bool is_answered = false;
    bool is_gone = false;
    bool is_idempotent = false;  // as its model was when it arrived
    FlatSet<Generation> before;  // of a restart: the processes that lived when it was asked
    std::uint32_t begun_count = 0;
    std::uint32_t lost_count = 0;  // times that its worker ended under it
    std::uint32_t transient_count = 0;
};

struct Run {
    bool begun = false;
    std::optional<core::JobHead> job = {};  // that this is an attempt at
    Instant started;
    Instant progress;  // as which the sending counts, and the start
};

// Where the weights of a loaded process are.
enum class Weights : std::uint8_t { there, leaving, away, returning };

struct Process {
    ModelId model;
    core::DeviceId device;
    core::ReplicaLimits limits;  // as they were at its launch
    std::uint32_t concurrency = 1;
    bool said_hello = false;
    bool is_loaded = false;
    bool can_offload = false;
    Weights weights = Weights::there;
    Instant move_sent;           // the order that they leave or return
    bool moved_a_run = false;    // which came while a run used them
    bool has_failed = false;     // reported that its start or load failed
    bool is_deaf = false;        // its channel is lost
    bool is_poisoned = false;    // reported that its context is lost
    bool had_limit = false;      // a run in it broke a limit of the model
    bool is_condemned = false;   // an administrator wants it killed
    bool was_evicted = false;    // was asked to make room
    bool is_draining = false;    // takes nothing more
    bool is_recycled = false;    // and is to be replaced
    bool is_retired = false;     // an administrator or the configuration wants another one
    bool is_aside = false;       // was said to outlive SIGKILL
    bool stopped_a_run = false;  // was told to stop while a run used it
    bool is_counted = false;     // its end, among those of its model
    // Launched without a need where the device said how full it is; its first run is not over.
    bool is_untried = false;
    bool may_be_untried = false;  // the same, or launched in the instant in which it fell silent
    Instant launched;
    Instant placed;       // on its device: when it was launched, or taken from standby
    Instant ready_since;  // it was loaded, or its weights came back
    Instant load_sent;
    std::optional<Instant> stop_sent, term_sent, kill_sent, limit_at;
    Instant last_end;             // when a run ended in it
    std::uint64_t run_count = 0;  // begun and over
    // If its model limits its growth: the last question before its rest, and what it had at rest.
    std::optional<std::uint64_t> rested_after;
    std::optional<core::Bytes> level;
    core::Bytes growth;
    FlatMap<RequestId, Run> runs;
    FlatSet<RequestId> claims;  // places that are kept for jobs
};

// How long a model takes to come back, at least and at most: by its latest load and restore.
struct Cost {
    Duration load_least{};
    Duration load_most{};
    Duration restore{};

    Duration least() const {
        return restore > Duration{} ? std::min(restore, load_least) : load_least;
    }
    Duration most() const { return std::max(restore, load_most); }
};

// What administrators and the configuration made of a model.
struct Model {
    bool is_paused = false;
    bool is_removed = false;
    bool has_overrun = false;       // a load of it ran out of memory
    bool is_tripped = false;        // its breaker opened, and no answer came since
    bool is_rest_over = false;      // an administrator wanted it loaded since then
    bool is_changed = false;        // its limits, since time was last delivered
    std::uint32_t touch_count = 0;  // how often a client or the configuration wanted anything of it
    Instant rest_end;
    Instant awaits_memory_since;  // as people were told the last time
    std::vector<Instant> ends;    // of its processes, however they ended
    Cost cost;
    // Somebody could make room for it there, and may be asked to, since then.
    FlatMap<core::DeviceId, Instant> owed_since;
};

struct Eviction {
    core::DeviceId device = {};
    bool is_gone = false;
    bool is_busy = false;  // it loads, or leaves already
    bool is_pinned = false;
    bool is_early = false;     // its turn was not over
    bool is_needless = false;  // it was at work, and nobody had waited for his max_wait
};

struct Signal {
    Generation generation;
    const char* name;
    bool is_next_step = false;  // after another, which had its cause
    bool is_early = false;      // the grace of that one is not over
};

// The event that is being handled, and what was decided about it.
struct Happened {
    RequestId answered;
    std::optional<core::Error> failed;
    RequestId failed_request;
    Generation restore_failed;
    bool is_time = false;        // time was delivered
    FlatSet<RequestId> unbegun;  // of those whose worker is gone: nothing is lost of them
    bool device_lost = false;
    FlatSet<ModelId> ended_models;  // a process ended, became deaf or reported a failure
    std::vector<Eviction> evictions;
    bool is_room_late = false;  // behind these the time of one who waited was over
    std::vector<Signal> signals;
};

}  // namespace windlass::world
