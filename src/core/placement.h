// Where a replica goes: a pure function over ledgers. Spreads the copies of a model, then takes the
// place that fits best.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "base/bytes.h"
#include "core/device_ledger.h"
#include "core/ids.h"

namespace windlass::core {

enum class NeedKind : std::uint8_t {
    unknown,  // nobody said, and nothing was measured
    bytes,
    share,  // of what the device can give away: its capacity without the headroom
    all,    // alone on its device
};

struct Need {  // memory of one copy
    NeedKind kind = NeedKind::unknown;
    Bytes bytes;                  // bytes
    std::uint32_t permyriad = 0;  // share: 10,000 is all of that

    friend bool operator==(const Need&, const Need&) = default;
};

// Whether a replica may start on a device that does not say how full it is.
enum class UnknownMemory : std::uint8_t { refuse, admit };

struct Candidate {  // a device that the model may use and that answers
    DeviceId device;
    const DeviceLedger* ledger = nullptr;
    std::uint32_t copy_count = 0;  // of this model there already
    // An unknown need claims nothing here, and nobody is alone: memory that can be swapped.
    bool is_elastic = false;
    // What a need that nobody configured was learned to be at its peak, on devices of this make.
    std::optional<Bytes> learned = {};
    // Nothing new begins there: a first run waits until nothing loads any more; or one that needs
    // all is there, and the device does not say how full it is.
    bool is_reserved = false;
    Bytes promised;  // to those who have waited for longer
    // The same, where nobody knows what is free: nothing new begins there.
    bool is_kept = false;
};

struct Placed {
    DeviceId device;
    Bytes claim;
    bool is_exclusive = false;          // nothing else may be placed there meanwhile
    bool is_provisional = false;        // all there is, until it was measured
    std::optional<Bytes> learned = {};  // the candidate's, if the claim is by that
};

struct Shortage {                    // why nothing fits now
    DeviceId device;                 // the nearest to fitting; none: there is no candidate
    std::optional<Bytes> required;   // empty: unknown, or all there is
    std::optional<Bytes> available;  // empty: unknown
    bool is_for_ever = false;        // not even on an empty device
    bool is_unknown = false;         // where it may fit, the policy on unknown memory forbids it
    bool is_for_run = false;         // it is loaded there, and waits for its first run

    friend bool operator==(const Shortage&, const Shortage&) = default;
};

using Placement = std::variant<Placed, Shortage>;

// What was learned counts where nothing was configured.
Need known_need(const Need& wanted, const Candidate& candidate);
// Of one copy on this device; empty: not known, or all there is.
std::optional<Bytes> required_on(const Need& need, const DeviceLedger& ledger);

// Linear in the candidates.
Placement place(const Need& need, std::span<const Candidate> candidates, UnknownMemory policy);

}  // namespace windlass::core
