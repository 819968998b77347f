// A device as it is kept, and whose bytes of it are whose.
#pragma once

#include <cstdint>
#include <optional>

#include "core/device_ledger.h"
#include "core/device_spec.h"
#include "core/ids.h"

namespace windlass::core {

struct Device {
    DeviceSpec spec;
    DeviceLedger ledger;
    bool is_lost = false;
    bool is_silent = false;          // did not answer its last question
    bool is_asked = false;           // a question is under way
    bool is_slow = false;            // and has been for longer than others wait for it
    bool is_watched = false;         // a CPU: somebody came to rest there and was not measured yet
    bool is_wanted = false;          // somebody looked for room on it since its last question
    std::uint32_t waiting_runs = 0;  // first runs that keep it free of new loads
    std::uint32_t away_count = 0;    // claims of processes whose weights have left it
    bool is_fresh = false;           // its last answer is young enough to admit by
    std::uint64_t sequence = 0;      // of the last question
    Instant asked;                   // the last question
    Instant answered;                // the last answer

    // It may be used, and its answers tell how full it is.
    bool is_answering() const { return spec.is_measured && !is_lost && !is_silent; }
    // Nobody computes there, and nobody's copies have to shrink when a stranger grows.
    bool is_at_rest() const { return ledger.claims().size() == away_count; }
    friend bool operator==(const Device&, const Device&) = default;
};

// Whose claim or fence it is. Where the need is not known the claim is provisional twice, for the
// load and for the first run: all there is, alone, until what it was for is over and was measured.
struct Holding {
    DeviceId device;
    ModelId model;  // none: it is a lease
    bool is_provisional = false;
    bool is_untried = false;  // its need is not known, and its first run is not over
    bool is_waiting = false;  // for its first run
    bool is_guessed = false;  // nobody configured its need: a margin is in its claim
    // The last question before the load or the first run was over; later ones measure it.
    std::optional<std::uint64_t> over_at{};
    Bytes peak{};  // of its first run, as far as it was seen
    // Of a need that nobody configured: what others may learn from it.
    struct Teaching {
        Bytes high;    // the most it was seen to use
        Bytes taught;  // the peak that it was placed by, or taught last; 0: none
        bool has_taught = false;
        friend bool operator==(const Teaching&, const Teaching&) = default;
    };
    std::optional<Teaching> teaching{};
    // Of a process that is replaced when it grows, once it has run.
    struct Growth {
        std::uint64_t rested_at = 0;   // the last question before it came to rest; later ones count
        std::optional<Bytes> level{};  // what it had when it was first measured at rest
        friend bool operator==(const Growth&, const Growth&) = default;
    };
    std::optional<Growth> growth{};
    friend bool operator==(const Holding&, const Holding&) = default;
};

// A replica whose weights leave its device for the host's memory, lie there or come back.
struct Parked {
    // Nowhere: the machine's memory is kept by nobody, and the policy on unknown memory admits it.
    std::optional<DeviceId> host;
    Bytes former;               // what it claimed of its device before, and claims again after
    Bytes full;                 // what it claims of it while it comes back, if that is there
    Bytes weight;               // what it had of it, as far as was measured
    Bytes least;                // so much it needs of that; the rest is a margin, or all there is
    bool is_exclusive = false;  // it was alone there
    bool is_away = false;       // it has said so, and does not come back yet
    friend bool operator==(const Parked&, const Parked&) = default;
};

}  // namespace windlass::core
