// Clients, time and shutdown; and advance(), the one place that moves a model on.
#include "core/engine.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/assert.h"

namespace windlass::core {

using base::Errc;
using namespace std::chrono_literals;
using enum Residency;

Engine::Engine(std::vector<ModelSpec> specs) {
    models_.reserve(specs.size());
    for (ModelSpec& spec : specs) add_model(std::move(spec));
}

void Engine::handle(const Event& event, Instant now, Commands& out) {
    std::visit([&](const auto& happened) { on(happened, now, out); }, event);
}

Model& Engine::model_of(ModelId id) {
    WL_ASSERT(id.value >= 1 && id.value <= models_.size());
    return models_[id.value - 1];
}

const Model& Engine::model_of(ModelId id) const {
    WL_ASSERT(id.value >= 1 && id.value <= models_.size());
    return models_[id.value - 1];
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
    if (model.queue.size() + model.delayed.size() >= model.spec.queue_limit) {
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
    if (model.replica.residency() == backoff && refuse_if_hopeless(event.request, now, out)) return;
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
    const ModelId id{key.id};
    switch (key.kind) {
        case TimerKind::call_deadline:
        case TimerKind::wait_deadline:
            return withdraw(request, timeout_error(request, key.kind), now, out);
        case TimerKind::retry: return on_retry_due(request, now, out);
        case TimerKind::run_limit: return on_run_limit(request, now, out);
        case TimerKind::begin_limit: return on_begin_limit(id, now, out);
        case TimerKind::replica_step: return on_replica_step(id, now, out);
        case TimerKind::idle:
            model_of(id).replica.stop(StopCause::wanted, StopStep::asked, now, out);
            return advance(id, now, out);
        case TimerKind::shutdown_cancel:
        case TimerKind::shutdown_term:
        case TimerKind::shutdown_kill: return on_shutdown_step(key.kind, now, out);
    }
}

void Engine::on_replica_step(ModelId id, Instant now, Commands& out) {
    Model& model = model_of(id);
    if (model.replica.residency() == loading) {
        const bool was_heard = model.replica.said_hello();
        fail_load(
            id,
            base::fail(
                Errc::timeout,
                was_heard
                    ? fmt::format("the model {} did not load within its load_timeout of {}",
                                  model.spec.name, base::to_text(model.spec.limits.load_timeout))
                    : fmt::format("the process of the model {} did not come up within its "
                                  "start_timeout of {}",
                                  model.spec.name, base::to_text(model.spec.limits.start_timeout))),
            out);
        model.replica.stop(StopCause::failure, StopStep::terminated, now, out);
        return advance(id, now, out);
    }
    const bool failed = model.replica.will_back_off();
    model.replica.step_due(now, out);
    if (model.replica.residency() == unkillable) set_aside(id, failed, now, out);
    advance(id, now, out);
}

// A process that does not die holds nothing else up: a new replica takes its place.
void Engine::set_aside(ModelId id, bool failed, Instant now, Commands& out) {
    Model& model = model_of(id);
    lose_leases(id,
                base::fail(Errc::worker_lost,
                           fmt::format("the process of the model {} did not die after SIGKILL",
                                       model.spec.name)),
                out);
    model.unkillable.insert(model.replica.generation());
    model.replica = Replica{id};
    if (!failed) return;
    model.replica.start_in_backoff(saturating_add(now, count_failure(id, now, out)), out);
    refuse_hopeless(id, now, out);
}

void Engine::on(const LoopDelayed& event, Instant, Commands&) {
    for (std::uint64_t number = 1; number <= models_.size(); ++number) {
        Replica& replica = model_of(ModelId{number}).replica;
        replica.forgive(event.by);
        for (const auto& [request, lease] : replica.leases())
            arm_run_limit(ModelId{number}, request);
        arm_replica_timers(ModelId{number});
    }
}

// --- the end

void Engine::on(const ShutdownAsked& event, Instant now, Commands& out) {
    if (shutting_down_) return;
    shutting_down_ = true;
    deadlines_.arm({TimerKind::shutdown_cancel}, saturating_add(now, event.grace * 3 / 5));
    deadlines_.arm({TimerKind::shutdown_term}, saturating_add(now, event.grace * 4 / 5));
    deadlines_.arm({TimerKind::shutdown_kill}, saturating_add(now, event.grace));
    for (std::uint64_t number = 1; number <= models_.size(); ++number) {
        refuse_waiting(ModelId{number}, out);
        advance(ModelId{number}, now, out);
    }
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
    for (std::uint64_t number = 1; number <= models_.size(); ++number) {
        Replica& replica = model_of(ModelId{number}).replica;
        if (kind == TimerKind::shutdown_cancel) {
            for (const auto& [request, lease] : replica.leases()) replica.cancel(request, out);
        } else if (replica.residency() == draining) {
            replica.stop(StopCause::wanted, step, now, out);
        } else {
            replica.escalate(step, now, out);
        }
        arm_replica_timers(ModelId{number});
    }
}

// --- moving on

void Engine::advance(ModelId id, Instant now, Commands& out) {
    Model& model = model_of(id);
    Replica& replica = model.replica;
    const bool must_go = model.unload_wanted > 0 || is_closing(model) ||
                         (replica.has_process() && replica.generation() == model.retired);
    model.breaker.forget(model.spec.breaker, now);
    if (replica.residency() == backoff && model.load_wanted > 0) replica.end_backoff(out);
    if (replica.residency() == loading && must_go) {
        replica.stop(StopCause::wanted, StopStep::asked, now, out);
    }
    if (replica.residency() == ready && must_go) replica.drain(out);
    if (replica.residency() == draining && replica.leases().empty()) {
        replica.stop(StopCause::wanted, StopStep::asked, now, out);
    }
    if (replica.residency() == stopping && replica.stop_step() == StopStep::cancelled &&
        replica.leases().empty()) {
        replica.escalate(StopStep::terminated, now, out);  // nobody is left to wait for
    }
    settle_admins(id, out);
    const bool is_asked_for = !model.queue.empty() && !model.is_paused;
    if (replica.residency() == cold && (is_asked_for || model.load_wanted > 0)) {
        launch(id, now, out);
    }
    if (replica.residency() == ready) {
        dispatch(id, now, out);
        settle_idle(id, now, out);
    }
    arm_replica_timers(id);
}

void Engine::launch(ModelId id, Instant now, Commands& out) {
    Model& model = model_of(id);
    const Generation generation{++last_generation_};
    generations_.emplace(generation, id);
    ++model.load_count;
    model.replica.launch(generation, model.spec, now, out);
}

void Engine::dispatch(ModelId id, Instant now, Commands& out) {
    Model& model = model_of(id);
    if (model.is_paused) return;
    const std::size_t places =
        model.breaker.is_tripped()
            ? 1  // a probe
            : model.replica.concurrency() + model.spec.prefetch.value_or(model.window.prefetch());
    while (!model.queue.empty() && model.replica.leases().size() < places) {
        const QueuePlace place = model.queue.front();
        Call& call = calls_.at(place.request);
        if (call.deadline <= now) return;  // its own timer answers it in this turn
        model.queue.remove(place);
        call.stage = Stage::sent;
        runs_.emplace(place.request, id);
        model.replica.send(place.request, call.deadline - now, now, out);
    }
}

void Engine::settle_idle(ModelId id, Instant now, Commands& out) {
    Model& model = model_of(id);
    const TimerKey timer{TimerKind::idle, id.value};
    const bool is_idle =
        model.replica.leases().empty() && model.queue.empty() && model.delayed.empty();
    if (!is_idle || !model.spec.unload_after) return deadlines_.disarm(timer);
    if (*model.spec.unload_after == Duration{0}) {
        return model.replica.stop(StopCause::wanted, StopStep::asked, now, out);
    }
    if (!deadlines_.find(timer)) {
        deadlines_.arm(timer, saturating_add(now, *model.spec.unload_after));
    }
}

void Engine::arm_replica_timers(ModelId id) {
    const Model& model = model_of(id);
    deadlines_.set({TimerKind::replica_step, id.value}, model.replica.deadline());
    std::optional<Instant> begin_limit = model.replica.begin_due_since();
    if (begin_limit) begin_limit = saturating_add(*begin_limit, model.spec.stall_timeout);
    deadlines_.set({TimerKind::begin_limit, id.value}, begin_limit);
    if (model.replica.residency() != ready) deadlines_.disarm({TimerKind::idle, id.value});
}

}  // namespace windlass::core
