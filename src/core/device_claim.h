// Who counts on which bytes of a device, and what the device says about it; parts of the ledger.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "core/ids.h"

namespace windlass::core {

using base::Bytes;
using base::Instant;

struct OwnMemory {  // of one worker, its children included
    Generation generation;
    Bytes bytes;
    friend bool operator==(const OwnMemory&, const OwnMemory&) = default;
};

// One answer of a driver; all its numbers belong together.
struct MemorySample {
    std::optional<Bytes> used;   // by everybody
    std::vector<OwnMemory> own;  // whoever is not listed uses nothing
    bool own_known = false;      // false: the driver does not tell processes apart
    std::uint64_t sequence = 0;  // of the question
    // Held by living processes that are surely not ours: so much at least is none of the dead's.
    Bytes strangers = {};
};

enum class ClaimStage : std::uint8_t {
    loading,
    loaded,
    departed,  // its process was reaped; the driver has not shown its bytes gone
};

struct Claim {
    Bytes bytes;
    ClaimStage stage = ClaimStage::loading;
    bool is_exclusive = false;  // nothing else may begin to load beside it
    std::optional<Bytes> measured;
    bool was_seen = false;          // the driver has listed memory of its process
    bool is_trying = false;         // its first run is under way, or was not measured yet
    bool is_guest = false;          // for weights from another device
    bool is_abandoned = false;      // its process cannot be ended; what it has may be none
    bool is_lease = false;          // a client takes of it what it likes, when it likes
    std::uint64_t loaded_at = 0;    // loaded: a later sample than this one has all that it took
    std::uint64_t departed_at = 0;  // departed: a later sample than this one is a proof
    // While it loads, or tries: the least that nobody explained meanwhile. Then, by how much that
    // rose: with others that loaded beside it they share what rose; and at most, if strangers kept
    // still.
    std::optional<Bytes> before = {};
    std::optional<Bytes> seen = {};
    std::optional<Bytes> most = {};
    // The first of those that loaded while others did: how much of the rise is whose is a guess.
    Generation batch = {};
    // While it is alone, once loaded: no more than strangers have. What else rises is in `most`.
    std::optional<Bytes> strangers = {};
    friend bool operator==(const Claim&, const Claim&) = default;
};

struct Fence {  // bytes that a reaped process left behind
    Bytes bytes;
    Instant since;
    std::uint64_t departed_at = 0;  // as that of the claim that it was
    friend bool operator==(const Fence&, const Fence&) = default;
};

}  // namespace windlass::core
