// Clients, time and shutdown; and advance(), the one place that moves a model on.
#include "core/engine.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/assert.h"
#include "core/mutant.h"

namespace windlass::core {

using base::Errc;
using namespace std::chrono_literals;
using enum Residency;

Engine::Engine(std::vector<ModelSpec> specs, DeviceSettings devices)
    : devices_(std::move(devices)) {
    models_.reserve(specs.size());
    for (ModelSpec& spec : specs) add_model(std::move(spec));
}

void Engine::handle(const Event& event, Instant now, Commands& out) {
    std::visit([&](const auto& happened) { on(happened, now, out); }, event);
    if (!may_make_room_) return;
    feed_starving(now, out);
    may_make_room_ = false;  // who waits for longer does not gain by what the others got
}

Model& Engine::model_of(ModelId id) {
    WL_ASSERT(id.value >= 1 && id.value <= models_.size());
    return models_[id.value - 1];
}

const Model& Engine::model_of(ModelId id) const {
    WL_ASSERT(id.value >= 1 && id.value <= models_.size());
    return models_[id.value - 1];
}

Replica& Engine::replica_of(ReplicaId id) {
    Model& model = model_of(id.model);
    if (!id.is_standby()) return model.replicas.at(id.copy);
    return model.standbys.at(id.copy - ReplicaId::kFirstStandby);
}

const Replica& Engine::replica_of(ReplicaId id) const {
    const Model& model = model_of(id.model);
    if (!id.is_standby()) return model.replicas.at(id.copy);
    return model.standbys.at(id.copy - ReplicaId::kFirstStandby);
}

// --- clients

void Engine::on(const CallArrived& event, Instant now, Commands& out) {
    Model& model = model_of(event.model);
    const bool is_new =
        calls_
            .try_emplace(event.request, Call{.model = event.model,
                                             .priority = event.priority,
                                             .is_idempotent = model.spec.idempotent,
                                             .arrived = now,
                                             .deadline = saturating_add(now, event.timeout)})
            .second;
    WL_ASSERT(is_new);
    if (is_closing(model)) return refuse(event.request, closing_error(model), out);
    if (model.queue.places().size() + model.delayed.size() >= model.spec.queue_limit) {
        Error error = base::fail(
            Errc::queue_full,
            fmt::format(
                "{} requests wait for the model {} already, which is its queue_limit; try again "
                "later or raise queue_limit",
                model.spec.queue_limit, model.spec.name));
        error.retry_after = 1s;
        return refuse(event.request, std::move(error), out);
    }
    model.queue.push({event.priority, event.request});
    deadlines_.arm({TimerKind::call_deadline, event.request.value},
                   saturating_add(now, event.timeout));
    if (event.wait < event.timeout) {
        deadlines_.arm({TimerKind::wait_deadline, event.request.value},
                       saturating_add(now, event.wait));
    }
    if (model.is_resting() && refuse_if_hopeless(event.request, now, out)) return;
    advance(event.model, now, out);
}

void Engine::on(const ClientGone& event, Instant now, Commands& out) {
    withdraw(event.request, base::fail(Errc::cancelled, "the client went away before its answer"),
             now, out);
}

// --- time

void Engine::on(const TimePassed&, Instant now, Commands& out) {
    while (const auto key = deadlines_.take_due(now)) on_timer(*key, now, out);
}

void Engine::on_timer(TimerKey key, Instant now, Commands& out) {
    const RequestId request{key.id};
    const ReplicaId id{ModelId{key.id}, key.copy};
    switch (key.kind) {
        case TimerKind::call_deadline:
        case TimerKind::wait_deadline:
            return withdraw(request, timeout_error(request, key.kind), now, out);
        case TimerKind::retry: return on_retry_due(request, now, out);
        case TimerKind::lease_end: return end_lease_time(request, now, out);
        case TimerKind::claim_limit: return on_claim_limit(request, now, out);
        case TimerKind::job_deadline: return on_job_deadline(request, now, out);
        case TimerKind::job_grace: return on_job_grace(request, now, out);
        case TimerKind::store_pause: return on_store_pause(now, out);
        case TimerKind::run_limit: return on_run_limit(request, now, out);
        case TimerKind::begin_limit: return on_begin_limit(id, now, out);
        case TimerKind::replica_step: return on_replica_step(id, now, out);
        case TimerKind::offload:
        case TimerKind::idle: return on_idle_timer(key, now, out);
        case TimerKind::device_answer:
        case TimerKind::device_sample:
        case TimerKind::device_stale: return on_device_timer(key, now, out);
        case TimerKind::standby:
        case TimerKind::room: return advance(ModelId{key.id}, now, out);
        case TimerKind::settle: return on_settle_limit(Generation{key.id}, now, out);
        case TimerKind::shutdown_cancel:
        case TimerKind::shutdown_term:
        case TimerKind::shutdown_kill: return on_shutdown_step(key.kind, now, out);
    }
}

void Engine::on_replica_step(ReplicaId id, Instant now, Commands& out) {
    Replica& replica = replica_of(id);
    if (replica.residency() == standby) return on_standby_limit(id, now, out);
    if (replica.residency() == loading) {
        const ModelSpec& spec = model_of(id.model).spec;
        const bool was_heard = replica.said_hello();
        fail_load(
            id,
            base::fail(Errc::timeout,
                       was_heard
                           ? fmt::format("the model {} did not load within its load_timeout of {}",
                                         spec.name, base::to_text(spec.limits.load_timeout))
                           : fmt::format("the process of the model {} did not come up within "
                                         "its start_timeout of {}",
                                         spec.name, base::to_text(spec.limits.start_timeout))),
            now, out);
        replica.stop(StopCause::failure, StopStep::terminated, now, out);
        return advance(id.model, now, out);
    }
    if (replica.residency() == offloading || replica.residency() == restoring) {
        return on_move_limit(id, now, out);
    }
    const bool failed = replica.will_back_off();
    replica.step_due(now, out);
    const bool is_stuck = replica.residency() == unkillable;
    if (is_stuck) set_aside(id, failed, now, out);
    advance(id.model, now, out);
    if (is_stuck) feed_starving(now, out);  // its load held them up
}

// A process that does not die holds nothing else up: a new replica takes its place.
void Engine::set_aside(ReplicaId id, bool failed, Instant now, Commands& out) {
    Model& model = model_of(id.model);
    Replica& replica = replica_of(id);
    const JobId culprit = sole_job(replica);
    lose_leases(id,
                base::fail(Errc::worker_lost,
                           fmt::format("the process of the model {} did not die after SIGKILL",
                                       model.spec.name)),
                out);
    model.unkillable.insert(replica.generation());
    if (replica.device()) {
        devices_.stop_teaching(replica.generation());
        devices_.abandon(replica.generation(), now, out);
        arm_device_timers();
    }
    const Duration pause = failed ? count_failure(id, culprit, now, out) : Duration{};
    replica = Replica{id.model};
    if (!failed) return;
    replica.start_in_backoff(saturating_add(now, pause), out);
    refuse_hopeless(id.model, now, out);
}

void Engine::on(const LoopDelayed& event, Instant now, Commands&) {
    for_each_replica([&](ReplicaId id, Replica& replica) {
        replica.forgive(event.by, now);
        for (const auto& [request, lease] : replica.leases()) arm_run_limit(id, request);
        arm_replica_timers(id);
    });
}

// --- the end

void Engine::on(const ShutdownAsked& event, Instant now, Commands& out) {
    if (shutting_down_) return;
    shutting_down_ = true;
    deadlines_.arm({TimerKind::shutdown_cancel}, saturating_add(now, event.grace * 3 / 5));
    deadlines_.arm({TimerKind::shutdown_term}, saturating_add(now, event.grace * 4 / 5));
    deadlines_.arm({TimerKind::shutdown_kill}, saturating_add(now, event.grace));
    for (std::uint64_t number = 1; number <= models_.size(); ++number) {
        refuse_waiting(ModelId{number}, closing_error(model_of(ModelId{number})), out);
        drop_heads(model_of(ModelId{number}));
        advance(ModelId{number}, now, out);
    }
    close_all_leases(now, out);
}

void Engine::on(const ShutdownForced&, Instant now, Commands& out) {
    on(ShutdownAsked{Duration{0}}, now, out);
    for (const TimerKind kind :
         {TimerKind::shutdown_cancel, TimerKind::shutdown_term, TimerKind::shutdown_kill}) {
        deadlines_.disarm({kind});
    }
    on_shutdown_step(TimerKind::shutdown_kill, now, out);
}

void Engine::on_shutdown_step(TimerKind kind, Instant now, Commands& out) {
    const StopStep step =
        kind == TimerKind::shutdown_kill ? StopStep::killed : StopStep::terminated;
    for_each_replica([&](ReplicaId id, Replica& replica) {
        if (kind == TimerKind::shutdown_cancel) {
            for (const auto& [request, lease] : replica.leases()) replica.cancel(request, out);
        } else if (replica.residency() == draining) {
            replica.stop(StopCause::wanted, step, now, out);
        } else {
            replica.escalate(step, now, out);
        }
        arm_replica_timers(id);
    });
}

// --- moving on

void Engine::advance(ModelId id, Instant now, Commands& out) {
    Model& model = model_of(id);
    model.breaker.forget(model.spec.breaker, now);
    const auto copy_count = static_cast<std::uint32_t>(model.replicas.size());
    for (std::uint32_t copy = 0; copy < copy_count; ++copy) move_along({id, copy}, now, out);
    settle_admins(id, out);
    fetch_heads(model, out);
    dispatch(id, now, out);
    launch_wanted(id, now, out);
    keep_standbys(model, now, out);
    for (std::uint32_t copy = 0; copy < model.replicas.size(); ++copy) {
        settle_idle({id, copy}, now, out);
        arm_replica_timers({id, copy});
    }
    while (model.replicas.size() > 1 && model.replicas.back().residency() == cold) {
        model.replicas.pop_back();
    }
}

// What must go, goes.
void Engine::move_along(ReplicaId id, Instant now, Commands& out) {
    const Model& model = model_of(id.model);
    Replica& replica = replica_of(id);
    const bool is_unwanted = model.unload_wanted > 0 || is_closing(model) ||
                             (replica.has_process() && model.is_retired(replica)) ||
                             id.copy >= model.spec.copies.count_max;
    const bool is_recycled = !is_unwanted && is_worn_out(replica);
    if (is_recycled) report_recycled(replica, {}, out);
    const bool must_go = is_unwanted || is_recycled;
    if (replica.residency() == backoff && model.load_wanted > 0) replica.end_backoff(out);
    if (replica.residency() != ready) give_up_places(id, now, out);
    const Residency residency = replica.residency();
    const bool is_unused = residency == loading || residency == offloading ||
                           residency == offloaded || residency == restoring;
    if (is_unused && must_go) {
        replica.stop(StopCause::wanted, StopStep::asked, now, out);
    }
    if (replica.residency() == ready && must_go) {
        replica.drain(out);
        give_up_places(id, now, out);
    }
    if (replica.residency() == draining &&
        (replica.leases().empty() || mutant(Mutant::unload_cuts_runs))) {
        replica.stop(StopCause::wanted, StopStep::asked, now, out);
    }
    if (replica.residency() == draining && holds_only_overdue(replica)) {
        replica.stop(StopCause::wanted, StopStep::terminated, now, out);
    }
    if (replica.residency() == stopping && replica.stop_step() == StopStep::cancelled &&
        replica.leases().empty()) {
        replica.escalate(StopStep::terminated, now, out);  // nobody is left to wait for
    }
}

void Engine::dispatch(ModelId id, Instant now, Commands& out) {
    Model& model = model_of(id);
    if (model.is_paused) return;
    while (!model.queue.empty()) {
        const bool is_jobs_turn = model.queue.has_jobs() && is_job_turn(model, now);
        if (is_jobs_turn && claim_next(model, now, out)) continue;
        if (!model.queue.has_calls() || !send_next(model, now, out)) return;
    }
}

// The first call. False: there is no place for it.
bool Engine::send_next(Model& model, Instant now, Commands& out) {
    Replica* replica = find_call_place(model, now);
    if (replica == nullptr && !model.is_first_run_due()) return false;
    const QueuePlace place = model.queue.front();
    Call& call = calls_.at(place.request);
    if (call.deadline <= now) return false;  // its own timer answers it in this turn
    if (model.is_first_run_due()) replica = begin_first_run(model, replica, now, out);
    if (replica == nullptr) return false;
    model.queue.remove(place);
    call.stage = Stage::sent;
    runs_.emplace(place.request, generations_.at(replica->generation()));
    replica->send(place.request, call.deadline - now, now, out);
    return true;
}

void Engine::launch_wanted(ModelId id, Instant now, Commands& out) {
    Model& model = model_of(id);
    const std::optional<DeviceId> waiting = forgo_first_runs(model);
    while (model.wants_place()) {
        const bool has_offloaded = !model.offloaded_copies().empty();
        if (has_offloaded && restore_copy(model, now, out)) continue;
        const auto copy = model.may_launch() ? model.find_cold() : std::nullopt;
        const bool is_stuck =
            model.unkillable.size() >= Model::kUnkillableMax && model.find_standby() == nullptr;
        if (has_offloaded && (!copy || is_stuck)) {
            seek_place(model, now, out);
            return arm_device_timers();
        }
        if (!copy) break;
        if (is_stuck) {
            if (waiting) break;  // that one will serve them
            return refuse_copy(model, out);
        }
        const auto placed = admit(model, now, out);
        if (!placed) return arm_device_timers();
        launch({id, *copy}, *placed, now, out);
    }
    if (waiting) {
        starve(model,
               {.device = *waiting,
                .required = {},
                .available = devices_.device(*waiting).ledger.free(),
                .is_for_run = true},
               now, out);
    } else if (model.shortage) {
        end_starving(model);
    } else {
        return;
    }
    arm_device_timers();
}

// Too many of its processes hang where not even SIGKILL reaches them.
void Engine::refuse_copy(Model& model, Commands& out) {
    end_starving(model);
    if (model.has_live()) return;
    Error error = base::fail(
        Errc::unavailable,
        fmt::format(
            "{} processes of the model {} hang in the kernel and survived SIGKILL; no other "
            "is started until one of them is gone. `windlass workers` names them: see what "
            "they wait for (a file system or driver that hangs)",
            model.unkillable.size(), model.spec.name));
    error.reason = "unkillable";
    refuse_waiting(model.id, error, out);
}

void Engine::launch(ReplicaId id, const Placed& placed, Instant now, Commands& out) {
    Model& model = model_of(id.model);
    Replica& replica = replica_of(id);
    model.restore_cost = {};
    if (Replica* standby = model.find_standby()) {
        replica = std::exchange(*standby, Replica{id.model});
        generations_.at(replica.generation()) = id;
        devices_.claim(replica.generation(), id.model, placed);
        replica.take_up(placed.device, model.spec, now, out);
    } else {
        const Generation generation{++last_generation_};
        generations_.emplace(generation, id);
        devices_.claim(generation, id.model, placed);
        replica.launch({id.model, generation, placed.device}, model.spec, now, out);
    }
    replica.mark_load(++model.load_count);
    if (placed.is_provisional) replica.mark_untried();
    if (placed.learned) replica.mark_unproven();
    arm_device_timers();
}

void Engine::arm_replica_timers(ReplicaId id) {
    const Model& model = model_of(id.model);
    const Replica& replica = replica_of(id);
    const std::uint64_t number = id.model.value;
    deadlines_.set({TimerKind::replica_step, number, id.copy}, replica.deadline());
    std::optional<Instant> begin_limit =
        mutant(Mutant::begin_unlimited) ? std::nullopt : replica.begin_due_since();
    if (begin_limit) begin_limit = saturating_add(*begin_limit, model.spec.stall_timeout);
    deadlines_.set({TimerKind::begin_limit, number, id.copy}, begin_limit);
    const bool has_weights = replica.residency() == ready || replica.residency() == offloaded;
    if (!has_weights) deadlines_.disarm({TimerKind::idle, number, id.copy});
    if (replica.residency() != ready) deadlines_.disarm({TimerKind::offload, number, id.copy});
}

}  // namespace windlass::core
