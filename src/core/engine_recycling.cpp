// Processes that are replaced before they do harm: after so many runs, whatever became of them, or
// when they have grown. Such an end is no failure. Whoever hears of it may ask for the next load.
#include <utility>
#include <vector>

#include "core/engine.h"

namespace windlass::core {

using enum Residency;

// It serves, or its weights are on their way, and it has made all the runs that it may make.
bool Engine::is_worn_out(const Replica& replica) const {
    const Residency residency = replica.residency();
    const bool is_staying = residency == ready || residency == offloading ||
                            residency == offloaded || residency == restoring;
    return is_staying && model_of(replica.model()).is_spent(replica);
}

// `growth`: that is why.
void Engine::report_recycled(const Replica& replica, std::optional<Bytes> growth, Commands& out) {
    out.push_back(Report{.code = EventCode::model_recycled,
                         .model = replica.model(),
                         .generation = replica.generation(),
                         .request = {},
                         .error = {},
                         .device = growth ? replica.device() : DeviceId{},
                         .bytes = growth,
                         .runs = replica.run_count()});
}

// Nothing runs in it any more, or its limit has changed. What it has now is compared with what it
// had after its first run; an answer counts whose question came later than this.
void Engine::note_rest(const Replica& replica) {
    if (!model_of(replica.model()).spec.max_growth) return;
    const bool is_at_rest = replica.residency() == ready && replica.leases().empty();
    if (!is_at_rest || replica.run_count() == 0) return;
    if (devices_.note_rest(replica.generation())) arm_device_timers();
}

void Engine::note_growth(const DeviceSampled& event, Instant now, Commands& out) {
    std::vector<std::pair<ReplicaId, Bytes>> grown;
    for (const auto& [generation, claim] : devices_.device(event.device).ledger.claims()) {
        const Replica* replica = find_generation(generation);
        if (replica == nullptr || replica->residency() != ready) continue;
        const auto& growth_max = model_of(replica->model()).spec.max_growth;
        if (!growth_max || !replica->leases().empty()) continue;
        const auto growth = devices_.measure_growth(generation, event.device, event.sequence);
        if (growth && *growth > *growth_max)
            grown.emplace_back(generations_.at(generation), *growth);
    }
    for (const auto& [replica, growth] : grown) {
        if (!replica_of(replica).leases().empty()) continue;  // a call that waited got it
        report_recycled(replica_of(replica), growth, out);
        replica_of(replica).drain(out);
        advance(replica.model, now, out);
    }
}

}  // namespace windlass::core
