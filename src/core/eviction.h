// Who makes room for a model that fits nowhere: a pure function over what idles on the devices that
// it may use. Feasible first: nobody moves unless what comes back adds up to a place that fits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "core/ids.h"

namespace windlass::core {

using base::Bytes;
using base::Duration;
using base::Instant;

// How those who idle make room: the weights leave and the process stays, if it can do that; or all
// of them go.
enum class Way : std::uint8_t { aside, gone };

struct Movable {  // a replica that may be asked to make room
    ReplicaId replica;
    Bytes frees;            // what comes back at least
    Duration idle_for{};    // 0: it is at work, and its turn is over
    Duration cost{};        // of bringing it back, as it was measured; 0: not known
    bool is_alone = false;  // nobody else may be there, whatever is free: it must go
};

struct Room {  // what a device could give
    DeviceId device;
    Bytes missing;           // beyond what is free, or on its way back, and promised to nobody
    bool needs_all = false;  // whatever can move there must
    std::vector<Movable> movable;
    Bytes coming = {};                  // what those have who are on their way out
    bool is_blocked = false;            // somebody cannot be asked now, and would have to be
    Bytes awaited = {};                 // what those have who cannot be asked now
    std::optional<Instant> later = {};  // when one of them can be
    Bytes kept = {};                    // what nobody may take meanwhile who began to wait later
};

struct Eviction {
    DeviceId device;                // where the room will be
    std::vector<ReplicaId> movers;  // none: what is on its way back is enough
    std::size_t room = 0;           // which of those that were given
};

// Whoever idles for long and comes back at little cost goes first; whoever need not go then, stays.
// Of several devices the one whose movers will be missed least. Empty: no device can make room.
std::optional<Eviction> plan_eviction(std::span<const Room> rooms);

}  // namespace windlass::core
