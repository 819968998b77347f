// Beliefs against the truth.
#include "world/true_memory.h"

#include <fmt/core.h>

#include <algorithm>

namespace windlass::world {
namespace {

Bytes excess(Bytes a, Bytes b) { return a > b ? a - b : Bytes{}; }

Bytes claim_of(const core::Engine& engine, DeviceId id, Generation generation) {
    const core::Claim* claim = engine.devices().device(id).ledger.find_claim(generation);
    return claim == nullptr ? Bytes{} : claim->bytes;
}

}  // namespace

Bytes TrueDevice::used(Instant now) const {
    Bytes sum = foreign;
    for (const auto& [generation, bytes] : own) sum = sum + bytes;
    for (const auto& [generation, rest] : left) {
        if (rest.until > now) sum = sum + rest.bytes;
    }
    return sum;
}

void TrueDevice::set_foreign(Bytes bytes) {
    given_back = given_back + excess(foreign, bytes);
    foreign = bytes;
}

void TrueDevice::end(const core::Engine& engine, DeviceId id, Generation generation,
                     Instant until) {
    const auto mine = own.extract(generation);
    if (mine.empty() || spec.kind == core::DeviceKind::cpu) return;
    const Bytes bytes = mine.mapped();
    const Bytes claim = claim_of(engine, id, generation);
    given_back = given_back + excess(bytes, claim);
    const core::Claim* found = engine.devices().device(id).ledger.find_claim(generation);
    const Bytes measured = found == nullptr ? Bytes{} : found->measured.value_or(Bytes{});
    if (until > Instant{}) left[generation] = {bytes, std::max(claim, measured), until};
}

void TrueDevice::on_answer(const core::Engine& engine, DeviceId id,
                           std::optional<Bytes> clean_foreign, bool own_known) {
    const core::DeviceLedger& ledger = engine.devices().device(id).ledger;
    Bytes unclaimed;  // looks like a stranger's until it goes
    Bytes untaken;    // explains as much of what the dead left
    for (const auto& [generation, claim] : ledger.claims()) {
        if (own_known || claim.stage != core::ClaimStage::loaded) continue;
        const auto entry = own.find(generation);
        const Bytes taken = entry == own.end() ? Bytes{} : entry->second;
        unclaimed = unclaimed + excess(taken, claim.bytes);
        untaken = untaken + excess(claim.bytes, taken);
    }
    hidden = hidden + untaken;
    const bool is_clean = !ledger.has_departed() && (own_known || !ledger.has_unseen());
    if (!clean_foreign || !is_clean) return;
    given_back = excess(*clean_foreign, foreign) + unclaimed;
    hidden = {};
}

TrueMemory true_memory(const core::DeviceSettings& settings) {
    TrueMemory memory;
    for (const core::DeviceSpec& spec : settings.known)
        memory[DeviceId{memory.size() + 1}].spec = spec;
    return memory;
}

std::optional<std::string> find_forgotten(const TrueMemory& memory, const core::Engine& engine,
                                          Instant now) {
    for (const auto& [id, device] : memory) {
        if (device.is_lost || !device.spec.is_measured) continue;
        const core::DeviceLedger& ledger = engine.devices().device(id).ledger;
        Bytes held = ledger.fenced() + device.given_back + device.hidden;
        for (const auto& [generation, claim] : ledger.claims()) {
            if (claim.stage == core::ClaimStage::departed) held = held + claim.bytes;
            // What it took beyond its claim looked like a stranger's, where nobody told them apart.
            const auto own = device.own.find(generation);
            if (own != device.own.end()) held = held + excess(own->second, claim.bytes);
        }
        Bytes there;  // beyond what each of them may leave without being missed
        for (const auto& [generation, rest] : device.left) {
            const Bytes missed = std::min(rest.bytes, rest.claimed);
            if (rest.until > now) there = there + excess(missed, core::DeviceLedger::kTolerance);
        }
        if (there <= held) continue;
        return fmt::format("{} that the dead left on {} are neither claimed nor fenced ({} are)",
                           to_text(there), device.spec.uuid, to_text(held));
    }
    return std::nullopt;
}

}  // namespace windlass::world
