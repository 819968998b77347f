// What administrators ask, and a configuration that changes while models run.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "core/engine.h"

namespace windlass::core {

using enum Residency;

namespace {

Generation youngest(const Model& model) {
    Generation youngest;
    for (const auto* replicas : {&model.replicas, &model.standbys}) {
        for (const Replica& replica : *replicas) {
            youngest = std::max(youngest, replica.generation());
        }
    }
    return youngest;
}

}  // namespace

// --- administrators

void Engine::add_admin(RequestId request, AdminWait wait, Duration timeout, Instant now,
                       Commands& out) {
    Model& model = model_of(wait.model);
    const bool is_new = admins_.emplace(request, wait).second;
    WL_ASSERT(is_new);
    model.admins.insert(request);
    ++model.wanted(wait.goal);
    if (wait.goal == AdminGoal::ready && is_closing(model))
        return refuse(request, closing_error(model), out);
    deadlines_.arm({TimerKind::call_deadline, request.value}, saturating_add(now, timeout));
    advance(wait.model, now, out);
}

void Engine::on(const LoadAsked& event, Instant now, Commands& out) {
    const AdminWait wait{
        .model = event.model, .goal = AdminGoal::ready, .after = {}, .may_evict = event.may_evict};
    add_admin(event.request, wait, event.timeout, now, out);
}

void Engine::on(const OffloadAsked& event, Instant now, Commands& out) {
    add_admin(event.request, {event.model, AdminGoal::offloaded, {}}, event.timeout, now, out);
}

void Engine::on(const UnloadAsked& event, Instant now, Commands& out) {
    const auto copy_count = static_cast<std::uint32_t>(model_of(event.model).replicas.size());
    for (std::uint32_t copy = 0; event.is_forced && copy < copy_count; ++copy) {
        kill_replica({event.model, copy}, now, out);
    }
    add_admin(event.request, {event.model, AdminGoal::gone, {}}, event.timeout, now, out);
}

// A load that only a later process can satisfy; the present one drains, as for an unload.
void Engine::on(const RestartAsked& event, Instant now, Commands& out) {
    Model& model = model_of(event.model);
    if (!is_closing(model) && (model.has_process() || !model.standbys.empty())) {
        model.retired = youngest(model);
    }
    forgive_standbys(model);
    add_admin(event.request, {event.model, AdminGoal::ready, model.retired}, event.timeout, now,
              out);
}

void Engine::settle_admins(ModelId id, Commands& out) {
    const Model& model = model_of(id);
    if (model.admins.empty()) return;
    const Replica& foremost = model.foremost();
    const bool is_ready = foremost.residency() == ready;
    const bool is_gone = !model.has_process();
    const bool is_away = std::ranges::all_of(model.replicas, [](const Replica& replica) {
        return !replica.has_process() || replica.residency() == offloaded;
    });
    if (!is_ready && !is_away) return;
    // What is ready after a restart is all young: the others drain.
    const Generation generation = foremost.generation();
    std::vector<RequestId> done;
    for (const RequestId request : model.admins) {
        const AdminWait& admin = admins_.at(request);
        const bool is_done = admin.goal == AdminGoal::ready  ? is_ready && admin.after < generation
                             : admin.goal == AdminGoal::gone ? is_gone
                                                             : is_away;
        if (is_done) done.push_back(request);
    }
    for (const RequestId request : done) {
        respond(request, {}, generation, {}, out);
    }
}

void Engine::on(const PauseAsked& event, Instant now, Commands& out) {
    Model& model = model_of(event.model);
    if (model.is_paused || is_closing(model)) return;
    model.is_paused = true;
    out.push_back(Report{EventCode::model_paused, event.model, {}, {}, {}});
    for (Replica& replica : model.replicas) {
        for (const auto& [request, lease] : replica.leases()) replica.recall(request, out);
    }
    advance(event.model, now, out);
}

void Engine::on(const ResumeAsked& event, Instant now, Commands& out) {
    Model& model = model_of(event.model);
    if (!model.is_paused) return;
    model.is_paused = false;
    out.push_back(Report{EventCode::model_resumed, event.model, {}, {}, {}});
    advance(event.model, now, out);
}

// --- the configuration

void Engine::add_model(ModelSpec spec) {
    WL_ASSERT(spec.concurrency >= 1 && spec.queue_limit >= 1);
    const ModelId id{models_.size() + 1};
    if (spec.standby > 0) deadlines_.arm({TimerKind::standby, id.value}, Instant{});  // at once
    const bool is_new = names_.emplace(spec.name, id).second;
    WL_ASSERT(is_new);
    models_.push_back(Model{.id = id,
                            .spec = std::move(spec),
                            .replicas = {Replica{id}},
                            .queue = {},
                            .last_error = {}});
}

// What waits is served by the next process; what had begun is lost or run again, as when it dies.
void Engine::on(const KillAsked& event, Instant now, Commands& out) {
    if (find_generation(event.generation) == nullptr) return;
    const ReplicaId id = generations_.at(event.generation);
    kill_replica(id, now, out);
    advance(id.model, now, out);
}

void Engine::kill_replica(ReplicaId id, Instant now, Commands& out) {
    Replica& replica = replica_of(id);
    if (!replica.has_process()) return;
    if (replica.residency() == stopping) return replica.escalate(StopStep::killed, now, out);
    replica.stop(StopCause::wanted, StopStep::killed, now, out);
}

void Engine::on(const ModelConfigured& event, Instant now, Commands& out) {
    if (shutting_down_) return;
    const auto known = names_.find(event.spec.name);
    if (known == names_.end()) return add_model(event.spec);
    const ModelId id = known->second;
    Model& model = model_of(id);
    model.spec = event.spec;
    if (event.needs_new_process) unlearn_all(model, out);
    // A process that still drains because its model was removed is not taken back.
    const bool is_fresh = std::exchange(model.is_removed, false) || event.needs_new_process;
    if (is_fresh || event.spec.breaker.deaths == 0) model.breaker.reset();
    if (is_fresh) {  // its failures were those of the old one
        model.retired = youngest(model);
        model.backoff.reset();
        model.memory_retries = 0;
        forgive_standbys(model);
    }
    if (!starving_.empty()) may_make_room_ = true;  // it may be pinned no more
    for (std::uint32_t copy = 0; copy < model.replicas.size(); ++copy) {
        Replica& replica = model.replicas[copy];
        if (is_fresh && replica.residency() == backoff) replica.end_backoff(out);
        for (const auto& [request, lease] : replica.leases()) arm_run_limit({id, copy}, request);
        replica.forget_idle();
        const bool is_unlimited = replica.has_process() && !event.spec.max_growth;
        if (is_unlimited) devices_.forget_growth(replica.generation());
        note_rest(replica);
    }
    advance(id, now, out);
}

void Engine::on(const ModelRemoved& event, Instant now, Commands& out) {
    Model& model = model_of(event.model);
    if (model.is_removed) return;
    model.is_removed = true;
    model.is_paused = false;
    model.breaker.reset();
    out.push_back(Report{EventCode::model_removed, event.model, {}, {}, {}});
    refuse_waiting(event.model, closing_error(model), out);
    drop_heads(model);
    advance(event.model, now, out);
}

}  // namespace windlass::core
