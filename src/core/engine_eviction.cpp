// Room for whoever fits nowhere. Idle neighbours go once they have had their turn; those at work
// once somebody has waited for `max_wait`. What comes back is kept for the one that waited longest.
#include <algorithm>
#include <array>

#include "core/engine.h"
#include "core/mutant.h"

namespace windlass::core {

using enum Residency;

namespace {

// One that came back stays for so many times what that took, unless it idles: at most a fifth of
// the time goes into moves. Idling is a gap of this part of what its return costs; after a shorter
// one its client is likely to ask again, and waiting for that makes no swap dearer by more.
constexpr int kTurn = 4;
constexpr int kGapDivisor = 20;

Bytes without(Bytes from, Bytes part) { return from > part ? from - part : Bytes{}; }

bool idles(const Model& model, const Replica& replica) {
    const bool is_wanted = !model.is_paused && (!model.queue.empty() || !model.delayed.empty());
    return replica.leases().empty() && !is_wanted;
}

}  // namespace

// When it has had its turn, if its return costs so much: at work, and idle.
std::array<Instant, 2> Engine::turn_ends(const Replica& replica, Duration cost) {
    const Instant end = saturating_add(replica.ready_since(),
                                       mutant(Mutant::turn_ignored) ? Duration{} : kTurn * cost);
    const Instant gap_end = saturating_add(replica.used_at(), cost / kGapDivisor);
    return {end, std::min(end, gap_end)};
}

// What those may count on who began to wait before this one. One that only wants a further copy,
// or is loaded in advance, yields to all: nobody makes room for it, so that its wait has no end.
Bytes Engine::promised_to_others(const Model& model, DeviceId device) const {
    const bool has_place = model.shortage && may_evict(model);
    Bytes promised;
    for (const auto& [place, id] : starving_) {
        if (mutant(Mutant::promises_ignored) || (has_place && place >= model.starving_place)) break;
        if (id == model.id) continue;
        const std::optional<Promise>& promise = model_of(id).promise;
        if (promise && promise->device == device) promised = promised + promise->bytes;
    }
    return promised;
}

void Engine::note_promised(const Model& model, Candidate& candidate) const {
    candidate.promised = promised_to_others(model, candidate.device);
    const bool is_measured = devices_.device(candidate.device).spec.is_measured;
    candidate.is_kept = candidate.promised > Bytes{} && !is_measured;
}

// So much of the host's memory is kept for models that wait for it.
Bytes Engine::promised_on_hosts() const {
    Bytes promised;
    for (const auto& [place, id] : starving_) {
        const std::optional<Promise>& promise = model_of(id).promise;
        if (promise && devices_.device(promise->device).spec.kind == DeviceKind::cpu) {
            promised = promised + promise->bytes;
        }
    }
    return promised;
}

// The process on a device that could be asked to make room; null: it is none of ours to ask.
const Replica* Engine::find_mover(const Model& model, Generation generation) const {
    const auto alive = generations_.find(generation);
    if (alive == generations_.end() || alive->second.model == model.id) return nullptr;
    const Model& owner = model_of(alive->second.model);
    const bool is_pinned = owner.spec.is_pinned && !mutant(Mutant::pinned_goes);
    if (is_pinned || owner.unkillable.contains(generation)) return nullptr;
    return &replica_of(alive->second);
}

// When it may be asked to make room for this one; the end of time: not as it is now.
Instant Engine::mover_due(const Model& model, const Replica& mover, bool may_drain,
                          Duration cost) const {
    const Model& owner = model_of(mover.model());
    const bool is_idle = idles(owner, mover);
    const auto [turn, idle_turn] = turn_ends(mover, cost);
    if (mover.residency() == offloaded) {
        if (is_idle) return idle_turn;
        // It waits for its way back, perhaps for longer than this one.
        const bool is_earlier =
            owner.shortage && (!model.shortage || owner.starving_place < model.starving_place);
        return may_drain && !is_earlier ? patience_end(model) : Instant::max();
    }
    if (is_idle) return idle_turn;
    return may_drain ? std::max(turn, patience_end(model)) : Instant::max();
}

// What a neighbour could give, and when. False: nothing, ever.
bool Engine::ask_neighbour(const Model& model, Generation generation, const Claim& claim,
                           bool is_retry, Way way, Instant now, Room& room) const {
    const Bytes bytes = std::max(claim.bytes, claim.measured.value_or(Bytes{}));
    const auto is_leaving = [&] {  // whosever it is; one that was set aside does not leave
        const auto owner = generations_.find(generation);
        if (owner == generations_.end()) return false;
        const bool is_aside = model_of(owner->second.model).unkillable.contains(generation);
        if (is_aside && !mutant(Mutant::counts_on_unkillable)) return false;
        const Residency residency = replica_of(owner->second).residency();
        return residency == stopping || residency == draining;
    };
    if (claim.stage == ClaimStage::departed || is_leaving()) {
        room.coming = room.coming + bytes;
        return true;
    }
    if (claim.is_lease) {  // its time ends, and nobody is asked before
        room.awaited = room.awaited + bytes;
        room.is_blocked = room.is_blocked || model.spec.need.kind == NeedKind::all;
        return true;
    }
    const Replica* mover = find_mover(model, generation);
    // What lies here for another device is no device's to give, as long as its process is there.
    if (mover != nullptr && mover->device() != room.device) return false;
    const Residency residency = mover == nullptr ? cold : mover->residency();
    const bool is_moving = residency == loading || residency == restoring;
    const bool is_measured = !devices_.device(room.device).ledger.is_unseen(generation);
    const bool has_left = residency == offloading || (residency == offloaded && !is_measured);
    if (residency != ready && residency != offloaded && !is_moving && !has_left) return false;
    if (has_left && !room.needs_all) {  // it comes back, but for what its process keeps
        room.coming = room.coming + without(bytes, model_of(mover->model()).residue);
        return true;
    }
    // A provisional claim is about to drop to what was measured, and that may be enough.
    const bool is_provisional = devices_.holdings().at(generation).is_provisional;
    if ((!is_moving || mutant(Mutant::loading_goes)) && !has_left && !is_provisional) {
        const Model& owner = model_of(mover->model());
        const bool stays = way == Way::aside && may_step_aside(*mover);
        const bool was_away = stays && owner.restore_cost > Duration{0};
        // Where it can step aside, that is due first.
        const Duration cost =
            was_away ? owner.restore_cost : std::max(owner.load_cost, owner.restore_cost);
        const Instant from = mover_due(model, *mover, !is_retry, cost);
        if (from <= now) {
            const Bytes frees = stays ? without(bytes, owner.residue) : bytes;
            const Duration idle_for = idles(owner, *mover) ? now - mover->used_at() : Duration{};
            room.movable.push_back(
                {generations_.at(generation), frees, idle_for, cost, claim.is_exclusive});
            return true;
        }
        if (from < Instant::max()) room.later = std::min(room.later.value_or(from), from);
    }
    room.awaited = room.awaited + bytes;
    // Beside one that loads or first runs alone there is no place, whoever goes.
    room.is_blocked =
        room.is_blocked || claim.is_exclusive || model.spec.need.kind == NeedKind::all;
    return true;
}

// What this device could give.
std::optional<Room> Engine::room_on(const Model& model, const Place& place, Way way,
                                    Instant now) const {
    const Candidate& candidate = place.candidate;
    const DeviceLedger& ledger = *candidate.ledger;
    const Need need = known_need(place.need, candidate);
    const std::optional<Bytes> required = required_on(need, ledger);
    const Claim* own = ledger.find_claim(place.returning);
    const std::optional<Bytes> free =
        own == nullptr ? ledger.free() : ledger.free_without(place.returning);
    // What is free is not known there, and need not be: only who is there may be in the way.
    const bool is_blind = !devices_.device(candidate.device).spec.is_measured &&
                          devices_.policy() == UnknownMemory::admit;
    const bool is_too_large = ledger.usable() && required > ledger.usable();
    // It needs nothing but that nobody is there who must be alone.
    const bool is_open = candidate.is_elastic && !ledger.is_exclusive();
    if ((!free && !is_blind) || is_open || is_too_large) return std::nullopt;
    // Nobody knows what it needs: it tries what is free first, whatever that is. Where that was not
    // enough all that idles goes, but nobody at work: the next try may fail as well.
    const bool is_guess = need.kind == NeedKind::unknown;
    const bool was_tried = candidate.device == model.overfull && model.memory_retries > 0;
    const bool is_barred = std::ranges::any_of(ledger.claims(), [&](const auto& entry) {
        return entry.first != place.returning && entry.second.is_exclusive;
    });
    const bool is_free = is_guess && !was_tried && !is_barred && free.value_or(Bytes{}) > Bytes{};
    if (is_free && now < patience_end(model)) return std::nullopt;
    const bool is_retry = is_guess && was_tried;
    const bool needs_all = need.kind == NeedKind::all || is_retry;
    if (needs_all && way == Way::aside) return std::nullopt;  // what stays is in its way
    Room room{.device = candidate.device,
              .missing = {},
              .needs_all = needs_all,
              .movable = {},
              .is_blocked = is_free || (!required && candidate.promised > Bytes{}),
              .kept = required.value_or(ledger.usable().value_or(Bytes{is_blind ? 1u : 0u}))};
    const Bytes residue =
        own == nullptr ? Bytes{} : std::max(own->bytes, own->measured.value_or(Bytes{}));
    room.kept = without(room.kept, residue);
    for (const auto& [generation, claim] : ledger.claims()) {
        if (generation == place.returning) continue;
        const bool is_asked = ask_neighbour(model, generation, claim, is_retry, way, now, room);
        if (!is_asked && need.kind == NeedKind::all) return std::nullopt;
    }
    if (need.kind == NeedKind::all && !ledger.fences().empty()) return std::nullopt;
    if (room.coming > Bytes{} && ledger.is_blurred()) {
        // What leaves looks like a stranger's until it was measured: nobody else goes before that.
        room.movable.clear();
        room.is_blocked = false;
        return room;
    }
    const Bytes least = required.value_or(Bytes{is_guess && !was_tried && !is_free ? 1u : 0u});
    if (least > Bytes{} && free) {
        const Bytes deficit =
            mutant(Mutant::deficit_ignored) ? Bytes{} : without(ledger.deficit(), residue);
        room.missing = without(least + candidate.promised + deficit, *free + room.coming);
    }
    return room;
}

// Then those at work make room too.
Instant Engine::patience_end(const Model& model) {
    return saturating_add(model.starved_since,
                          mutant(Mutant::patience_endless) ? Duration::max() : model.spec.max_wait);
}

// Somebody waits for it, and not only a load in advance. A further copy takes what is free.
bool Engine::may_evict(const Model& model) const {
    if (model.count_live() > 0 || model.foremost().residency() == offloading) return false;
    const bool is_called = !model.is_paused && !model.queue.empty();
    return is_called || std::ranges::any_of(model.admins, [&](RequestId request) {
               const AdminWait& admin = admins_.at(request);
               return admin.goal == AdminGoal::ready && admin.may_evict;
           });
}

// For one more copy on these devices, and for weights that are away, on the one that they left.
std::vector<Place> Engine::places_for(const Model& model, std::span<const Candidate> candidates,
                                      Instant now, Commands& out) {
    std::vector<Place> places;
    for (const Candidate& candidate : candidates) places.push_back({candidate, model.spec.need});
    for (const std::uint32_t copy : model.offloaded_copies()) {
        const Replica& replica = model.replicas[copy];
        const Generation generation = replica.generation();
        if (!devices_.is_return_judged(generation)) continue;
        const Parked& parked = devices_.parked().at(generation);
        const auto usable = devices_.device(replica.device()).ledger.usable();
        const Bytes least = std::min(parked.least, usable.value_or(parked.least));
        const NeedKind kind = parked.is_exclusive ? NeedKind::all : NeedKind::bytes;
        const Need need{.kind = kind, .bytes = least};
        const Devices::Choice choice = devices_.candidates(model.spec.devices, need, now, out);
        const auto here =
            std::ranges::find(choice.candidates, replica.device(), &Candidate::device);
        if (here == choice.candidates.end()) continue;
        places.push_back({*here, need, generation});
        places.back().candidate.promised = promised_to_others(model, replica.device());
    }
    return places;
}

// Asks those who can give what is missing, or notes when to look again. False: nobody can.
bool Engine::make_room(Model& model, std::span<const Place> places, Instant now, Commands& out) {
    model.promise.reset();
    std::vector<Room> rooms;
    std::optional<Instant> later;
    for (const Way way : {Way::aside, Way::gone}) {
        rooms.clear();
        if (!may_evict(model)) break;
        for (const Place& place : places) {
            if (const auto room = room_on(model, place, way, now)) rooms.push_back(*room);
        }
        for (const Room& room : rooms) {
            if (room.later) later = std::min(later.value_or(*room.later), *room.later);
        }
        const std::optional<Eviction> plan = plan_eviction(rooms);
        if (!plan) continue;
        deadlines_.disarm({TimerKind::room, model.id.value});
        const Room& room = rooms[plan->room];
        keep_room(model, room);
        if (way == Way::aside) {
            const Devices::Parking parking = ask_host(plan->movers, now, out);
            if (parking == Devices::Parking::refused) continue;
            if (parking == Devices::Parking::asking) return true;  // its answer lets all ask again
        }
        for (const ReplicaId id : plan->movers) make_way(id, way, now, out);
        return !plan->movers.empty() || room.coming > Bytes{};
    }
    model.promise.reset();
    deadlines_.set({TimerKind::room, model.id.value}, later);
    // It has waited for long: whoever loads there now shall be the last to do so before it.
    if (now < patience_end(model)) return false;
    for (const Room& room : rooms) {
        Bytes total = room.awaited;
        for (const Movable& movable : room.movable) total = total + movable.frees;
        if (total < room.missing) continue;
        keep_room(model, room);
        break;
    }
    return false;
}

void Engine::keep_room(Model& model, const Room& room) { model.promise = {room.device, room.kept}; }

void Engine::forgo_room(Model& model) {
    model.promise.reset();
    deadlines_.disarm({TimerKind::room, model.id.value});
}

// It idles, and comes back sooner from the host's memory than in a new process.
bool Engine::may_step_aside(const Replica& mover) const {
    return mover.residency() == ready && mover.leases().empty() && mover.failed_offloads() == 0 &&
           model_of(mover.model()).spec.offload_after && can_offload(mover);
}

// What is left of those whose weights are away, as this device has shown.
void Engine::note_residues(DeviceId id) {
    const DeviceLedger& ledger = devices_.device(id).ledger;
    for (const auto& [generation, parked] : devices_.parked()) {
        const Holding& holding = devices_.holdings().at(generation);
        if (holding.device != id || !parked.is_away || ledger.is_unseen(generation)) continue;
        model_of(holding.model).residue = ledger.claims().at(generation).bytes;
    }
}

// Nobody moves before it is known who may stay.
Devices::Parking Engine::ask_host(std::span<const ReplicaId> movers, Instant now, Commands& out) {
    auto worst = Devices::Parking::taken;
    Bytes taken = promised_on_hosts();
    for (const ReplicaId id : movers) {
        const Generation generation = replica_of(id).generation();
        if (!may_step_aside(replica_of(id))) continue;
        worst = std::max(worst, devices_.may_park(generation, taken, now, out));
        taken = taken + devices_.weight_of(generation);
    }
    arm_device_timers();
    return worst;
}

void Engine::make_way(ReplicaId id, Way way, Instant now, Commands& out) {
    Model& model = model_of(id.model);
    Replica& replica = replica_of(id);
    const Generation generation = replica.generation();
    const Bytes bytes = devices_.device(replica.device()).ledger.claims().at(generation).bytes;
    auto parking = Devices::Parking::refused;
    const bool steps_aside = way == Way::aside && may_step_aside(replica);
    give_up_places(id, now, out);  // nothing runs there yet
    if (steps_aside) {
        parking = devices_.park(generation, promised_on_hosts(), now, out);
    }
    out.push_back(Report{.code = EventCode::model_evicted,
                         .model = id.model,
                         .generation = generation,
                         .request = {},
                         .error = {},
                         .device = replica.device(),
                         .bytes = bytes});
    if (parking == Devices::Parking::taken) {
        replica.offload(now, out);
    } else if (replica.leases().empty()) {
        replica.stop(StopCause::wanted, StopStep::asked, now, out);
    } else {
        replica.drain(out);
    }
    // What it waits for was a further copy, or its first run; now it is one of many who wait.
    const bool has_waiting_run = forgo_first_runs(model).has_value();
    if (!has_waiting_run && model.foremost().residency() != offloaded) end_starving(model);
    arm_idle_timers(id);
    arm_replica_timers(id);
}

}  // namespace windlass::core
