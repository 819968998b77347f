// Turns, and how long somebody waits for memory: by the oracle's own measure of what each load and
// restore took.
#include <algorithm>

#include "world/facts.h"

namespace windlass::world {
namespace {

// ARCHITECTURE.md, "Eviction": one that came back stays for so many times what that took; one that
// idles for this part of it may go before.
constexpr int kTurn = 4;
constexpr int kGapDivisor = 20;

}  // namespace

bool Facts::is_turn_over(const Process& process, Instant now) const {
    const Duration cost = model(process.model).cost.least();
    if (process.ready_since + kTurn * cost <= now) return true;
    // Whose weights are away has none, and waits for them like everybody else.
    if (process.weights == Weights::away && is_anybody_starved(process.model, now)) return true;
    return process.runs.empty() && process.last_end + cost / kGapDivisor <= now;
}

bool Facts::has_had_turn(const Process& process, Instant now) const {
    return process.ready_since + kTurn * model(process.model).cost.most() <= now;
}

bool Facts::has_waited_long(ModelId id, Instant now) const {
    const Instant since = model(id).awaits_memory_since;
    return since > Instant{} && wants_memory(id, now) && since + spec(id).max_wait <= now;
}

bool Facts::is_anybody_starved(ModelId but_this, Instant now) const {
    for (std::uint64_t number = 1; number <= specs->size(); ++number) {
        if (ModelId{number} != but_this && has_waited_long(ModelId{number}, now)) return true;
    }
    return false;
}

bool Facts::is_owed_room(const core::Engine& engine, ModelId id, core::DeviceId device,
                         Instant now) const {
    if (shutting_down || model(id).is_removed || model(id).is_paused) return false;
    if (!has_waited_long(id, now)) return false;
    for (std::uint64_t number = 1; number <= specs->size(); ++number) {
        const ModelId other{number};
        const bool is_later = model(id).awaits_memory_since < model(other).awaits_memory_since;
        if (other != id && !is_later && wants_memory(other, now)) return false;
    }
    const bool is_waiting = std::ranges::any_of(unanswered, [&](RequestId asked) {
        const Request& request = requests.at(asked);
        return request.model == id && request.kind == RequestKind::call && !request.is_gone &&
               engine.wait_reason(asked) == core::WaitReason::memory;
    });
    if (!is_waiting) return false;
    std::set<Generation> movable;
    for (const auto& [generation, process] : processes) {
        if (process.model == id) return false;  // one of its own ends, or is to come back
        const bool is_settled = process.is_loaded && process.weights == Weights::there;
        // It may leave for this one, there or on another device.
        if (!is_settled || is_leaving(process) || process.is_recycled) return false;
        const bool is_here = process.device == device && !spec(process.model).is_pinned;
        if (is_here && has_had_turn(process, now)) movable.insert(generation);
    }
    return memory.could_make_room(spec(id), device, movable, now);
}

}  // namespace windlass::world
