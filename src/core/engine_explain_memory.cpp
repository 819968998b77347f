// Who holds the memory that somebody waits for, and when he makes room.
#include <algorithm>

#include "core/explainer.h"
#include "core/mutant.h"

namespace windlass::core {

namespace {

// So many turns of neighbours are looked at, one after another, for the first that makes room.
constexpr int kTurnsMax = 16;

}  // namespace

// What it counts for in a ledger.
Bytes weight_in(const DeviceLedger& ledger, Generation generation, const Claim& claim) {
    const Bytes measured = claim.measured.value_or(Bytes{});
    const bool is_to_come = claim.is_guest && ledger.is_unseen(generation);
    return is_to_come ? claim.bytes + measured : std::max(claim.bytes, measured);
}

std::optional<Bytes> MemoryWait::missing() const {
    if (!required || !free) return std::nullopt;
    const Bytes wanted = *required + promised;
    return wanted > *free ? wanted - *free : Bytes{};
}

MemoryWait Explainer::memory(const Model& model) const {
    if (!model.shortage) return memory_on({});
    const bool is_for_run = model.shortage->is_for_run;
    const std::optional<Foretold> foretold = is_for_run ? std::nullopt : foretell(model);
    DeviceId id = model.shortage->device;
    if (foretold) id = foretold->device;
    if (model.promise && !is_for_run) id = model.promise->device;
    MemoryWait wait = memory_on(id);
    wait.is_for_run = is_for_run;
    wait.failed_loads = model.memory_retries;
    wait.since = model.starved_since;
    wait.patience_end = Engine::patience_end(model);
    if (model.promise && model.promise->device == id) wait.kept = model.promise->bytes;
    add_before(model.starving_place, wait);
    if (!id) return wait;
    wait.promised = engine_.promised_to_others(model, id);
    add_need(model, wait);
    if (foretold && foretold->device == id) name_movers(*foretold, wait);
    return wait;
}

MemoryWait Explainer::memory_on(DeviceId id) const {
    MemoryWait wait{.device = id};
    const Device* device = engine_.devices_.find_device(id);
    if (device == nullptr) return wait;
    const DeviceLedger& ledger = device->ledger;
    wait.capacity = ledger.capacity();
    const auto usable = ledger.usable();
    if (wait.capacity && usable) wait.headroom = *wait.capacity - *usable;
    wait.free = ledger.free();
    wait.foreign = ledger.foreign();
    wait.is_asked = device->is_asked && !device->is_fresh;
    wait.is_reserved = device->waiting_runs > 0;
    wait.holders = holders(id);
    return wait;
}

// What it needs there: weights that come back need what they had.
void Explainer::add_need(const Model& model, MemoryWait& wait) const {
    const Device& device = engine_.devices_.device(wait.device);
    const DeviceLedger& ledger = device.ledger;
    for (const std::uint32_t copy : model.offloaded_copies()) {
        const Generation generation = model.replicas[copy].generation();
        const auto parked = engine_.devices_.parked().find(generation);
        const bool is_here = model.replicas[copy].device() == wait.device;
        if (!is_here || parked == engine_.devices_.parked().end()) continue;
        wait.source = NeedSource::returning;
        wait.returning = generation;
        wait.required =
            std::min(parked->second.least, ledger.usable().value_or(parked->second.least));
        wait.needs_all = parked->second.is_exclusive;
        wait.free = ledger.free_without(generation);
        return;
    }
    std::vector<Candidate> here{{.device = wait.device, .ledger = &ledger}};
    engine_.add_learned(model, here);
    const Need need = known_need(model.spec.need, here.front());
    wait.required = required_on(need, ledger);
    wait.needs_all = need.kind == NeedKind::all;
    const bool is_configured = model.spec.need.kind != NeedKind::unknown;
    wait.source = is_configured                    ? NeedSource::configured
                  : need.kind == NeedKind::unknown ? NeedSource::unknown
                                                   : NeedSource::learned;
}

void Explainer::add_before(std::uint64_t place, MemoryWait& wait) const {
    for (const auto& [other, id] : engine_.starving_) {
        if (other < place) wait.before.push_back(id);
    }
    for (const auto& [other, request] : engine_.waiting_leases_) {
        if (other < place) ++wait.leases_before;
    }
}

std::vector<Holder> Explainer::holders(DeviceId id) const {
    const DeviceLedger& ledger = engine_.devices_.device(id).ledger;
    std::vector<Holder> holders;
    for (const auto& [generation, claim] : ledger.claims()) {
        const bool is_dead = claim.stage == ClaimStage::departed;
        if (is_dead && mutant(Mutant::explain_omits_the_dead)) continue;
        holders.push_back(holder(id, generation, claim));
    }
    for (const auto& [generation, fence] : ledger.fences()) {
        holders.push_back({.generation = generation,
                           .model = engine_.devices_.holdings().at(generation).model,
                           .doing = Doing::fenced,
                           .bytes = fence.bytes,
                           .since = fence.since});
    }
    const Bytes foreign = ledger.foreign().value_or(Bytes{});
    if (foreign > Bytes{}) {
        holders.push_back(
            {.generation = {}, .model = {}, .doing = Doing::foreign, .bytes = foreign});
    }
    return holders;
}

Holder Explainer::holder(DeviceId id, Generation generation, const Claim& claim) const {
    const Devices& devices = engine_.devices_;
    const Holding& holding = devices.holdings().at(generation);
    Holder holder{.generation = generation, .model = holding.model, .bytes = {}};
    const auto owner = engine_.generations_.find(generation);
    const auto change = [&](std::optional<Instant> at, Step step) -> std::optional<Change> {
        if (!at) return std::nullopt;
        return Change{.at = *at, .step = step, .generation = generation};
    };
    if (claim.stage == ClaimStage::departed) {
        holder.doing = Doing::returning;
        holder.until = change(timer(TimerKind::settle, generation.value), Step::fence);
    } else if (claim.is_lease) {
        holder.doing = Doing::lent;
        const RequestId request = lease_of(generation);
        holder.runs = {request};
        holder.until = change(timer(TimerKind::lease_end, request.value), Step::lease_end);
    } else if (owner == engine_.generations_.end() ||
               engine_.model_of(holding.model).unkillable.contains(generation)) {
        holder.doing = Doing::unkillable;
    } else {
        const Replica& replica = engine_.replica_of(owner->second);
        holder = process(replica);
        holder.until = until(owner->second, replica);
    }
    holder.bytes = weight_in(devices.device(id).ledger, generation, claim);
    holder.measured = claim.measured;
    holder.is_parked = holding.device != id;
    holder.is_provisional = holding.is_provisional && !holder.is_parked;
    return holder;
}

RequestId Explainer::lease_of(Generation generation) const {
    for (const auto& [request, lease] : engine_.leases_) {
        if (lease.generation == generation) return request;
    }
    return {};
}

// --- who makes room, and when

// Where it may go, as Engine::places_for() has it; nobody is asked anything.
std::vector<Place> Explainer::places(const Model& model) const {
    const Devices& devices = engine_.devices_;
    std::vector<Candidate> candidates;
    for (const auto& [id, device] : devices.all()) {
        const bool is_there = !device.is_lost && !device.is_silent && !device.is_slow;
        if (!is_there || !devices.is_eligible(model.spec.devices, device)) continue;
        Candidate candidate{.device = id, .ledger = &device.ledger};
        candidate.is_elastic =
            device.spec.kind == DeviceKind::cpu && model.spec.need.kind == NeedKind::unknown;
        candidate.promised = engine_.promised_to_others(model, id);
        candidates.push_back(candidate);
    }
    std::vector<Place> places;
    for (const std::uint32_t copy : model.offloaded_copies()) {
        const Replica& replica = model.replicas[copy];
        const Parked& parked = devices.parked().at(replica.generation());
        const auto here = std::ranges::find(candidates, replica.device(), &Candidate::device);
        if (here == candidates.end()) continue;
        const auto usable = here->ledger->usable();
        const Need need{.kind = parked.is_exclusive ? NeedKind::all : NeedKind::bytes,
                        .bytes = std::min(parked.least, usable.value_or(parked.least))};
        places.push_back({*here, need, replica.generation()});
    }
    const auto alive = std::ranges::count_if(model.replicas, &Replica::has_process);
    if (alive >= static_cast<std::ptrdiff_t>(model.spec.copies.count_max)) return places;
    engine_.add_learned(model, candidates);
    for (const Candidate& candidate : candidates) places.push_back({candidate, model.spec.need});
    return places;
}

// The first turn or end of patience at which what may move then is enough, and who moves.
std::optional<Explainer::Foretold> Explainer::foretell(const Model& model) const {
    const auto due = timer(TimerKind::room, model.id.value);
    if (!due || !engine_.may_evict(model)) return std::nullopt;
    const std::vector<Place> places = this->places(model);
    Instant at = *due;
    for (int turn = 0; turn < kTurnsMax; ++turn) {
        std::optional<Instant> later;
        for (const Way way : {Way::aside, Way::gone}) {
            std::vector<Room> rooms;
            for (const Place& place : places) {
                const auto room = engine_.room_on(model, place, way, at);
                if (!room) continue;
                if (room->later) later = std::min(later.value_or(*room->later), *room->later);
                rooms.push_back(*room);
            }
            if (auto plan = plan_eviction(rooms))
                return Foretold{.device = plan->device, .at = at, .movers = plan->movers};
        }
        if (!later || *later <= at) return std::nullopt;
        at = *later;
    }
    return std::nullopt;
}

void Explainer::name_movers(const Foretold& foretold, MemoryWait& wait) const {
    for (Holder& holder : wait.holders) {
        const bool is_mover = std::ranges::any_of(foretold.movers, [&](ReplicaId mover) {
            return engine_.replica_of(mover).generation() == holder.generation;
        });
        if (is_mover != mutant(Mutant::explain_names_who_stays)) holder.leaves_at = foretold.at;
    }
}

// --- devices that do not answer

std::optional<Change> Explainer::device_change(DeviceId id) const {
    const Device* device = engine_.devices_.find_device(id);
    if (device == nullptr) return std::nullopt;
    if (device->is_asked)
        return Change{.at = engine_.devices_.answer_due(*device), .step = Step::device_silent};
    if (const auto at = timer(TimerKind::device_sample, id.value))
        return Change{.at = *at, .step = Step::ask_device};
    return std::nullopt;
}

std::optional<Change> Explainer::device_change(const DeviceChoice& choice) const {
    std::optional<Change> next;
    for (const auto& [id, device] : engine_.devices_.all()) {
        if (engine_.devices_.is_eligible(choice, device)) keep_earlier(next, device_change(id));
    }
    return next;
}

}  // namespace windlass::core
