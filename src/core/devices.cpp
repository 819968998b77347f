// What devices say, and what becomes of the claims on them.
#include "core/devices.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "core/mutant.h"

namespace windlass::core {

using namespace std::chrono_literals;

namespace {

// How often a device is asked, by why.
constexpr Duration kSettling = 100ms;  // memory is on its way back. Source: gpu.md 4.1
// Somebody waits for memory. With kPatience and an answer it is within the second of A3.5.
constexpr Duration kAwaited = 500ms;
constexpr Duration kInUseMax = 2s;  // copies must shrink within 5 s of a stranger's growth: A3.3
constexpr Duration kAtRest = 10s;   // all who claim it have left it
constexpr Duration kFenced = 5s;    // Source: design, section 1
constexpr Duration kUnresponsive = 5s;

// It does not say how full it is, and one is there that needs all. Who claims all there is only
// until it was measured, claimed it when that was known, and keeps nobody out any more.
bool is_taken(const Device& device, const std::map<Generation, Holding>& holdings) {
    if (device.ledger.free() || !device.ledger.is_exclusive()) return false;
    return std::ranges::any_of(device.ledger.claims(), [&](const auto& entry) {
        return entry.second.is_exclusive && !holdings.at(entry.first).is_provisional;
    });
}

}  // namespace

Devices::Devices(DeviceSettings settings) : settings_(std::move(settings)) {
    for (const DeviceSpec& spec : settings_.known) {
        devices_[DeviceId{devices_.size() + 1}] = {
            .spec = spec, .ledger = {spec.capacity, settings_.headroom}, .asked = {}};
    }
}

const Device* Devices::find_device(DeviceId id) const {
    const auto device = devices_.find(id);
    return device == devices_.end() ? nullptr : &device->second;
}

void Devices::find(const DeviceFound& event) {
    Device& device = devices_[event.device];
    device.spec = event.spec;
    device.is_lost = device.is_silent = false;
    device.ledger.resize(event.spec.capacity, settings_.headroom);
}

void Devices::lose(DeviceId id) {
    Device& device = devices_.at(id);
    device.is_lost = true;
    device.is_slow = device.is_fresh = device.is_silent = false;
    device.is_asked = device.is_asked && mutant(Mutant::loss_leaves_question);
    device.ledger.forget_measures();
}

void Devices::ask(DeviceId id, Instant now, Commands& out) {
    Device& device = devices_.at(id);
    if (!device.spec.is_measured || device.is_lost || device.is_asked) return;
    device.is_asked = true;
    device.is_wanted = false;
    device.asked = now;
    out.push_back(SampleDevice{id, ++device.sequence});
}

bool Devices::measure(const DeviceSampled& event, Instant now, Commands& out) {
    const auto found = devices_.find(event.device);
    if (found == devices_.end()) return false;
    Device& device = found->second;
    if (!device.is_asked || event.sequence != device.sequence) return false;
    device.is_asked = device.is_slow = false;
    device.answered = now;
    device.is_silent = false;
    device.ledger.measure(
        {event.used, event.own, event.own_known, event.sequence, event.strangers});
    device.is_fresh = !device.ledger.has_unmeasured();
    device.is_watched =
        device.is_watched && std::ranges::any_of(holdings_, [&](const auto& entry) {
            const Holding& holding = entry.second;
            const bool is_here = holding.device == event.device;
            return is_here && holding.growth && holding.growth->rested_at >= event.sequence;
        });
    for (const Generation generation : device.ledger.proved()) release(generation, out);
    for (const Generation generation : device.ledger.lift_fences()) {
        out.push_back(Report{.code = EventCode::device_fence_lifted,
                             .model = holdings_.at(generation).model,
                             .generation = generation,
                             .request = {},
                             .error = {},
                             .device = event.device,
                             .bytes = {}});
        holdings_.erase(generation);
    }
    note_peaks(event.device);
    settle_provisional(event.device, now, out);
    settle_parked(event.device, now, out);
    return true;
}

bool Devices::on_silent(DeviceId id, std::uint64_t sequence) {
    const auto found = devices_.find(id);
    if (found == devices_.end()) return false;
    Device& device = found->second;
    if (!device.is_asked || sequence != device.sequence) return false;
    device.is_asked = device.is_slow = false;
    device.is_fresh = false;
    if (!mutant(Mutant::silence_remembers)) device.ledger.forget_measures();
    device.is_silent = true;
    return true;
}

bool Devices::lose_patience(DeviceId id, Instant now) {
    Device& device = devices_.at(id);
    if (device.is_slow || saturating_add(device.asked, settings_.answer_timeout) <= now) {
        return false;
    }
    device.is_slow = true;
    return true;
}

// --- claims

void Devices::claim(Generation generation, ModelId model, const Placed& placed) {
    Device& device = devices_.at(placed.device);
    holdings_[generation] = {.device = placed.device,
                             .model = model,
                             .is_provisional = placed.is_provisional,
                             .is_untried = placed.is_provisional,
                             .is_guessed = placed.is_provisional || placed.learned};
    if ((placed.is_provisional || placed.learned) && !device.spec.make.empty()) {
        holdings_[generation].teaching = {.taught = placed.learned.value_or(Bytes{})};
    }
    device.ledger.claim(generation, placed.claim, placed.is_exclusive);
}

void Devices::on_loaded(Generation generation, Instant now, Commands& out) {
    Holding& holding = holdings_.at(generation);
    Device& device = devices_.at(holding.device);
    device.ledger.mark_loaded(generation, device.sequence);
    if (holding.is_provisional) holding.over_at = device.sequence;
    // Others wait for what it does not need, or for what nobody knows whose it is.
    if (holding.is_provisional || device.ledger.is_blurred()) ask(holding.device, now, out);
    if (device.ledger.has_unmeasured()) device.is_fresh = false;
}

bool Devices::begin_first_run(Generation generation, Instant now, Commands& out) {
    Holding& holding = holdings_.at(generation);
    Device& device = devices_.at(holding.device);
    WL_ASSERT(holding.is_untried);
    const bool is_alone = holding.is_provisional;  // still, from its load
    if (!is_alone && !may_be_alone(holding.device, now, out)) {
        if (!std::exchange(holding.is_waiting, true)) ++device.waiting_runs;
        return false;
    }
    forgo_first_run(generation);
    holding.over_at.reset();
    holding.peak = {};
    if (!is_alone && !device.ledger.free()) return true;  // nobody knows, and the policy admits it
    device.ledger.begin_trying(generation);
    holding.is_provisional = true;
    return true;
}

// The timer of its last answer may be due and not told yet, when the loop is late.
void Devices::expire_late(Device& device, Instant now) {
    if (saturating_add(device.answered, kFreshFor) <= now) device.is_fresh = false;
}

// Nothing loads there, nobody else is alone, and it is known how much is free; or the policy does
// without.
bool Devices::may_be_alone(DeviceId id, Instant now, Commands& out) {
    Device& device = devices_.at(id);
    device.is_wanted = true;
    expire_late(device, now);
    const bool is_admitted = settings_.on_unknown_memory == UnknownMemory::admit;
    if (device.is_lost) return false;
    if (device.is_silent) return is_admitted;
    // Its end is an event: to ask until then would only hold up what it waits for.
    if (device.ledger.is_loading() || device.ledger.is_exclusive()) return false;
    if (!device.is_fresh || device.ledger.is_blurred()) {
        ask(id, now, out);
        return false;
    }
    return device.ledger.free() || is_admitted;
}

void Devices::forgo_first_run(Generation generation) {
    Holding& holding = holdings_.at(generation);
    if (std::exchange(holding.is_waiting, false)) --devices_.at(holding.device).waiting_runs;
}

void Devices::end_first_run(Generation generation, bool had_begun, Instant now, Commands& out) {
    Holding& holding = holdings_.at(generation);
    // However it ended: a client that fails on purpose must not keep the device to himself.
    if (had_begun) holding.is_untried = false;
    if (!holding.is_provisional) return;
    holding.over_at = devices_.at(holding.device).sequence;
    ask(holding.device, now, out);
}

void Devices::abandon(Generation generation, Instant now, Commands& out) {
    forgo_first_run(generation);
    Holding& holding = holdings_.at(generation);
    Device& device = devices_.at(holding.device);
    device.ledger.abandon(generation, device.sequence);
    holding.is_untried = false;
    holding.growth.reset();
    if (!device.ledger.claims().at(generation).is_exclusive) return;
    holding.is_provisional = true;
    holding.over_at = device.sequence;
    ask(holding.device, now, out);
}

// A provisional claim drops to what was measured once the load or the first run is over.
void Devices::settle_provisional(DeviceId id, Instant now, Commands& out) {
    Device& device = devices_.at(id);
    for (const auto& [generation, claim] : device.ledger.claims()) {
        Holding& holding = holdings_.at(generation);
        const bool is_guest = holding.device != id;  // weights from another device
        if (is_guest || claim.stage != ClaimStage::loaded) continue;
        const bool is_older = claim.loaded_at >= device.sequence;  // than the load's end, perhaps
        if (is_older && (holding.is_provisional || device.ledger.is_blurred())) {
            return ask(id, now, out);
        }
        if (!holding.is_provisional || is_older) continue;
        // Where processes are not told apart, as much as it can be: nobody else loaded meanwhile.
        const std::optional<Bytes> use = claim.measured ? claim.measured : claim.most;
        // What the dead still have may look like its own: a peak is what it has beside nobody.
        const bool is_clear = claim.measured || !device.ledger.has_departed();
        if (use && is_clear) holding.peak = std::max(holding.peak, *use);
        if (!holding.over_at) continue;  // it runs
        if (*holding.over_at >= device.sequence) return ask(id, now, out);
        if (!use) continue;
        holding.is_provisional = false;
        // What a load needs in passing is not needed again.
        const Bytes kept = holding.is_untried ? *use : std::max(holding.peak, *use);
        // Never more than what was there to be claimed, or the claims together could exceed the
        // device: the margin is a guess, and so is a difference, which strangers change too. What
        // its process is really seen to have counts in any case.
        const Bytes most = std::max(claim.bytes, claim.measured.value_or(Bytes{}));
        const Bytes settled = std::min(with_margin(kept), most);
        return device.ledger.settle(generation, settled);  // there is one at most
    }
}

void Devices::note_peaks(DeviceId id) {
    Device& device = devices_.at(id);
    for (const auto& [generation, claim] : device.ledger.claims()) {
        Holding& holding = holdings_.at(generation);
        const bool is_guest = holding.device != id;  // what it has here says nothing of its need
        if (is_guest || !holding.teaching || claim.stage == ClaimStage::departed) continue;
        const Bytes use = claim.measured.value_or(Bytes{});
        holding.teaching->high = std::max(holding.teaching->high, use);
        // What it was seen to have must be proved back, however little it was expected to need.
        if (!holding.is_provisional && use > claim.bytes) device.ledger.settle(generation, use);
    }
}

std::optional<Bytes> Devices::take_peak(Generation generation, bool is_last) {
    Holding& holding = holdings_.at(generation);
    const bool is_untried = holding.is_untried && !mutant(Mutant::load_teaches);
    if (!holding.teaching || is_untried || holding.is_provisional) return std::nullopt;
    Holding::Teaching& teaching = *holding.teaching;
    // Its allocator moves by less, and each word is written down.
    const Bytes step = is_last ? Bytes{} : Bytes{teaching.taught.count() / kMarginDivisor};
    const bool is_more = teaching.high > teaching.taught + step;
    const bool is_owed = is_last && !teaching.has_taught && teaching.high > Bytes{};
    if (!is_more && !is_owed) return std::nullopt;
    teaching.has_taught = true;
    teaching.taught = teaching.high;
    return teaching.high;
}

bool Devices::depart(Generation generation, Instant now, Commands& out) {
    forgo_first_run(generation);
    Holding& holding = holdings_.at(generation);
    Device& device = devices_.at(holding.device);
    holding.growth.reset();
    unpark(generation);  // of the host's memory the reap is the proof
    const bool is_reap_proof = device.spec.kind == DeviceKind::cpu || !device.spec.is_measured;
    if (is_reap_proof || mutant(Mutant::exit_frees)) {
        device.is_fresh = false;  // its use counts as a stranger's until the next answer
        release(generation, out);
        return true;
    }
    device.ledger.depart(generation, device.sequence);
    device.is_fresh = false;
    ask(holding.device, now, out);
    return false;
}

void Devices::release(Generation generation, Commands& out) {
    const auto holding = holdings_.find(generation);
    Device& device = devices_.at(holding->second.device);
    if (device.spec.is_measured) {
        out.push_back(Report{.code = EventCode::worker_memory_returned,
                             .model = holding->second.model,
                             .generation = generation,
                             .request = {},
                             .error = {},
                             .device = holding->second.device,
                             .bytes = device.ledger.claims().at(generation).bytes});
    }
    device.ledger.release(generation);
    holdings_.erase(holding);
}

bool Devices::is_departed(Generation generation) const {
    const auto holding = holdings_.find(generation);
    if (holding == holdings_.end()) return false;
    const Claim* claim = devices_.at(holding->second.device).ledger.find_claim(generation);
    return claim != nullptr && claim->stage == ClaimStage::departed;
}

void Devices::fence(Generation generation, Instant now, Commands& out) {
    const auto holding = holdings_.find(generation);
    WL_ASSERT(is_departed(generation));
    Device& device = devices_.at(holding->second.device);
    const Bytes claimed = device.ledger.claims().at(generation).bytes;
    const Bytes missing = device.ledger.fence(generation, now);
    const bool is_fenced = missing > Bytes{};
    out.push_back(
        Report{.code = is_fenced ? EventCode::device_fenced : EventCode::worker_memory_returned,
               .model = holding->second.model,
               .generation = generation,
               .request = {},
               .error = {},
               .device = holding->second.device,
               .bytes = is_fenced ? missing : claimed});
    if (!is_fenced) holdings_.erase(holding);
}

// --- where a copy may go

bool Devices::is_eligible(const DeviceChoice& choice, const Device& device) const {
    if (choice.is_cpu) return device.spec.kind == DeviceKind::cpu;
    if (!choice.uuids.empty()) {
        return std::ranges::find(choice.uuids, device.spec.uuid) != choice.uuids.end();
    }
    const bool has_gpu = std::ranges::any_of(
        devices_, [](const auto& d) { return d.second.spec.kind == DeviceKind::gpu; });
    return device.spec.kind == DeviceKind::gpu || (!has_gpu && device.spec.stands_in);
}

Devices::Choice Devices::candidates(const DeviceChoice& wanted, const Need& need, Instant now,
                                    Commands& out) {
    Choice choice;
    std::vector<Candidate> slow;
    for (auto& [id, device] : devices_) {
        if (!is_eligible(wanted, device)) continue;
        const bool is_admitted = settings_.on_unknown_memory == UnknownMemory::admit;
        // The CPU's memory gives way: who says no need there neither claims nor asks.
        const bool is_elastic =
            device.spec.kind == DeviceKind::cpu && need.kind == NeedKind::unknown;
        device.is_wanted = device.is_wanted || !is_elastic;
        expire_late(device, now);
        if (device.is_lost || (device.is_silent && !is_admitted && !is_elastic)) {
            choice.is_incomplete = true;
            continue;
        }
        const Candidate candidate{
            .device = id,
            .ledger = &device.ledger,
            .is_elastic = is_elastic,
            .is_reserved = device.waiting_runs > 0 || is_taken(device, holdings_)};
        if (device.is_answering() && !device.is_fresh && !is_elastic) {
            ask(id, now, out);
            if (device.is_slow) {
                slow.push_back(candidate);
                continue;
            }
            choice.is_waiting = true;
        }
        choice.candidates.push_back(candidate);
    }
    if (slow.empty()) return choice;
    choice.is_incomplete = true;
    if (choice.candidates.empty()) {  // nobody else is there to be asked
        choice.candidates = std::move(slow);
        choice.is_waiting = true;
    }
    return choice;
}

bool Devices::has_answering(const DeviceChoice& choice) const {
    return std::ranges::any_of(devices_, [&](const auto& entry) {
        const Device& device = entry.second;
        return is_eligible(choice, device) && !device.is_lost && !device.is_silent;
    });
}

// --- when what is due

std::optional<Instant> Devices::answer_limit(const Device& device) const {
    if (!device.is_asked) return std::nullopt;
    const Duration limit = settings_.answer_timeout;
    return saturating_add(device.asked, device.is_slow ? limit : std::min(limit, kPatience));
}

std::optional<Instant> Devices::sample_due(const Device& device, bool is_awaited) const {
    if (!device.spec.is_measured || device.is_lost || device.is_asked) return std::nullopt;
    is_awaited = is_awaited && device.is_wanted;  // else they wait for others
    const DeviceLedger& ledger = device.ledger;
    const bool is_held = !ledger.claims().empty() || !ledger.fences().empty();
    std::optional<Duration> pause;
    if (device.is_silent) {
        if (is_held || is_awaited) pause = kUnresponsive;
    } else if (ledger.has_departed()) {
        pause = kSettling;
    } else if (is_awaited) {
        pause = kAwaited;
    } else if (device.spec.kind == DeviceKind::cpu) {
        // Its reap is the proof, and nothing there makes room for strangers.
        if (device.is_watched) pause = std::min(kInUseMax, settings_.sample_interval);
    } else if (!ledger.claims().empty()) {
        pause = device.is_at_rest() ? kAtRest : std::min(kInUseMax, settings_.sample_interval);
    } else if (!ledger.fences().empty()) {
        pause = kFenced;
    }
    if (!pause) return std::nullopt;
    return saturating_add(device.asked, *pause);
}

// --- walks

void Devices::encode(StateEncoder& encoder) const {
    for (const auto& [id, device] : devices_) {
        if (!device.spec.is_measured && device.ledger.claims().empty()) continue;
        encoder.number(id.value);
        encoder.number((device.is_lost ? 1u : 0u) | (device.is_silent ? 2u : 0u) |
                       (device.is_asked ? 4u : 0u) | (device.is_fresh ? 8u : 0u) |
                       (device.is_slow ? 16u : 0u) | (device.is_wanted ? 32u : 0u) |
                       (device.is_watched ? 64u : 0u));
        if (device.spec.is_measured) device.ledger.encode(encoder);
    }
    for (const auto& [generation, holding] : holdings_) {
        encoder.generation(generation);
        if (holding.growth) {
            const bool is_due = holding.growth->rested_at >= devices_.at(holding.device).sequence;
            encoder.number(is_due ? 1 : 2);
            encoder.number(holding.growth->level.value_or(Bytes{}).count());
        }
        const bool is_unseen = holding.over_at >= devices_.at(holding.device).sequence;
        encoder.number(holding.device.value << 32 | holding.model.value << 6 |
                       (holding.is_provisional ? 1u : 0u) | (holding.over_at ? 2u : 0u) |
                       (holding.is_untried ? 4u : 0u) | (holding.is_waiting ? 8u : 0u) |
                       (is_unseen ? 16u : 0u) | (holding.is_guessed ? 32u : 0u));
        if (holding.is_provisional) encoder.number(holding.peak.count());
        if (!holding.teaching) continue;
        encoder.number(holding.teaching->high.count() << 1 |
                       (holding.teaching->has_taught ? 1 : 0));
        encoder.number(holding.teaching->taught.count());
    }
    encoder.number(parked_.size());
    for (const auto& [generation, parked] : parked_) {
        encoder.generation(generation);
        encoder.number(parked.host.value_or(DeviceId{}).value);
        encoder.number(parked.former.count());
        encoder.number(parked.full.count());
        encoder.number(parked.weight.count());
        encoder.number(parked.least.count());
        encoder.number((parked.is_exclusive ? 1u : 0u) | (parked.is_away ? 2u : 0u));
    }
}

void Devices::check_invariants() const {
    std::size_t count = 0;
    for (const auto& [id, device] : devices_) {
        const DeviceLedger& ledger = device.ledger;
        count += ledger.claims().size() + ledger.fences().size();
        std::uint32_t waiting_runs = 0;
        int exclusive_count = 0;
        for (const auto& [generation, claim] : ledger.claims()) {
            const Holding& holding = holdings_.at(generation);
            const auto guest = parked_.find(generation);
            const bool is_guest = guest != parked_.end() && guest->second.host == id;
            WL_ASSERT(!ledger.fences().contains(generation));
            WL_ASSERT(is_guest || holding.device == id);
            exclusive_count += claim.is_exclusive ? 1 : 0;
            if (is_guest) --count;
            if (is_guest) continue;
            WL_ASSERT(!holding.is_waiting || (holding.is_untried && !holding.is_provisional));
            waiting_runs += holding.is_waiting ? 1 : 0;
        }
        WL_ASSERT(exclusive_count <= 1 && waiting_runs == device.waiting_runs);
        for (const auto& [generation, fence] : ledger.fences()) {
            WL_ASSERT(holdings_.at(generation).device == id && fence.bytes > Bytes{});
        }
    }
    WL_ASSERT(count == holdings_.size());
    check_parked();
}

}  // namespace windlass::core
