// The table of allowed moves.
#include "core/residency.h"

#include <algorithm>
#include <array>
#include <utility>

namespace windlass::core {
namespace {

using enum Residency;

constexpr auto kMoves = std::to_array<ResidencyMove>({
    {cold, loading},          // somebody needs it
    {cold, backoff},          // its predecessor failed and was set aside as unkillable
    {cold, standby},          // the next load is to find its process started
    {standby, loading},       // somebody needs the model
    {standby, stopping},      // it failed, or is not wanted any more
    {standby, cold},          // its process died or could not be started
    {loading, ready},         // `loaded`
    {loading, stopping},      // failed, too slow, or not wanted any more
    {loading, backoff},       // its process died or could not be started
    {ready, draining},        // must go, but still holds runs
    {ready, stopping},        // idle too long, or a run broke a limit
    {ready, backoff},         // its process died
    {ready, offloading},      // idle too long, or an administrator wants it
    {offloading, offloaded},  // `offloaded`
    {offloading, ready},      // it failed; the weights are where they were
    {offloading, stopping},   // too slow, or it must go
    {offloading, backoff},    // its process died
    {offloaded, restoring},   // somebody needs it, and its bytes are claimed
    {offloaded, stopping},    // idle still longer, or it must go
    {offloaded, backoff},     // its process died
    {restoring, ready},       // `restored`
    {restoring, offloaded},   // out of memory; the weights are where they were
    {restoring, stopping},    // failed, too slow, or it must go
    {restoring, backoff},     // its process died
    {draining, stopping},     // the last run ended
    {draining, cold},         // its process died; it had to go anyway
    {stopping, cold},         // gone as asked
    {stopping, backoff},      // gone after a failure
    {stopping, unkillable},   // not reaped in time
    {backoff, cold},          // the wait is over
});

}  // namespace

std::span<const ResidencyMove> allowed_moves() { return kMoves; }

bool is_allowed(ResidencyMove move) { return std::ranges::find(kMoves, move) != kMoves.end(); }

std::string_view to_text(Residency residency) {
    switch (residency) {
        case cold: return "cold";
        case standby: return "standby";
        case loading: return "loading";
        case ready: return "ready";
        case offloading: return "offloading";
        case offloaded: return "offloaded";
        case restoring: return "restoring";
        case draining: return "draining";
        case stopping: return "stopping";
        case unkillable: return "unkillable";
        case backoff: return "backoff";
    }
    std::unreachable();
}

}  // namespace windlass::core
