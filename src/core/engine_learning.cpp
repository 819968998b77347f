// Needs that nobody configured: what is learned of them, where it is used, and when it is
// forgotten.
#include <algorithm>

#include "base/assert.h"
#include "core/engine.h"

namespace windlass::core {

using base::Errc;

namespace {

// So long a load waits for a need that was only learned, if nobody can make room for it: allocators
// keep what they can get, and somebody may have moved in since. Then it takes what there is, as one
// whose need nobody knows.
constexpr Duration kDoubtAfter = std::chrono::minutes{1};

}  // namespace

void Engine::on(const NeedRecalled& event, Instant now, Commands& out) {
    model_of(event.model).learned.recall(event.make, event.peaks);
    feed_starving(now, out);
}

// Nobody made room for it, not even after `max_wait`.
bool Engine::is_doubted(const Model& model, Instant now) {
    if (model.spec.need.kind != NeedKind::unknown || model.promise) return false;
    return saturating_add(model.starved_since, std::max(model.spec.max_wait, kDoubtAfter)) <= now;
}

// A device that is too small for what was learned on its like cannot have taught it.
void Engine::add_learned(const Model& model, std::vector<Candidate>& candidates) const {
    if (model.spec.need.kind != NeedKind::unknown) return;
    for (Candidate& candidate : candidates) {
        const auto peak = model.learned.find(devices_.device(candidate.device).spec.make);
        const std::optional<Bytes> usable = candidate.ledger->usable();
        if (peak && usable && *peak <= *usable) candidate.learned = peak;
    }
}

std::optional<Bytes> Engine::learned_need(const Model& model) const {
    std::optional<Bytes> most;
    if (model.spec.need.kind != NeedKind::unknown) return most;
    for (const auto& [id, device] : devices_.all()) {
        if (!devices_.is_eligible(model.spec.devices, device)) continue;
        if (const auto peak = model.learned.find(device.spec.make)) most = std::max(most, peak);
    }
    return most;
}

// After an answer of the device.
void Engine::learn_from(DeviceId id, Commands& out) {
    for (const auto& [generation, claim] : devices_.device(id).ledger.claims()) {
        const bool is_guest = devices_.holdings().at(generation).device != id;
        if (!is_guest && claim.stage != ClaimStage::departed) learn(generation, false, out);
    }
}

void Engine::learn(Generation generation, bool is_last, Commands& out) {
    const std::optional<Bytes> peak = devices_.take_peak(generation, is_last);
    if (!peak) return;
    const Holding& holding = devices_.holdings().at(generation);
    model_of(holding.model).learned.remember(devices_.device(holding.device).spec.make, *peak);
    out.push_back(RememberPeak{holding.model, generation, holding.device, *peak});
}

// Before its exit is noted: one that was placed by what others taught has something to say only if
// it ran.
void Engine::learn_last(Generation generation, const Error& error, Commands& out) {
    const Replica* replica = find_generation(generation);
    if (replica == nullptr || !replica->device()) return;
    if (replica->will_back_off()) unlearn(*replica, error, out);
    if (!replica->is_unproven()) learn(generation, true, out);
}

// What was learned may have proved too small: the next load is once more that of an unknown need.
// Not everyone says that it ran out of memory, so that whatever ends a process that was placed by
// what others taught, in its load or first run, is held against that.
void Engine::unlearn(const Replica& replica, const Error& error, Commands& out) {
    const bool is_busy = replica.residency() == Residency::loading || !replica.leases().empty();
    if (error.code != Errc::out_of_memory && !(replica.is_unproven() && is_busy)) return;
    Model& model = model_of(replica.model());
    if (model.spec.need.kind != NeedKind::unknown) return;
    devices_.stop_teaching(replica.generation());
    forget_need(model, replica.device(), out);
}

// A model that is started otherwise is another one, as far as memory goes.
void Engine::unlearn_all(Model& model, Commands& out) {
    for (const auto& [generation, holding] : devices_.holdings()) {
        if (holding.model == model.id) devices_.stop_teaching(generation);
    }
    for (const auto& [id, device] : devices_.all()) forget_need(model, id, out);
}

void Engine::forget_need(Model& model, DeviceId id, Commands& out) {
    if (!model.learned.forget(devices_.device(id).spec.make)) return;
    out.push_back(ForgetPeaks{model.id, id});
}

}  // namespace windlass::core
