// Idle models: after a time their weights leave the device for the host's memory, and come back
// when somebody asks; after a longer one the process goes. Nothing here touches a replica that
// holds a lease, and no run is sent to one whose weights move: only `ready` takes runs.
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

// So often an offload is tried; then the process goes instead.
constexpr std::uint32_t kOffloadTriesMax = 3;
// So often a restore that ran out of memory is tried again: a stranger may have been quicker.
constexpr std::uint32_t kRestoreRetriesMax = 2;

}  // namespace

// --- when nobody uses it

bool Engine::can_offload(const Replica& replica) const {
    // What its first run needs is not known yet; that comes first.
    return replica.can_offload() && !replica.is_untried() &&
           devices_.device(replica.device()).spec.kind == DeviceKind::gpu;
}

// Zero is at once; anything else is left to its timer, which comes after all that was heard.
void Engine::settle_idle(ReplicaId id, Instant now, Commands& out) {
    const Model& model = model_of(id.model);
    Replica& replica = replica_of(id);
    const Residency residency = replica.residency();
    const bool may_rest = residency == ready || residency == offloading || residency == offloaded;
    const bool is_used =
        !replica.leases().empty() || !model.queue.empty() || !model.delayed.empty();
    if (may_rest && !is_used) {
        if (!starving_.empty()) may_make_room_ = true;
        replica.note_idle(now);
        const bool is_moving = residency == offloading;
        if (!is_moving && model.spec.unload_after == Duration{0}) {
            replica.stop(StopCause::wanted, StopStep::asked, now, out);
        } else if (residency == ready && model.spec.offload_after == Duration{0} &&
                   can_offload(replica) && replica.failed_offloads() == 0) {
            begin_offload(id, now, out);
        }
    } else if (!mutant(Mutant::idle_clock_runs_on)) {
        replica.forget_idle();
    }
    if (replica.residency() == ready && model.offload_wanted > 0) grant_offload(id, now, out);
    arm_idle_timers(id);
}

void Engine::arm_idle_timers(ReplicaId id) {
    const ModelSpec& spec = model_of(id.model).spec;
    const Replica& replica = replica_of(id);
    const Residency residency = replica.residency();
    std::optional<Instant> offload_at;
    std::optional<Instant> unload_at;
    const auto since = replica.idle_since();
    if (since && spec.unload_after && (residency == ready || residency == offloaded)) {
        unload_at = saturating_add(*since, *spec.unload_after);
    }
    if (since && spec.offload_after && residency == ready && can_offload(replica) &&
        !replica.awaits_room()) {
        offload_at =
            std::max(saturating_add(*since, *spec.offload_after), replica.offload_retry_at());
    }
    if (unload_at && offload_at && *unload_at <= *offload_at) offload_at.reset();
    deadlines_.set({TimerKind::offload, id.model.value, id.copy}, offload_at);
    deadlines_.set({TimerKind::idle, id.model.value, id.copy}, unload_at);
}

void Engine::on_idle_timer(TimerKey key, Instant now, Commands& out) {
    const ReplicaId id{ModelId{key.id}, key.copy};
    Replica& replica = replica_of(id);
    const auto unload_at = deadlines_.find({TimerKind::idle, key.id, key.copy});
    const bool is_over = unload_at && *unload_at <= now;
    const bool may_try = replica.failed_offloads() < kOffloadTriesMax;
    if (key.kind == TimerKind::offload && may_try && !is_over) {
        begin_offload(id, now, out);
    } else {
        replica.stop(StopCause::wanted, StopStep::asked, now, out);
    }
    advance(id.model, now, out);
}

// --- off the device

// Where the host has no room, the process goes instead; not for an administrator's wish alone.
void Engine::begin_offload(ReplicaId id, Instant now, Commands& out) {
    const Model& model = model_of(id.model);
    Replica& replica = replica_of(id);
    const Devices::Parking parking =
        devices_.park(replica.generation(), promised_on_hosts(), now, out);
    replica.await_room(parking == Devices::Parking::asking);
    if (parking == Devices::Parking::asking) return arm_device_timers();
    if (parking == Devices::Parking::taken) return replica.offload(now, out);
    const bool is_wished = model.offload_wanted > 0;
    fail_offload(
        id,
        base::fail(Errc::host_out_of_memory,
                   fmt::format("the machine's memory has no room for the weights of the "
                               "model {}{}; free memory, or set `offload_after = "
                               "\"never\"` to keep it on its device",
                               model.spec.name, is_wished ? "" : ", which is unloaded instead")),
        out);
    if (!is_wished) replica.stop(StopCause::wanted, StopStep::asked, now, out);
}

// The host has said how full it is, or will not.
void Engine::go_on_offloading(Instant now, Commands& out) {
    std::vector<ReplicaId> waiting;
    for_each_replica([&](ReplicaId id, const Replica& replica) {
        if (replica.awaits_room()) waiting.push_back(id);
    });
    for (const ReplicaId id : waiting) {
        const Model& model = model_of(id.model);
        Replica& replica = replica_of(id);
        const bool is_free = replica.residency() == ready && replica.leases().empty();
        const auto& after = model.spec.offload_after;
        const bool is_due =
            replica.idle_since() && after && saturating_add(*replica.idle_since(), *after) <= now;
        // Whoever wished it may have gone meanwhile.
        const bool is_wanted = is_due || model.offload_wanted > 0;
        if (!is_free || !is_wanted) {
            replica.await_room(false);
        } else if (replica.awaits_room()) {
            begin_offload(id, now, out);
        }
        advance(id.model, now, out);
    }
}

// An administrator's wish waits until nobody uses it.
void Engine::grant_offload(ReplicaId id, Instant now, Commands& out) {
    const Model& model = model_of(id.model);
    const Replica& replica = replica_of(id);
    const bool is_asked_for = !model.is_paused && !model.queue.empty();
    if (!replica.leases().empty() || is_asked_for || model.load_wanted > 0) return;
    if (can_offload(replica)) return begin_offload(id, now, out);
    const bool is_on_cpu = devices_.device(replica.device()).spec.kind == DeviceKind::cpu;
    const char* why = is_on_cpu ? "it runs on the CPU, where there is no device to take them from"
                      : replica.can_offload() ? "it has not run yet, and nobody knows what it needs"
                                              : "its class has no `offload` and `restore`";
    refuse_offloads(id.model,
                    base::fail(Errc::unsupported,
                               fmt::format("the weights of the model {} stay where they are: {}; "
                                           "unload it to free its memory",
                                           model.spec.name, why)),
                    out);
}

void Engine::refuse_offloads(ModelId id, const Error& error, Commands& out) {
    const std::set<RequestId> admins = model_of(id).admins;
    for (const RequestId request : admins) {
        if (admins_.at(request).goal == AdminGoal::offloaded) refuse(request, error, out);
    }
}

void Engine::fail_offload(ReplicaId id, const Error& error, Commands& out) {
    model_of(id.model).last_error = error;
    out.push_back(
        Report{EventCode::model_offload_failed, id.model, replica_of(id).generation(), {}, error});
    refuse_offloads(id.model, error, out);
}

void Engine::on(const WorkerOffloaded& event, Instant now, Commands& out) {
    Replica* replica = find_generation(event.generation);
    if (replica == nullptr || replica->residency() != offloading) return;
    replica->on_offloaded(out);
    devices_.on_away(event.generation, now, out);
    arm_device_timers();
    advance(replica->model(), now, out);
    feed_starving(now, out);  // first runs wait while anything moves on the device
}

void Engine::on(const OffloadFailed& event, Instant now, Commands& out) {
    Replica* replica = find_generation(event.generation);
    if (replica == nullptr || replica->residency() != offloading) return;
    const ReplicaId id = generations_.at(event.generation);
    if (event.error.code == Errc::context_lost || event.error.code == Errc::device_lost) {
        fail_offload(id, event.error, out);
        out.push_back(
            Report{EventCode::worker_poisoned, id.model, event.generation, {}, event.error});
        replica->stop(StopCause::failure, StopStep::asked, now, out);
        return advance(id.model, now, out);
    }
    const ModelSpec& spec = model_of(id.model).spec;
    const std::uint32_t failed = replica->failed_offloads();
    const bool is_last = failed + 1 >= kOffloadTriesMax;
    const Duration pause =
        is_last ? Duration{0} : std::min(spec.backoff * (1 << failed), spec.backoff_max);
    replica->on_offload_failed(saturating_add(now, pause), now, out);
    devices_.on_returned(event.generation, now, out);  // it never was away
    note_rest(*replica);
    fail_offload(id, event.error, out);
    arm_device_timers();
    advance(id.model, now, out);
    feed_starving(now, out);
}

// --- and back

// The first whose bytes are free again. False: none; then the model waits for memory.
bool Engine::restore_copy(Model& model, Instant now, Commands& out) {
    const std::vector<std::uint32_t> copies = model.offloaded_copies();
    std::optional<Shortage> shortage;
    for (const std::uint32_t copy : copies) {
        Replica& replica = model.replicas[copy];
        const Bytes promised = promised_to_others(model, replica.device());
        shortage = devices_.claim_return(replica.generation(), promised, now, out);
        if (shortage) continue;
        replica.restore(now, out);
        arm_device_timers();
        return true;
    }
    starve(model, *shortage, now, out);
    return false;
}

// Others have taken its place on its device: a new process goes where there is room for it, or
// somebody makes room here. Where its need is a guess, or was not enough, that may be what is
// wrong.
void Engine::seek_place(Model& model, Instant now, Commands& out) {
    Replica& replica = model.replicas[model.offloaded_copies().back()];
    const Device& here = devices_.device(replica.device());
    const bool may_go = may_restart(model) && devices_.is_return_judged(replica.generation());
    // What keeps it away may be over soon.
    const bool is_passing =
        here.waiting_runs > 0 || here.ledger.is_loading() || here.ledger.has_departed();
    const bool is_taken = !is_passing || now >= patience_end(model);
    if (may_go && is_taken) {
        const std::optional<bool> fits = fits_elsewhere(model, replica, now, out);
        if (!fits) return;  // until the others have answered
        if (*fits) return replica.stop(StopCause::wanted, StopStep::asked, now, out);
    }
    if (make_room(model, places_for(model, {}, now, out), now, out)) return;
    const bool is_guess =
        model.spec.need.kind == NeedKind::unknown || replica.failed_restores() > 0;
    if (may_go && is_taken && is_guess && here.is_answering() && is_doubted(model, now)) {
        replica.stop(StopCause::wanted, StopStep::asked, now, out);
    }
}

// It may lose a process whose weights are away: another one can be started, and somebody waits.
bool Engine::may_restart(const Model& model) const {
    const bool is_leaving = std::ranges::any_of(model.replicas, [](const Replica& replica) {
        return replica.residency() == stopping || replica.residency() == draining;
    });
    return may_evict(model) && model.may_launch() && !is_leaving &&
           model.unkillable.size() < Model::kUnkillableMax;
}

// Empty: devices are being asked.
std::optional<bool> Engine::fits_elsewhere(const Model& model, const Replica& replica, Instant now,
                                           Commands& out) {
    const Need& need = model.spec.need;
    Devices::Choice choice = devices_.candidates(model.spec.devices, need, now, out);
    if (choice.is_waiting) return std::nullopt;
    std::erase_if(choice.candidates,
                  [&](const Candidate& c) { return c.device == replica.device(); });
    for (Candidate& candidate : choice.candidates) {
        note_promised(model, candidate);
    }
    add_learned(model, choice.candidates);
    const auto fits = [&](const Need& wanted) {
        const Placement placement = place(wanted, choice.candidates, devices_.policy());
        return std::holds_alternative<Placed>(placement);
    };
    // What is learned of others may be less than what this one is known to need, or more.
    const Parked& parked = devices_.parked().at(replica.generation());
    const bool is_constant = need.kind == NeedKind::unknown || need.kind == NeedKind::bytes;
    return fits(need) && (!is_constant || fits({.kind = NeedKind::bytes, .bytes = parked.least}));
}

void Engine::on(const WorkerRestored& event, Instant now, Commands& out) {
    Replica* replica = find_generation(event.generation);
    if (replica == nullptr || replica->residency() != restoring) return;
    replica->on_restored(now, out);
    Model& model = model_of(replica->model());
    model.restore_cost =
        std::min(now - replica->loading_since(), model.spec.limits.restore_timeout);
    devices_.on_returned(event.generation, now, out);
    note_rest(*replica);
    arm_device_timers();
    advance(replica->model(), now, out);
    feed_starving(now, out);
}

// Whoever waits is told nothing: out of memory, it is tried again when there is room; after any
// other failure a new process takes its place.
void Engine::on(const RestoreFailed& event, Instant now, Commands& out) {
    Replica* replica = find_generation(event.generation);
    if (replica == nullptr || replica->residency() != restoring) return;
    const ReplicaId id = generations_.at(event.generation);
    model_of(id.model).last_error = event.error;
    out.push_back(
        Report{EventCode::model_restore_failed, id.model, event.generation, {}, event.error});
    if (!retry_restore(id, event.error, now, out)) {
        replica->stop(StopCause::wanted, StopStep::asked, now, out);
    }
    advance(id.model, now, out);
}

bool Engine::retry_restore(ReplicaId id, const Error& error, Instant now, Commands& out) {
    Replica& replica = replica_of(id);
    const bool is_measured = devices_.device(replica.device()).spec.is_measured;
    if (error.code != Errc::out_of_memory || !is_measured) return false;
    devices_.expire(replica.device());  // it told wrong, or somebody was quicker
    arm_device_timers();
    if (replica.failed_restores() >= kRestoreRetriesMax) return false;
    replica.on_restore_failed(out);
    devices_.on_return_failed(replica.generation(), now, out);
    arm_device_timers();
    return true;
}

// --- too slow

void Engine::on_move_limit(ReplicaId id, Instant now, Commands& out) {
    Model& model = model_of(id.model);
    Replica& replica = replica_of(id);
    const bool is_offload = replica.residency() == offloading;
    const ReplicaLimits& limits = model.spec.limits;
    const Error error = base::fail(
        Errc::timeout,
        fmt::format("the model {} was not {} within its {} of {}; its worker is ended",
                    model.spec.name, is_offload ? "offloaded" : "restored",
                    is_offload ? "offload_timeout" : "restore_timeout",
                    base::to_text(is_offload ? limits.offload_timeout : limits.restore_timeout)));
    if (is_offload) {
        fail_offload(id, error, out);
    } else {
        model.last_error = error;
        out.push_back(
            Report{EventCode::model_restore_failed, id.model, replica.generation(), {}, error});
    }
    replica.stop(StopCause::failure, StopStep::terminated, now, out);
    advance(id.model, now, out);
}

}  // namespace windlass::core
