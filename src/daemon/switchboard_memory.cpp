// What the switchboard counts of memory, for people.
#include "daemon/switchboard.h"

namespace windlass::daemon {

void Switchboard::count_worker(core::Generation generation, core::ModelId model, int pid,
                               const std::string& uuid) {
    measures_.add(generation.value, pid, uuid);
    tally_.add({.generation = generation, .model = model, .pid = pid, .uuid = uuid});
    claims_may_differ_ = true;
}

void Switchboard::note(const device::Event& event) {
    measures_.note(event);
    tally_.note(event);
    claims_may_differ_ = true;
}

void Switchboard::count_claims() {
    for (const auto& [id, device] : engine_.devices().all()) {
        const std::string& uuid = bridge_.uuid_of(id);
        for (const auto& [generation, claim] : device.ledger.claims()) {
            tally_.claim(generation, uuid, claim.bytes);
        }
        tally_.claim_all(uuid, device.ledger.claimed(), loop_.now());
    }
}

}  // namespace windlass::daemon
