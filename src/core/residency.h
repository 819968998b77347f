// The states of a replica and the moves between them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace windlass::core {

enum class Residency : std::uint8_t {
    cold,        // no process
    standby,     // a process in advance: it comes up, or is up and waits for a load; on no device
    loading,     // a process was asked for, or one that stood by is taken; not yet serving
    ready,       // serving; the only state in which a run may be sent
    offloading,  // its weights are on their way to the host's memory
    offloaded,   // they lie there; the process lives on and holds what its context needs
    restoring,   // they are on their way back to the device
    draining,    // must go: what it holds finishes, nothing is sent, it never becomes ready again
    stopping,    // told to go; it counts as alive until its exit has been seen
    unkillable,  // SIGKILL was sent and no exit seen in time; set aside, holds nothing else up
    backoff,     // waits after a failure, holds nothing
};

inline constexpr int kResidencyCount = 11;

struct ResidencyMove {
    Residency from;
    Residency to;
    friend auto operator<=>(const ResidencyMove&, const ResidencyMove&) = default;
};

// Every move that exists. Replica::enter() is the one writer and asserts on any other.
std::span<const ResidencyMove> allowed_moves();
bool is_allowed(ResidencyMove move);

std::string_view to_text(Residency residency);

}  // namespace windlass::core
