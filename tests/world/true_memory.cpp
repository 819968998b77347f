// Beliefs against the truth.
#include "world/true_memory.h"

#include <fmt/core.h>

#include <algorithm>

namespace windlass::world {
namespace {

Bytes excess(Bytes a, Bytes b) { return a > b ? a - b : Bytes{}; }

// Of what it has, so much is known to be its own.
Bytes known_of(const core::Claim& claim) {
    if (claim.measured) return std::max(claim.bytes, *claim.measured);
    return claim.seen.value_or(claim.bytes);
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

Bytes TrueDevice::overrated(const core::DeviceLedger& ledger) const {
    Bytes sum;
    for (const auto& [generation, claim] : ledger.claims()) {
        const auto entry = own.find(generation);
        const Bytes taken = entry == own.end() ? Bytes{} : entry->second;
        const bool is_living = claim.stage != core::ClaimStage::departed;
        // It has ended, and its exit was not seen yet: the bytes of others are taken for its own.
        const bool is_unheard = entry == own.end() && claim.stage == core::ClaimStage::loaded;
        const bool is_estimate =
            is_living && !claim.measured && (is_unheard || together.contains(generation));
        if (is_estimate) sum = sum + excess(claim.seen.value_or(Bytes{}), taken);
    }
    return sum;
}

void TrueDevice::note_together(const core::DeviceLedger& ledger) {
    std::set<Generation> unknown;
    for (const auto& [generation, claim] : ledger.claims()) {
        if (!claim.seen) unknown.insert(generation);
    }
    if (unknown.size() > 1) together.merge(unknown);
}

void TrueDevice::note_mistaken(const core::DeviceLedger& ledger) {
    for (const auto& [generation, bytes] : own) {
        const core::Claim* claim = ledger.find_claim(generation);
        if (claim != nullptr && claim->seen) mistaken[generation] = excess(bytes, *claim->seen);
    }
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
    const core::Claim* claim = engine.devices().device(id).ledger.find_claim(generation);
    if (claim == nullptr) return;
    // The rest looked like a stranger's: what others gave up while it loaded cannot be told apart.
    const auto unknown = mistaken.extract(generation);
    const bool is_moving = !claim->measured && !claim->seen && !unknown.empty();
    given_back = given_back + (is_moving ? unknown.mapped() : excess(bytes, known_of(*claim)));
    const Bytes claimed = std::max(claim->bytes, claim->measured.value_or(Bytes{}));
    if (until > Instant{}) left[generation] = {bytes, claimed, until};
}

void TrueDevice::on_answer(const core::Engine& engine, DeviceId id,
                           std::optional<Bytes> clean_foreign, bool own_known) {
    const core::DeviceLedger& ledger = engine.devices().device(id).ledger;
    note_together(ledger);
    note_mistaken(ledger);
    if (own_known) mistaken.clear();
    hidden = hidden + overrated(ledger);
    const bool is_clean = !ledger.has_departed() && (own_known || !ledger.has_unseen());
    if (!clean_foreign || !is_clean) return;
    given_back = excess(*clean_foreign, foreign);
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
        Bytes held = ledger.fenced() + device.given_back + device.hidden + device.overrated(ledger);
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
