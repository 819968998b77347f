// Memory: who may load where, who waits for room, and when the bytes of the dead are free again.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "core/engine.h"
#include "core/mutant.h"

namespace windlass::core {

using base::Errc;
using enum Residency;

namespace {

// A load that ran out of memory is tried again so often before it counts as a failure: a stranger
// may have been quicker.
constexpr std::uint32_t kMemoryRetriesMax = 2;

std::string amount(const std::optional<Bytes>& bytes) {
    return bytes ? base::to_text(*bytes) : "an unknown amount";
}

// While a device is asked nobody is admitted; what was found before still explains the wait.
Shortage last_shortage(const Model& model, const std::vector<Candidate>& candidates) {
    Shortage shortage{.device = candidates.front().device, .required = {}, .available = {}};
    if (model.spec.need.kind == NeedKind::bytes) shortage.required = model.spec.need.bytes;
    if (!model.shortage) return shortage;
    const DeviceId device = model.shortage->device;
    if (std::ranges::find(candidates, device, &Candidate::device) == candidates.end())
        return shortage;
    return {.device = device,
            .required = model.shortage->required,
            .available = model.shortage->available};
}

// "the model a may run on GPU-1 and GPU-2 only, and none of them ..."
std::string no_device_text(const ModelSpec& spec) {
    constexpr std::string_view kAdvice = "`windlass devices` lists those that are";
    if (spec.devices.uuids.empty()) {
        return fmt::format(
            "no device that the model {} may use is there and answers; {}{}", spec.name, kAdvice,
            spec.devices.is_cpu ? "" : ", and with `devices = \"cpu\"` it runs on the CPU");
    }
    std::string uuids;
    for (const std::string& uuid : spec.devices.uuids) {
        uuids += (uuids.empty() ? "" : ", ") + uuid;
    }
    return fmt::format(
        "the `devices` of the model {} are {}, of which none is there and answers; {}", spec.name,
        uuids, kAdvice);
}

}  // namespace

// --- devices

void Engine::on(const DeviceFound& event, Instant now, Commands& out) {
    devices_.find(event);
    feed_starving(now, out);
    keep_all_standbys(now, out);
    arm_device_timers();
}

void Engine::on(const DeviceSampled& event, Instant now, Commands& out) {
    const Device* device = devices_.find_device(event.device);
    const bool was_silent = device != nullptr && device->is_silent;
    if (!devices_.measure(event, now, out)) return;
    deadlines_.arm({TimerKind::device_stale, event.device.value},
                   saturating_add(now, Devices::kFreshFor));
    disarm_settled();
    learn_from(event.device, out);
    shrink_copies(event.device, now, out);
    note_residues(event.device);
    note_growth(event, now, out);
    feed_starving(now, out);
    go_on_offloading(now, out);
    if (was_silent) keep_all_standbys(now, out);
    arm_device_timers();
}

void Engine::on(const DeviceSilent& event, Instant now, Commands& out) {
    if (!devices_.on_silent(event.device, event.sequence)) return;
    feed_starving(now, out);
    go_on_offloading(now, out);
    arm_device_timers();
}

// Its workers cannot go on; whoever waits for it waits for another, or for its return.
void Engine::on(const DeviceLost& event, Instant now, Commands& out) {
    const Device* device = devices_.find_device(event.device);
    if (device == nullptr || device->is_lost) return;
    devices_.lose(event.device);
    const Error error = base::fail(
        Errc::device_lost, fmt::format("the device {} is not there any more", device->spec.uuid));
    close_leases_on(event.device, error, now, out);
    for_each_replica([&](ReplicaId id, Replica& replica) {
        if (replica.device() != event.device) return;
        const Residency residency = replica.residency();
        const bool is_leaving = residency == stopping || residency == unkillable;
        if (!replica.has_process() || is_leaving) return;
        out.push_back(Report{
            EventCode::worker_poisoned, id.model, replica.generation(), {}, error, event.device});
        model_of(id.model).last_error = error;
        // No fault of a load: it is done elsewhere, or when the device is back.
        replica.stop(residency == ready ? StopCause::failure : StopCause::wanted,
                     StopStep::terminated, now, out);
    });
    go_on_offloading(now, out);
    for (const Model& model : models_) advance(model.id, now, out);
    arm_device_timers();
}

// What a run is told that its worker's end cut off: the loss of its device says more than the end.
Error Engine::explain_cut(const Replica& replica, Error error) const {
    const Device* device = devices_.find_device(replica.device());
    if (device == nullptr || !device->is_lost) return error;
    return base::fail(Errc::device_lost,
                      fmt::format("the device {} was lost in the middle of the run; `windlass "
                                  "devices` tells more",
                                  device->spec.uuid));
}

void Engine::on_device_timer(TimerKey key, Instant now, Commands& out) {
    const DeviceId id{key.id};
    if (key.kind == TimerKind::device_answer && devices_.lose_patience(id, now)) {
        feed_starving(now, out);  // what answers is good enough
    } else if (key.kind == TimerKind::device_answer) {
        return on(DeviceSilent{id, devices_.device(id).sequence}, now, out);
    }
    if (key.kind == TimerKind::device_sample) devices_.ask(id, now, out);
    if (key.kind == TimerKind::device_stale) devices_.expire(id);
    arm_device_timers();
}

void Engine::arm_device_timers() {
    const bool is_over = is_finished();
    for (const auto& [id, device] : devices_.all()) {
        const bool is_awaited = !starving_.empty() || !waiting_leases_.empty();
        const auto sample = devices_.sample_due(device, is_awaited);
        deadlines_.set({TimerKind::device_sample, id.value}, is_over ? std::nullopt : sample);
        deadlines_.set({TimerKind::device_answer, id.value}, devices_.answer_limit(device));
        if (!device.is_fresh) deadlines_.disarm({TimerKind::device_stale, id.value});
    }
}

// --- a place for one more copy

std::optional<Placed> Engine::admit(Model& model, Instant now, Commands& out) {
    Devices::Choice choice = devices_.candidates(model.spec.devices, model.spec.need, now, out);
    for (Candidate& candidate : choice.candidates) {
        candidate.copy_count = model.count_copies_on(candidate.device);
        note_promised(model, candidate);
    }
    add_learned(model, choice.candidates);
    Shortage shortage{.required = {}, .available = {}};
    // Its need is not known, and the first try has shown that what was free is not enough.
    const auto tried = std::ranges::find(choice.candidates, model.overfull, &Candidate::device);
    const bool clears = model.memory_retries > 0 && tried != choice.candidates.end() &&
                        known_need(model.spec.need, *tried).kind == NeedKind::unknown;
    if (!choice.is_waiting && clears) {
        const Place again{.candidate = *tried, .need = model.spec.need};
        if (make_room(model, {&again, 1}, now, out)) {
            shortage.device = model.overfull;
            shortage.available = devices_.device(model.overfull).ledger.free();
            starve(model, shortage, now, out);
            return std::nullopt;
        }
        forgo_room(model);
    }
    if (!choice.is_waiting) {
        const Placement placement = place(model.spec.need, choice.candidates, devices_.policy());
        if (const auto* placed = std::get_if<Placed>(&placement)) return *placed;
        shortage = std::get<Shortage>(placement);
    } else if (!choice.candidates.empty()) {
        shortage = last_shortage(model, choice.candidates);
    }
    shortage.is_for_ever = shortage.is_for_ever && !choice.is_incomplete;
    shortage.is_unknown = shortage.is_unknown && !choice.is_waiting && !choice.is_incomplete;
    starve(model, shortage, now, out);
    if (!model.shortage || choice.is_waiting) return std::nullopt;
    make_room(model, places_for(model, choice.candidates, now, out), now, out);
    if (!is_doubted(model, now)) return std::nullopt;
    for (Candidate& candidate : choice.candidates) candidate.learned.reset();
    const Placement placement = place(model.spec.need, choice.candidates, devices_.policy());
    const auto* placed = std::get_if<Placed>(&placement);
    return placed == nullptr ? std::nullopt : std::optional{*placed};
}

// It waits for memory; or is refused where waiting cannot help.
void Engine::starve(Model& model, const Shortage& shortage, Instant now, Commands& out) {
    const bool is_new = !model.shortage.has_value();
    model.shortage = shortage;
    if (is_new) {
        model.starving_place = ++last_starving_place_;
        model.starved_since = now;
        starving_.emplace(model.starving_place, model.id);
        out.push_back(Report{.code = EventCode::model_memory_awaited,
                             .model = model.id,
                             .generation = {},
                             .request = {},
                             .error = {},
                             .device = shortage.device,
                             .bytes = shortage.required});
    }
    const bool is_hopeless = shortage.is_for_ever || shortage.is_unknown;
    if (!is_hopeless || model.foremost().residency() != cold) return;
    refuse_waiting(model.id, memory_error(model), out);
    // Jobs outlive a device that is not there, and a configuration that is mended.
    if (!model.is_job_waiting()) end_starving(model);
}

void Engine::end_starving(Model& model) {
    if (!model.shortage) return;
    model.shortage.reset();
    if (model.promise && starving_.size() > 1) may_make_room_ = true;
    forgo_room(model);
    starving_.erase(model.starving_place);
}

// Something may fit now. In the order in which they began to wait.
void Engine::feed_starving(Instant now, Commands& out) {
    const std::map<std::uint64_t, ModelId> starving = starving_;
    std::uint64_t from = 0;
    for (const auto& [place, id] : starving) {
        try_leases(std::exchange(from, place), place, now, out);
        advance(id, now, out);
    }
    try_leases(from, last_starving_place_ + 1, now, out);
}

// What a wait for memory that ends is answered with.
Error Engine::memory_error(const Model& model) const {
    WL_ASSERT(model.shortage.has_value());
    const Shortage& shortage = *model.shortage;
    const Device* device = devices_.find_device(shortage.device);
    const std::string uuid = device == nullptr ? "none" : device->spec.uuid;
    if (device == nullptr || short_reason(model) == WaitReason::device) {
        Error error = base::fail(Errc::unavailable, no_device_text(model.spec));
        error.reason = "device";
        return error;
    }
    if (shortage.is_for_run) {
        Error error = base::fail(
            Errc::timeout,
            fmt::format("the model {} is loaded on the device {}, and its first run waited until "
                        "nothing else loads there, because nobody knows what it needs; say its "
                        "`need`, or give more time",
                        model.spec.name, uuid));
        error.memory = base::MemoryShortage{.device = uuid,
                                            .required = {},
                                            .available = shortage.available,
                                            .holders = holders_on(*device)};
        return error;
    }
    base::MemoryShortage facts{.device = uuid,
                               .required = shortage.required,
                               .available = shortage.available,
                               .holders = holders_on(*device)};
    const Bytes idle_able = held_by_models(*device);
    const bool is_own = !shortage.is_for_ever && !shortage.is_unknown && idle_able > Bytes{} &&
                        (!shortage.required || !shortage.available ||
                         *shortage.available + idle_able >= *shortage.required);
    Error error = base::fail(
        is_own ? Errc::timeout : Errc::unavailable,
        shortage.is_unknown
            ? fmt::format("the device {} does not say how full it is, and the model {} needs "
                          "memory there; set `on_unknown_memory = \"allow\"` in [devices] to start "
                          "it all the same",
                          uuid, model.spec.name)
            : fmt::format("the model {} needs {} memory on the device {}, where {} is free{}; "
                          "free memory there, lower `need`, or allow other `devices`",
                          model.spec.name,
                          shortage.required ? base::to_text(*shortage.required) + " of" : "more",
                          uuid, amount(shortage.available),
                          shortage.is_for_ever ? "; it can never fit" : ""));
    if (!is_own) {
        error.reason = shortage.is_unknown ? "memory_unknown" : "memory";
        if (!shortage.is_for_ever) error.retry_after = std::chrono::seconds{1};
    }
    error.memory = std::move(facts);
    return error;
}

// What our own replicas hold is theirs by right; all else is out of our hands.
Bytes Engine::held_by_models(const Device& device) const {
    Bytes held;
    for (const auto& [generation, claim] : device.ledger.claims()) {
        if (claim.is_lease || claim.stage == ClaimStage::departed) continue;
        const Model& holder = model_of(devices_.holdings().at(generation).model);
        if (!holder.unkillable.contains(generation)) held = held + claim.bytes;
    }
    return held;
}

std::vector<base::MemoryHolder> Engine::holders_on(const Device& device) const {
    std::vector<base::MemoryHolder> holders;
    const auto name_of = [&](Generation generation) {
        const ModelId model = devices_.holdings().at(generation).model;
        return model ? model_of(model).spec.name : "";
    };
    for (const auto& [generation, claim] : device.ledger.claims()) {
        const bool is_gone = claim.stage == ClaimStage::departed;
        const char* const kind = claim.is_lease ? "lease" : "model";
        holders.push_back({is_gone ? "returning" : kind, name_of(generation), generation.value,
                           std::max(claim.bytes, claim.measured.value_or(Bytes{}))});
    }
    for (const auto& [generation, fence] : device.ledger.fences()) {
        holders.push_back({"fenced", name_of(generation), generation.value, fence.bytes});
    }
    const Bytes foreign = device.ledger.foreign().value_or(Bytes{});
    if (foreign > Bytes{}) holders.push_back({"foreign", {}, 0, foreign});
    return holders;
}

// --- the end of a claim

// Its exit was seen; the bytes are free once the driver shows it.
void Engine::depart(Generation generation, Instant now, Commands& out) {
    const bool is_proved = devices_.depart(generation, now, out);
    if (!is_proved) {
        deadlines_.arm({TimerKind::settle, generation.value}, devices_.settle_limit(now));
    }
    arm_device_timers();
}

void Engine::on_settle_limit(Generation generation, Instant now, Commands& out) {
    devices_.fence(generation, now, out);
    feed_starving(now, out);
    arm_device_timers();
}

// Those that were proved need their deadline no more.
void Engine::disarm_settled() {
    std::vector<TimerKey> done;
    const auto& entries = deadlines_.entries();
    for (auto entry = entries.lower_bound({TimerKind::settle});
         entry != entries.end() && entry->first.kind == TimerKind::settle; ++entry) {
        if (!devices_.is_departed(Generation{entry->first.id})) done.push_back(entry->first);
    }
    for (const TimerKey key : done) deadlines_.disarm(key);
}

// A stranger has grown into what was claimed: idle surplus copies of `copies = "auto"` make room.
void Engine::shrink_copies(DeviceId id, Instant now, Commands& out) {
    const DeviceLedger& ledger = devices_.device(id).ledger;
    Bytes missing = ledger.deficit();
    std::vector<std::pair<ReplicaId, Bytes>> idle;
    if (missing == Bytes{}) return;
    for (const auto& [generation, claim] : ledger.claims()) {
        const Replica* replica = find_generation(generation);
        const bool is_used =
            replica != nullptr && !replica->leases().empty() && !mutant(Mutant::shrinks_the_busy);
        if (replica == nullptr || replica->residency() != ready || is_used) continue;
        idle.emplace_back(generations_.at(generation), claim.bytes);
    }
    for (const auto& [replica, bytes] : idle) {
        const Model& model = model_of(replica.model);
        if (missing == Bytes{} || !model.spec.copies.is_auto || model.count_live() < 2) continue;
        replica_of(replica).stop(StopCause::wanted, StopStep::asked, now, out);
        missing = missing > bytes ? missing - bytes : Bytes{};
        advance(replica.model, now, out);
    }
}

// --- the first run of a replica whose need is not known

// In which replica the first in the queue may run now: rather than to wait behind others at `place`
// it makes a first run.
Replica* Engine::begin_first_run(Model& model, Replica* place, Instant now, Commands& out) {
    if (place != nullptr && place->leases().empty()) return place;
    for (Replica& replica : model.replicas) {
        if (!replica.is_first_run_due()) continue;
        const bool may_begin = devices_.begin_first_run(replica.generation(), now, out);
        arm_device_timers();
        if (!may_begin) continue;
        // Where nobody knows what is free it claims nothing more, and has kept others out till now.
        const bool keeps_out = devices_.holdings().at(replica.generation()).is_provisional;
        if (!keeps_out && !starving_.empty()) may_make_room_ = true;
        return &replica;
    }
    return place;
}

// Those that nobody wants any more wait no more. Returns the device of one that does.
std::optional<DeviceId> Engine::forgo_first_runs(const Model& model) {
    std::optional<DeviceId> waiting;
    for (const Replica& replica : model.replicas) {
        if (!replica.is_untried() || !replica.has_process()) continue;
        const bool is_wanted =
            replica.is_first_run_due() && !model.is_paused && !model.queue.empty();
        if (!is_wanted) devices_.forgo_first_run(replica.generation());
        if (devices_.holdings().at(replica.generation()).is_waiting) waiting = replica.device();
    }
    return waiting;
}

// A stranger took the memory between admission and load. True: the load is tried again when there
// is room, and nobody is told.
bool Engine::retry_load(ReplicaId id, const Error& error, Instant now, Commands& out) {
    Model& model = model_of(id.model);
    Replica& replica = replica_of(id);
    const Device& device = devices_.device(replica.device());
    if (error.code != Errc::out_of_memory || !device.spec.is_measured) return false;
    // Who claimed nothing was not let in by memory, and waiting for some would change nothing.
    const Claim& claim = device.ledger.claims().at(replica.generation());
    if (device.spec.kind == DeviceKind::cpu && claim.bytes == Bytes{}) return false;
    if (model.memory_retries >= kMemoryRetriesMax) {
        model.memory_retries = 0;
        return false;
    }
    ++model.memory_retries;
    model.overfull = replica.device();
    if (!mutant(Mutant::oom_changes_nothing)) devices_.expire(replica.device());
    out.push_back(Report{EventCode::model_load_retried, id.model, replica.generation(), {}, error});
    replica.stop(StopCause::wanted, StopStep::asked, now, out);
    arm_device_timers();
    return true;
}

}  // namespace windlass::core
