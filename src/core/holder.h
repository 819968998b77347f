// Who holds memory or a model's places, what he does, and until when by the present plan. Parts of
// an explanation; values that decide nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "core/ids.h"

namespace windlass::core {

using base::Bytes;
using base::Instant;

// What somebody does who has memory or places for runs.
enum class Doing : std::uint8_t {
    idle,        // loaded, and nobody uses it
    running,     // it has been sent runs
    starting,    // its process was launched and has not said `hello`
    loading,     // the model loads
    offloading,  // its weights leave the device
    offloaded,   // they lie in the host's memory
    restoring,   // they come back
    draining,    // it must go, and finishes what it holds
    stopping,    // it was told to end
    unkillable,  // not even SIGKILL ended it
    standby,     // a process ahead of its load
    resting,     // it failed, and pauses
    lent,        // a client has a lease on it
    returning,   // its process is gone, and the driver has not shown its memory back
    fenced,      // nor did it within the settle limit
    foreign,     // nothing that Windlass started
};
inline constexpr int kDoingCount = 16;

// What comes next by the present plan, if nothing else happens before.
enum class Step : std::uint8_t {
    start_timeout,    // the process is ended
    load_timeout,     // so it is
    offload_timeout,  // and here
    restore_timeout,  // and here
    run_timeout,      // a run is ended with its worker
    stall_timeout,    // the same, unless it reports progress or begins
    offload,          // nobody has used it for `offload_after`
    unload,           // nor for `unload_after`
    make_room,        // it is asked to, for one that waits
    lease_end,        // the client's time is over
    terminate,        // SIGTERM
    kill,             // SIGKILL
    give_up,          // its exit is awaited no more
    fence,            // what is not back until then stays closed
    next_try,         // the pause after a failure is over
    ask_device,       // it is asked again how full it is
    device_silent,    // its answer is awaited no more
};
inline constexpr int kStepCount = 17;

std::string_view to_text(Doing doing);  // "idle", "running", ...
std::string_view to_text(Step step);    // "start_timeout", "load_timeout", ...

struct Change {
    Instant at;
    Step step = Step::next_try;
    Generation generation = {};  // to whom it happens; none: to the model, a request or a device
    RequestId request = {};      // a run's
    friend bool operator==(const Change&, const Change&) = default;
};

struct Holder {             // of memory, or of a model's places
    Generation generation;  // none: strangers
    ModelId model;          // none: strangers, or a lease
    Doing doing = Doing::idle;
    Bytes bytes;                             // of one device: claimed or measured, what is more
    std::optional<Bytes> measured = {};      // of its own, by the driver's last answer
    bool is_parked = false;                  // they are weights from another device
    bool is_pinned = false;                  // it makes room for nobody
    bool is_provisional = false;             // nobody knows its need: all there is, until measured
    std::vector<RequestId> runs = {};        // that have begun; of a lease, its request
    std::vector<RequestId> sent_ahead = {};  // it has them, and has not begun them
    std::optional<Instant> since = {};       // it does so
    std::optional<Change> until = {};        // what ends that at the latest
    std::optional<Instant> leaves_at = {};   // it is asked to make room for this wait then
};

}  // namespace windlass::core
