// Weights that leave their device for the host's memory and come back: what they claim where.
#include <algorithm>

#include "base/assert.h"
#include "core/devices.h"
#include "core/mutant.h"

namespace windlass::core {

// A place for so much there.
Devices::HostPlace Devices::find_host(Generation generation, Bytes weight, Bytes promised,
                                      Instant now, Commands& out) {
    const Holding& holding = holdings_.at(generation);
    const Device& device = devices_.at(holding.device);
    // Nobody knows yet what it has: the question that its load or first run left open tells.
    const bool is_blurred = device.ledger.is_blurred() && device.ledger.is_unseen(generation);
    if (holding.is_provisional || (device.is_answering() && is_blurred)) return {Parking::asking};
    const Need need{.kind = NeedKind::bytes, .bytes = weight};
    Choice choice = candidates({.is_cpu = true}, need, now, out);
    if (choice.is_waiting) return {Parking::asking};
    for (Candidate& candidate : choice.candidates) candidate.promised = promised;
    const Placement placement = place(need, choice.candidates, settings_.on_unknown_memory);
    if (const auto* placed = std::get_if<Placed>(&placement)) return {Parking::taken, *placed};
    const bool is_refused =
        !choice.candidates.empty() || settings_.on_unknown_memory == UnknownMemory::refuse;
    return {is_refused ? Parking::refused : Parking::taken};
}

// What its process has of its device, or what it claimed, where a list seems to lack it.
Bytes Devices::weight_of(Generation generation) const {
    const DeviceLedger& ledger = devices_.at(holdings_.at(generation).device).ledger;
    const Bytes weight = ledger.weight(generation);
    return weight > DeviceLedger::kTolerance ? weight : ledger.claims().at(generation).bytes;
}

Devices::Parking Devices::may_park(Generation generation, Bytes promised, Instant now,
                                   Commands& out) {
    return find_host(generation, weight_of(generation), promised, now, out).parking;
}

Devices::Parking Devices::park(Generation generation, Bytes promised, Instant now, Commands& out) {
    const Holding& holding = holdings_.at(generation);
    DeviceLedger& ledger = devices_.at(holding.device).ledger;
    const Claim& claim = ledger.claims().at(generation);
    const Bytes weight = weight_of(generation);
    const HostPlace place = find_host(generation, weight, promised, now, out);
    if (place.parking != Parking::taken) return place.parking;
    Parked parked{.host = {},
                  .former = claim.bytes,
                  .full = std::max(claim.bytes, weight),
                  .weight = weight,
                  // What was measured beyond its need may be what its allocator keeps.
                  .least = claim.bytes,
                  .is_exclusive = claim.is_exclusive};
    if (parked.is_exclusive || holding.is_guessed) parked.least = weight;
    if (holding.teaching) parked.least = std::max(parked.least, holding.teaching->high);
    if (place.placed && !mutant(Mutant::host_unclaimed)) {
        parked.host = place.placed->device;
        devices_.at(place.placed->device).ledger.host(generation, place.placed->claim);
    }
    const bool is_new = parked_.emplace(generation, parked).second;
    WL_ASSERT(is_new);
    ledger.claim_again(generation, parked.full, parked.is_exclusive);
    return Parking::taken;
}

void Devices::on_away(Generation generation, Instant now, Commands& out) {
    Parked& parked = parked_.at(generation);
    Device& device = devices_.at(holdings_.at(generation).device);
    if (parked.host) {
        Device& host = devices_.at(*parked.host);
        const Claim& claim = host.ledger.claims().at(generation);
        if (claim.stage == ClaimStage::loading) host.ledger.mark_loaded(generation, host.sequence);
        if (host.ledger.has_unmeasured()) host.is_fresh = false;
    }
    device.ledger.mark_loaded(generation, device.sequence);
    if (mutant(Mutant::word_is_proof)) device.ledger.limit(generation, {});
    if (device.ledger.has_unmeasured()) device.is_fresh = false;
    WL_ASSERT(!parked.is_away);
    parked.is_away = true;
    ++device.away_count;
    ask(holdings_.at(generation).device, now, out);
}

// It did not get what it was thought to need: what it was measured to have is more, perhaps.
void Devices::on_return_failed(Generation generation, Instant now, Commands& out) {
    Parked& parked = parked_.at(generation);
    parked.least = std::max(parked.least, parked.weight);
    on_away(generation, now, out);
}

// Its word is a claim, the driver is the proof: until a question that was asked later is answered,
// all that it had counts as its own.
void Devices::settle_parked(DeviceId id, Instant now, Commands& out) {
    Device& device = devices_.at(id);
    for (const auto& [generation, parked] : parked_) {
        if (holdings_.at(generation).device != id || !parked.is_away) continue;
        const Claim& claim = device.ledger.claims().at(generation);
        if (claim.loaded_at >= device.sequence) {
            ask(id, now, out);
        } else {
            device.ledger.shrink(generation);
        }
    }
}

std::optional<Shortage> Devices::claim_return(Generation generation, Bytes promised, Instant now,
                                              Commands& out) {
    const Holding& holding = holdings_.at(generation);
    Device& device = devices_.at(holding.device);
    Parked& parked = parked_.at(generation);
    DeviceLedger& ledger = device.ledger;
    // What it was measured to have may be more than a claim can ever get.
    const Bytes least = std::min(parked.least, ledger.usable().value_or(parked.least));
    Shortage shortage{.device = holding.device, .required = least, .available = {}};
    device.is_wanted = true;
    expire_late(device, now);
    if (device.is_lost) return shortage;
    const bool is_asking = device.is_answering() && !device.is_fresh;
    if (is_asking) ask(holding.device, now, out);
    const bool is_taken = !mutant(Mutant::returns_beside_all) && ledger.is_exclusive() &&
                          !ledger.claims().at(generation).is_exclusive;
    const bool is_shared = ledger.claims().size() > 1 || !ledger.fences().empty();
    const bool is_kept = parked.is_exclusive && promised > Bytes{};
    const bool is_barred = is_taken || is_kept || (parked.is_exclusive && is_shared);
    shortage.available = ledger.free_without(generation);
    if (is_asking || is_barred) return shortage;
    Bytes full = parked.full;
    if (shortage.available) {
        if (device.waiting_runs > 0 || *shortage.available < least + promised) return shortage;
        full = std::min(full, *shortage.available - promised);
    } else if (settings_.on_unknown_memory == UnknownMemory::refuse) {
        return shortage;
    }
    if (mutant(Mutant::restores_unclaimed)) full = ledger.claims().at(generation).bytes;
    ledger.claim_again(generation, full, parked.is_exclusive);
    parked.is_away = false;
    --device.away_count;
    return std::nullopt;
}

bool Devices::is_return_judged(Generation generation) const {
    const Device& device = devices_.at(holdings_.at(generation).device);
    if (device.is_silent || !device.spec.is_measured) return true;
    return device.is_fresh && !device.ledger.is_unseen(generation);
}

void Devices::on_returned(Generation generation, Instant now, Commands& out) {
    const Bytes former = parked_.at(generation).former;
    devices_.at(holdings_.at(generation).device).ledger.limit(generation, former);
    unpark(generation);
    on_loaded(generation, now, out);
}

void Devices::unpark(Generation generation) {
    const auto parked = parked_.find(generation);
    if (parked == parked_.end()) return;
    if (parked->second.host) {
        Device& host = devices_.at(*parked->second.host);
        host.ledger.release(generation);
        host.is_fresh = false;  // its use counts as a stranger's until the next answer
    }
    if (parked->second.is_away) --devices_.at(holdings_.at(generation).device).away_count;
    parked_.erase(parked);
}

void Devices::check_parked() const {
    std::map<DeviceId, std::uint32_t> away_counts;
    for (const auto& [generation, parked] : parked_) {
        WL_ASSERT(holdings_.contains(generation) && !is_departed(generation));
        if (parked.is_away) ++away_counts[holdings_.at(generation).device];
        if (!parked.host) continue;
        WL_ASSERT(devices_.at(*parked.host).ledger.find_claim(generation) != nullptr);
    }
    for (const auto& [id, device] : devices_) WL_ASSERT(device.away_count == away_counts[id]);
}

}  // namespace windlass::core
