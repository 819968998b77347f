// The table of allowed moves.
#include "core/residency.h"

#include <algorithm>
#include <array>
#include <utility>

namespace windlass::core {
namespace {

using enum Residency;

constexpr auto kMoves = std::to_array<ResidencyMove>({
    {cold, loading},         // somebody needs it
    {cold, backoff},         // its predecessor failed and was set aside as unkillable
    {loading, ready},        // `loaded`
    {loading, stopping},     // failed, too slow, or not wanted any more
    {loading, backoff},      // its process died or could not be started
    {ready, draining},       // must go, but still holds runs
    {ready, stopping},       // idle too long, or a run broke a limit
    {ready, backoff},        // its process died
    {draining, stopping},    // the last run ended
    {draining, cold},        // its process died; it had to go anyway
    {stopping, cold},        // gone as asked
    {stopping, backoff},     // gone after a failure
    {stopping, unkillable},  // not reaped in time
    {backoff, cold},         // the wait is over
});

}  // namespace

std::span<const ResidencyMove> allowed_moves() { return kMoves; }

bool is_allowed(ResidencyMove move) { return std::ranges::find(kMoves, move) != kMoves.end(); }

std::string_view to_text(Residency residency) {
    switch (residency) {
        case cold: return "cold";
        case loading: return "loading";
        case ready: return "ready";
        case draining: return "draining";
        case stopping: return "stopping";
        case unkillable: return "unkillable";
        case backoff: return "backoff";
    }
    std::unreachable();
}

}  // namespace windlass::core
