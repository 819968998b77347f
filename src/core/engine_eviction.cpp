// Room for whoever fits nowhere. Idle neighbours go once they have had their turn; those at work
// once somebody has waited for `max_wait`. What comes back is kept for the one that waited longest.
#include <algorithm>
#include <array>

#include "core/engine.h"

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

// When it has had its turn: at work, and idle.
std::array<Instant, 2> Engine::turn_ends(const Model& model, const Replica& replica) {
    const Instant end = saturating_add(replica.ready_since(), kTurn * model.return_cost);
    const Instant gap_end = saturating_add(replica.used_at(), model.return_cost / kGapDivisor);
    return {end, std::min(end, gap_end)};
}

// What those may count on who began to wait before this one. One that only wants a further copy,
// or is loaded in advance, yields to all: nobody makes room for it, so that its wait has no end.
Bytes Engine::promised_to_others(const Model& model, DeviceId device) const {
    const bool has_place = model.shortage && may_evict(model);
    Bytes promised;
    for (const auto& [place, id] : starving_) {
        if (has_place && place >= model.starving_place) break;
        if (id == model.id) continue;
        const std::optional<Promise>& promise = model_of(id).promise;
        if (promise && promise->device == device) promised = promised + promise->bytes;
    }
    return promised;
}

// The process on a device that could be asked to make room; null: it is none of ours to ask.
const Replica* Engine::find_mover(const Model& model, Generation generation) const {
    const auto alive = generations_.find(generation);
    if (alive == generations_.end() || alive->second.model == model.id) return nullptr;
    const Model& owner = model_of(alive->second.model);
    if (owner.spec.is_pinned || owner.unkillable.contains(generation)) return nullptr;
    return &replica_of(alive->second);
}

// When it may be asked to make room for this one; the end of time: not as it is now.
Instant Engine::mover_due(const Model& model, const Replica& mover, bool may_drain) const {
    const Model& owner = model_of(mover.model());
    const bool is_idle = idles(owner, mover);
    if (mover.residency() == offloaded) {
        if (is_idle) return Instant::min();  // its turn was over when it left
        // It waits for its way back, perhaps for longer than this one.
        const bool is_earlier =
            owner.shortage && (!model.shortage || owner.starving_place < model.starving_place);
        return may_drain && !is_earlier ? patience_end(model) : Instant::max();
    }
    const auto [turn, idle_turn] = turn_ends(owner, mover);
    if (is_idle) return idle_turn;
    return may_drain ? std::max(turn, patience_end(model)) : Instant::max();
}

// What a neighbour could give, and when. False: nothing, ever.
bool Engine::ask_neighbour(const Model& model, Generation generation, const Claim& claim,
                           bool may_drain, Instant now, Room& room) const {
    const Bytes bytes = std::max(claim.bytes, claim.measured.value_or(Bytes{}));
    const auto is_leaving = [&] {  // whosever it is; one that was set aside does not leave
        const auto owner = generations_.find(generation);
        if (owner == generations_.end()) return false;
        if (model_of(owner->second.model).unkillable.contains(generation)) return false;
        const Residency residency = replica_of(owner->second).residency();
        return residency == stopping || residency == draining;
    };
    if (claim.stage == ClaimStage::departed || is_leaving()) {
        room.coming = room.coming + bytes;
        return true;
    }
    const Replica* mover = find_mover(model, generation);
    // What lies here for another device is no device's to give, as long as its process is there.
    if (mover != nullptr && mover->device() != room.device) return false;
    const Residency residency = mover == nullptr ? cold : mover->residency();
    const bool is_moving =
        residency == loading || residency == offloading || residency == restoring;
    if (residency != ready && residency != offloaded && !is_moving) return false;
    // A provisional claim is about to drop to what was measured, and that may be enough; likewise
    // that of one whose weights have left, until it was measured since.
    const bool is_settled = residency == offloaded
                                ? !devices_.device(room.device).ledger.is_unseen(generation)
                                : !devices_.holdings().at(generation).is_provisional;
    if (!is_moving && is_settled) {
        const Instant from = mover_due(model, *mover, may_drain);
        if (from <= now) {
            const Model& owner = model_of(mover->model());
            const Duration idle_for = idles(owner, *mover) ? now - mover->used_at() : Duration{};
            room.movable.push_back(
                {generations_.at(generation), bytes, idle_for, owner.return_cost});
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
std::optional<Room> Engine::room_on(const Model& model, const Wish& wish,
                                    const Candidate& candidate, Instant now) const {
    const DeviceLedger& ledger = *candidate.ledger;
    const Need need = known_need(wish.need, candidate);
    const std::optional<Bytes> required = required_on(need, ledger);
    const Claim* own = ledger.find_claim(wish.returning);
    const std::optional<Bytes> free =
        own == nullptr ? ledger.free() : ledger.free_without(wish.returning);
    if (!free || candidate.is_elastic || required > ledger.usable()) return std::nullopt;
    // Nobody knows what it needs: it tries what is free first, whatever that is. Where that was not
    // enough all that idles goes, but nobody at work: the next try may fail as well.
    const bool is_guess = need.kind == NeedKind::unknown;
    const bool was_tried = candidate.device == model.overfull && model.memory_retries > 0;
    const bool is_free = is_guess && !was_tried && *free > Bytes{};
    if (is_free && now < patience_end(model)) return std::nullopt;
    const bool is_retry = is_guess && was_tried;
    Room room{.device = candidate.device,
              .missing = {},
              .needs_all = need.kind == NeedKind::all || is_retry,
              .movable = {},
              .is_blocked = is_free || (!required && candidate.promised > Bytes{}),
              .kept = required.value_or(ledger.usable().value_or(Bytes{}))};
    for (const auto& [generation, claim] : ledger.claims()) {
        if (generation == wish.returning) continue;
        const bool is_asked = ask_neighbour(model, generation, claim, !is_retry, now, room);
        if (!is_asked && need.kind == NeedKind::all) return std::nullopt;
    }
    if (need.kind == NeedKind::all && !ledger.fences().empty()) return std::nullopt;
    const Bytes least = required.value_or(Bytes{is_guess && !was_tried && !is_free ? 1u : 0u});
    if (least > Bytes{}) {
        const Bytes residue =
            own == nullptr ? Bytes{} : std::max(own->bytes, own->measured.value_or(Bytes{}));
        const Bytes deficit = without(ledger.deficit(), residue);
        room.missing = without(least + candidate.promised + deficit, *free + room.coming);
    }
    return room;
}

// Then those at work make room too.
Instant Engine::patience_end(const Model& model) {
    return saturating_add(model.starved_since, model.spec.max_wait);
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

// Asks those who can give what is missing, or notes when to look again. False: nobody can.
bool Engine::make_room(Model& model, const Wish& wish, std::span<const Candidate> candidates,
                       Instant now, Commands& out) {
    model.promise.reset();
    std::vector<Room> rooms;
    if (may_evict(model)) {
        for (const Candidate& candidate : candidates) {
            if (const auto room = room_on(model, wish, candidate, now)) rooms.push_back(*room);
        }
    }
    std::optional<Instant> later;
    for (const Room& room : rooms) {
        if (room.later) later = std::min(later.value_or(*room.later), *room.later);
    }
    const std::optional<Eviction> plan = plan_eviction(rooms);
    deadlines_.set({TimerKind::room, model.id.value}, plan ? std::nullopt : later);
    if (plan) {
        const auto room = std::ranges::find(rooms, plan->device, &Room::device);
        keep_room(model, *room);
        for (const ReplicaId id : plan->movers) make_way(id, now, out);
        return !plan->movers.empty() || room->coming > Bytes{};
    }
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

void Engine::make_way(ReplicaId id, Instant now, Commands& out) {
    Replica& replica = replica_of(id);
    const Claim& claim = *devices_.device(replica.device()).ledger.find_claim(replica.generation());
    out.push_back(Report{.code = EventCode::model_evicted,
                         .model = id.model,
                         .generation = replica.generation(),
                         .request = {},
                         .error = {},
                         .device = replica.device(),
                         .bytes = claim.bytes});
    end_starving(model_of(id.model));  // for a further copy; now it is one of many who wait
    if (replica.leases().empty()) {
        replica.stop(StopCause::wanted, StopStep::asked, now, out);
    } else {
        replica.drain(out);
    }
    arm_replica_timers(id);
}

}  // namespace windlass::core
