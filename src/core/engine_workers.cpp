// What workers say, the limits that the model sets them, and how they end.
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

// It was, or is, ready, and is not told to go.
bool has_loaded(Residency residency) {
    return residency == ready || residency == draining || residency == offloading ||
           residency == offloaded || residency == restoring;
}

}  // namespace

// The replica whose current process this is; null for an old generation.
Replica* Engine::find_generation(Generation generation) {
    const auto entry = generations_.find(generation);
    if (entry == generations_.end()) return nullptr;
    const ReplicaId id = entry->second;
    Model& model = model_of(id.model);
    std::vector<Replica>& replicas = id.is_standby() ? model.standbys : model.replicas;
    const std::uint32_t place = id.is_standby() ? id.copy - ReplicaId::kFirstStandby : id.copy;
    if (place >= replicas.size()) return nullptr;
    Replica& replica = replicas[place];
    const bool is_its_own = replica.generation() == generation;
    return is_its_own || mutant(Mutant::hears_set_aside) ? &replica : nullptr;
}

void Engine::on(const WorkerHello& event, Instant now, Commands& out) {
    Replica* replica = find_generation(event.generation);
    if (replica == nullptr || replica->said_hello()) return;
    const Residency residency = replica->residency();
    if (residency != loading && residency != standby) return;
    const ReplicaId id = generations_.at(event.generation);
    if (residency == standby && event.is_bound) {
        return refuse_standby(id, bound_error(model_of(id.model)), now, out);
    }
    replica->on_hello(event.can_offload, now, out);
    if (residency == standby) return advance(id.model, now, out);
    arm_replica_timers(id);
}

void Engine::on(const WorkerLoaded& event, Instant now, Commands& out) {
    Replica* replica = find_generation(event.generation);
    if (replica == nullptr || replica->residency() != loading || !replica->said_hello()) return;
    replica->on_loaded(now, out);
    Model& model = model_of(replica->model());
    model.memory_retries = 0;
    if (replica->was_standby()) model.standby_backoff.reset();
    // What is beyond its limits was a machine that stood still.
    const ReplicaLimits& limits = model.spec.limits;
    model.load_cost =
        std::min(now - replica->loading_since(), limits.start_timeout + limits.load_timeout);
    if (!starving_.empty()) may_make_room_ = true;
    devices_.on_loaded(event.generation, now, out);
    arm_device_timers();
    advance(generations_.at(event.generation).model, now, out);
    feed_starving(now, out);  // an unknown need loads, and runs first, where nobody else loads
}

void Engine::on(const LoadFailed& event, Instant now, Commands& out) {
    Replica* replica = find_generation(event.generation);
    if (replica == nullptr) return;
    const ReplicaId id = generations_.at(event.generation);
    if (replica->residency() == standby) {
        return fail_standby(id, event.error, StopStep::asked, now, out);
    }
    if (replica->residency() != loading) return;
    // It woke a driver after its hello; a process of its own may still load.
    if (replica->was_standby() && event.error.code == Errc::unsupported) {
        return refuse_standby(id, event.error, now, out);
    }
    // Its need was free when it was let in: the first time a stranger was quicker, perhaps.
    const bool is_first =
        event.error.code == Errc::out_of_memory && model_of(id.model).memory_retries == 0;
    if (!is_first) unlearn(*replica, event.error, out);
    if (retry_load(id, event.error, now, out)) return advance(id.model, now, out);
    fail_load(id, event.error, now, out);
    replica->stop(StopCause::failure, StopStep::asked, now, out);
    advance(id.model, now, out);
}

// Answers everything that waited for this load, unless another copy will serve it.
void Engine::fail_load(ReplicaId id, const Error& error, Instant now, Commands& out) {
    Model& model = model_of(id.model);
    model.last_error = error;
    const Replica& failed = replica_of(id);
    out.push_back(Report{EventCode::model_load_failed, id.model, failed.generation(), {}, error});
    const bool is_served = std::ranges::any_of(model.replicas, [&](const Replica& other) {
        const Residency residency = other.residency();
        const bool may_serve =
            residency == loading || (has_loaded(residency) && residency != draining);
        return &other != &failed && may_serve;
    });
    if (is_served) return;
    if (!model.is_paused) {  // else they wait for `resume`, whatever becomes of this load
        while (model.queue.has_calls()) refuse(model.queue.front().request, error, out);
        charge_load(model, error, now, out);
    }
    const std::set<RequestId> admins = model.admins;
    for (const RequestId request : admins) {
        if (admins_.at(request).goal == AdminGoal::ready) refuse(request, error, out);
    }
}

void Engine::on(const RunStarted& event, Instant now, Commands& out) {
    Replica* replica = find_generation(event.generation);
    Lease* lease = replica == nullptr ? nullptr : replica->find_lease(event.request);
    if (lease == nullptr || lease->begun || lease->is_held) return;
    lease->begun = true;
    lease->started = now;
    lease->last_progress = now;
    if (const auto call = calls_.find(event.request); call != calls_.end()) {
        if (call->second.is_job) begin_job(event.request, now, out);
        if (call->second.stage == Stage::sent) call->second.stage = Stage::begun;
        if (!mutant(Mutant::wait_limit_hits_runs))
            deadlines_.disarm({TimerKind::wait_deadline, event.request.value});
    } else {
        replica->cancel(event.request, out);  // its client left while it was on its way
    }
    const ReplicaId id = generations_.at(event.generation);
    arm_run_limit(id, event.request);
    arm_replica_timers(id);
}

void Engine::on(const RunProgressed& event, Instant now, Commands&) {
    Replica* replica = find_generation(event.generation);
    Lease* lease = replica == nullptr ? nullptr : replica->find_lease(event.request);
    if (lease == nullptr || !lease->begun) return;
    const bool is_ignored =
        mutant(Mutant::progress_ignored) ||
        (mutant(Mutant::job_progress_ignored) && jobs_.jobs.contains(event.request));
    if (!is_ignored) lease->last_progress = now;  // its limit is put off once that is over
}

void Engine::on(const RunAnswered& event, Instant now, Commands& out) {
    Replica* replica = find_generation(event.generation);
    const Lease* lease = replica == nullptr ? nullptr : replica->find_lease(event.request);
    const auto call = calls_.find(event.request);
    const bool is_late = call == calls_.end() || (call->second.is_job && is_condemned(call->first));
    if (lease == nullptr || is_late) report_dropped(event.generation, event.request, out);
    if (lease == nullptr || lease->is_held) return;
    const ReplicaId id = generations_.at(event.generation);
    const Instant started = lease->begun ? lease->started : now;
    const bool was_cancelled = lease->cancel_sent;
    const Timings timings =
        call == calls_.end() ? Timings{} : timings_of(*replica, call->second, started, now);
    const bool is_job = call != calls_.end() && call->second.is_job;
    if (call != calls_.end() && !is_job) respond(event.request, {}, event.generation, timings, out);
    model_of(id.model).window.on_run(now - started);
    count_success(id, out);
    end_lease(id, event.request, now, out);
    if (is_job) end_job_run(event.request, {}, was_cancelled, timings, out);
    advance(id.model, now, out);
}

// Late, a second one, or one that nobody asked for.
void Engine::report_dropped(Generation generation, RequestId request, Commands& out) const {
    const auto owner = generations_.find(generation);
    const ModelId id = owner == generations_.end() ? ModelId{} : owner->second.model;
    out.push_back(Report{EventCode::result_dropped, id, generation, request, {}});
}

Timings Engine::timings_of(const Replica& replica, const Call& call, Instant started, Instant now) {
    const Instant load_begin = std::max(call.arrived, replica.loading_since());
    const Duration load = std::max(Duration{0}, replica.ready_since() - load_begin);
    return {.queue = std::max(Duration{0}, (started - call.arrived) - load),
            .load = load,
            .run = now - started};
}

void Engine::on(const RunFailed& event, Instant now, Commands& out) {
    Replica* replica = find_generation(event.generation);
    const Lease* lease = replica == nullptr ? nullptr : replica->find_lease(event.request);
    if (lease == nullptr || lease->is_held)
        return report_dropped(event.generation, event.request, out);
    const ReplicaId id = generations_.at(event.generation);
    const Instant started = lease->begun ? lease->started : now;
    const bool was_cancelled = lease->cancel_sent;
    const bool is_poisoned =
        event.error.code == Errc::context_lost || event.error.code == Errc::device_lost;
    // Some workers still say that they are ended in the middle of a run; others just end.
    const bool is_cut_off = event.error.code == Errc::worker_lost;
    unlearn(*replica, event.error, out);
    end_lease(id, event.request, now, out);
    const auto call = calls_.find(event.request);
    const bool is_job = call != calls_.end() && call->second.is_job;
    if (is_job) {
        const Timings timings = timings_of(*replica, call->second, started, now);
        if (is_poisoned || is_cut_off) {
            lose_job(event.request, explain_cut(*replica, event.error), is_ended_by_us(*replica));
        } else {
            end_job_run(event.request, event.error, was_cancelled, timings, out);
        }
    } else if (call != calls_.end()) {
        const bool runs_again = is_poisoned || is_cut_off
                                    ? rerun(event.request, out)
                                    : retry_later(event.request, event, now, out);
        if (!runs_again) {
            respond(event.request, is_cut_off ? explain_cut(*replica, event.error) : event.error,
                    event.generation, timings_of(*replica, call->second, started, now), out);
        }
    }
    if (is_poisoned) {
        model_of(id.model).last_error = event.error;
        if (replica->residency() == ready) {
            out.push_back(Report{EventCode::worker_poisoned, id.model, event.generation,
                                 event.request, event.error});
            replica->stop(StopCause::failure, StopStep::asked, now, out);
        }
    } else if (!is_cut_off) {
        count_success(id, out);  // the worker works; this request did not
    } else if (is_job && replica->residency() == ready) {
        // It says that it is ended; nobody else did, and its job waits until it is gone.
        replica->drain(out);
    }
    advance(id.model, now, out);
}

void Engine::on(const RunRecalled& event, Instant now, Commands& out) {
    Replica* replica = find_generation(event.generation);
    const Lease* lease = replica == nullptr ? nullptr : replica->find_lease(event.request);
    if (lease == nullptr || lease->begun || lease->is_held ||
        (!event.recalled && !mutant(Mutant::recall_is_obeyed)))
        return;
    const ReplicaId id = generations_.at(event.generation);
    end_lease(id, event.request, now, out);
    if (jobs_.jobs.contains(event.request)) {
        end_unbegun_job(event.request, out);
    } else if (calls_.contains(event.request)) {
        requeue(event.request, out);
    }
    advance(id.model, now, out);
}

void Engine::end_lease(ReplicaId id, RequestId request, Instant now, Commands& out) {
    Replica& replica = replica_of(id);
    const bool is_first = replica.is_untried();
    replica.end_lease(request, now);
    runs_.erase(request);
    deadlines_.disarm({TimerKind::run_limit, request.value});
    note_rest(replica);
    if (!is_first) return;
    devices_.end_first_run(replica.generation(), !replica.is_untried(), now, out);
    arm_device_timers();
}

// --- limits of the model

Instant Engine::run_limit_end(const Model& model, RequestId request, const Lease& lease) const {
    const Instant begun = mutant(Mutant::run_limit_from_sending) ? lease.sent : lease.started;
    return std::min(saturating_add(begun, run_limit_of(model, request)),
                    saturating_add(lease.last_progress, stall_limit_of(model, request)));
}

void Engine::arm_run_limit(ReplicaId id, RequestId request) {
    const Lease* lease = replica_of(id).find_lease(request);
    if (lease == nullptr || !lease->begun) return;
    deadlines_.arm({TimerKind::run_limit, request.value},
                   run_limit_end(model_of(id.model), request, *lease));
}

void Engine::on_run_limit(RequestId request, Instant now, Commands& out) {
    const ReplicaId id = runs_.at(request);
    const Model& model = model_of(id.model);
    Replica& replica = replica_of(id);
    const Lease* lease = replica.find_lease(request);
    WL_ASSERT(lease != nullptr && lease->begun);
    // Progress does not move the timer: with thousands of runs that was most of its cost.
    if (run_limit_end(model, request, *lease) > now) return arm_run_limit(id, request);
    // It is being ended already, and its client has its answer.
    const auto call = calls_.find(request);
    if (replica.residency() == stopping && call == calls_.end()) return;
    if (call != calls_.end() && call->second.stage == Stage::ending) return;  // the same, of a job
    const Duration run_limit = run_limit_of(model, request);
    const Duration stall_limit = stall_limit_of(model, request);
    const bool is_too_long = saturating_add(lease->started, run_limit) <= now;
    const Error error =
        is_too_long
            ? base::fail(
                  Errc::timeout,
                  fmt::format("the run took longer than the run_timeout of {} of the model {}; its "
                              "worker is ended",
                              base::to_text(run_limit), model.spec.name))
            : base::fail(
                  Errc::stalled,
                  fmt::format("the run made no progress for the stall_timeout of {} of the model "
                              "{}; its worker is ended. Report progress with request.progress()",
                              base::to_text(stall_limit), model.spec.name));
    break_limit(id, request, error, now, out);
}

void Engine::on_begin_limit(ReplicaId id, Instant now, Commands& out) {
    const Model& model = model_of(id.model);
    const auto& leases = replica_of(id).leases();
    const auto due = std::ranges::find_if(
        leases, [](const auto& entry) { return !entry.second.begun && !entry.second.is_held; });
    WL_ASSERT(due != leases.end());
    break_limit(
        id, due->first,
        base::fail(Errc::stalled,
                   fmt::format("the worker of the model {} did not begin the run within its "
                               "stall_timeout of {}; it is ended",
                               model.spec.name, base::to_text(model.spec.stall_timeout))),
        now, out);
}

// The culprit is answered and not run again; the others live on until the worker is gone.
void Engine::break_limit(ReplicaId id, RequestId culprit, const Error& error, Instant now,
                         Commands& out) {
    Replica& replica = replica_of(id);
    model_of(id.model).last_error = error;
    out.push_back(
        Report{EventCode::run_limit_reached, id.model, replica.generation(), culprit, error});
    if (jobs_.jobs.contains(culprit)) {
        const bool is_stalled = error.code == Errc::stalled;
        condemn_job(culprit, is_stalled ? JobStopCause::stalled : JobStopCause::timeout, error,
                    out);
    } else if (calls_.contains(culprit)) {
        respond(culprit, error, replica.generation(), {}, out);
    }
    replica.cancel(culprit, out);
    const Residency residency = replica.residency();
    if (residency == ready || residency == draining) {
        replica.stop(residency == ready ? StopCause::limit : StopCause::wanted, StopStep::cancelled,
                     now, out);
    }
    advance(id.model, now, out);
}

// --- ends

void Engine::on(const ChannelLost& event, Instant now, Commands& out) {
    Replica* replica = find_generation(event.generation);
    if (replica == nullptr) return;
    const ReplicaId id = generations_.at(event.generation);
    const Residency residency = replica->residency();
    const bool is_loaded = has_loaded(residency);
    if (residency == standby) return fail_standby(id, event.error, StopStep::terminated, now, out);
    if (residency == loading) fail_load(id, event.error, now, out);
    if (is_loaded) {
        model_of(id.model).last_error = event.error;
        out.push_back(Report{EventCode::worker_lost, id.model, event.generation, {}, event.error});
    }
    if (residency == loading || is_loaded) {
        replica->stop(residency == draining ? StopCause::wanted : StopCause::failure,
                      StopStep::terminated, now, out);
    } else if (replica->stop_step() != StopStep::asked) {
        // After `asked` it is on its way out, and its own deadline holds.
        replica->escalate(StopStep::terminated, now, out);
    }
    advance(id.model, now, out);
}

void Engine::on(const LaunchFailed& event, Instant now, Commands& out) {
    end_generation(event.generation, event.error, now, out);
}

void Engine::on(const WorkerExited& event, Instant now, Commands& out) {
    const auto owner = generations_.find(event.generation);
    if (owner == generations_.end()) return;
    out.push_back(Report{EventCode::worker_reaped, owner->second.model, event.generation, {}, {}});
    const Error error = event.cause ? *event.cause : explain_end(owner->second, event);
    end_generation(event.generation, error, now, out);
}

// To those whose runs it took along. Where we ended it, the reason says more than the signal.
Error Engine::explain_end(ReplicaId id, const WorkerExited& event) const {
    const Model& model = model_of(id.model);
    const bool was_ended = std::ranges::any_of(model.replicas, [&](const Replica& replica) {
        return replica.generation() == event.generation && replica.residency() == stopping &&
               replica.will_back_off();
    });
    if (was_ended && model.last_error) {
        return base::fail(Errc::worker_lost,
                          fmt::format("the worker of the model {} was ended before the run was "
                                      "over: {}",
                                      model.spec.name, model.last_error->message));
    }
    return base::fail(
        Errc::worker_lost,
        fmt::format("the worker process of the model {} ended ({}); its log lines tell more",
                    model.spec.name, event.how));
}

void Engine::end_generation(Generation generation, const Error& error, Instant now, Commands& out) {
    const auto owner = generations_.find(generation);
    if (owner == generations_.end()) return;
    const ReplicaId id = owner->second;
    Model& model = model_of(id.model);
    learn_last(generation, error, out);
    generations_.erase(owner);
    if (devices_.holdings().contains(generation)) depart(generation, now, out);
    if (model.unkillable.erase(generation) > 0) {
        settle_ended(generation, out);
        advance(id.model, now, out);
        return feed_starving(now, out);
    }
    Replica& replica = replica_of(id);
    WL_ASSERT(replica.generation() == generation);
    const Residency residency = replica.residency();
    if (residency == standby) pause_standbys(id, error, now, out);
    if (residency == loading) fail_load(id, error, now, out);
    if (has_loaded(residency)) {
        model.last_error = error;
        out.push_back(Report{EventCode::worker_lost, id.model, generation, {}, error});
    }
    const JobId culprit = sole_job(replica);
    lose_leases(id, explain_cut(replica, error), out);
    settle_ended(generation, out);
    const bool failed = replica.will_back_off();
    replica.on_exit(failed ? saturating_add(now, count_failure(id, culprit, now, out)) : now, out);
    if (failed) refuse_hopeless(id.model, now, out);
    advance(id.model, now, out);
    if (!mutant(Mutant::exit_untold)) feed_starving(now, out);  // its own bytes may be free already
}

// How long to pause after it.
Duration Engine::count_failure(ReplicaId id, JobId culprit, Instant now, Commands& out) {
    Model& model = model_of(id.model);
    ++model.failure_count;
    model.last_failed_load = std::max(model.last_failed_load, replica_of(id).load_number());
    const Duration pause = model.backoff.on_failure(model.spec.backoff, model.spec.backoff_max);
    if (!model.breaker.on_death(model.spec.breaker, {now, culprit})) return pause;
    const Generation generation = replica_of(id).generation();
    out.push_back(
        Report{EventCode::model_breaker_opened, id.model, generation, {}, model.last_error});
    return std::max(pause, model.spec.breaker.cooldown);
}

void Engine::count_success(ReplicaId id, Commands& out) {
    Model& model = model_of(id.model);
    const Generation generation = replica_of(id).generation();
    // That an older copy goes on says nothing of the ones that fail.
    if (replica_of(id).load_number() > model.last_failed_load) model.backoff.on_success();
    if (!model.breaker.on_success()) return;
    out.push_back(Report{EventCode::model_breaker_closed, id.model, generation, {}, {}});
}

// What had begun is lost, or run once more; what had not begun goes back uncharged.
void Engine::lose_leases(ReplicaId id, const Error& error, Commands& out) {
    const Model& model = model_of(id.model);
    const Leases leases = replica_of(id).leases();
    const Generation generation = replica_of(id).generation();
    const bool is_wanted = is_ended_by_us(replica_of(id));
    for (const auto& [request, lease] : leases) {
        runs_.erase(request);
        deadlines_.disarm({TimerKind::run_limit, request.value});
        if (!calls_.contains(request)) continue;
        if (jobs_.jobs.contains(request)) {
            lose_job(request, error, is_wanted);
            continue;
        }
        if (!lease.begun && !mutant(Mutant::unbegun_is_lost)) {
            requeue(request, out);
        } else if (!rerun(request, out)) {
            respond(request, shutting_down_ ? closing_error(model) : error, generation, {}, out);
        }
    }
}

bool Engine::rerun(RequestId request, Commands& out) {
    Call& call = calls_.at(request);
    if (!call.is_idempotent || call.was_rerun || is_closing(model_of(call.model))) return false;
    call.was_rerun = true;
    out.push_back(Report{EventCode::request_retried, call.model, {}, request, {}});
    requeue(request, out);
    return true;
}

}  // namespace windlass::core
