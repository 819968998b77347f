// What people and tests may see: status, and walks over the whole state.
#include <algorithm>

#include "base/assert.h"
#include "core/engine.h"
#include "core/mutant.h"

namespace windlass::core {

using enum Residency;

std::optional<ModelId> Engine::find_model(std::string_view name) const {
    const auto found = names_.find(name);
    if (found == names_.end() || model_of(found->second).is_removed) return std::nullopt;
    return found->second;
}

// When the first of those who wait arrived. Ids grow with arrival.
std::optional<Instant> Engine::oldest_arrival(const Model& model) const {
    RequestId oldest = model.queue.oldest();
    const auto take = [&](RequestId request) {
        if (!oldest || request < oldest) oldest = request;
    };
    if (!model.delayed.empty()) take(*model.delayed.begin());
    for (const Replica& replica : model.replicas) {
        for (const auto& [request, lease] : replica.leases()) {
            if (!jobs_.jobs.contains(request) && wait_reason(request)) take(request);
        }
    }
    return oldest ? std::optional{calls_.at(oldest).arrived} : std::nullopt;
}

ModelView Engine::view(ModelId id) const {
    const Model& model = model_of(id);
    const Replica& replica = model.foremost();
    ModelView view{.residency = replica.residency(),
                   .generation = replica.has_process() ? replica.generation() : Generation{},
                   .is_paused = model.is_paused,
                   .is_removed = model.is_removed,
                   .load_count = model.load_count,
                   .failure_count = model.failure_count,
                   .last_error = model.last_error};
    for (const Replica& each : model.replicas) {
        view.running += each.begun_count();
        if (each.residency() == ready) ++view.copies;
        if (each.has_process()) view.processes.push_back({each.generation(), each.residency()});
    }
    for (const Replica& each : model.standbys) {
        if (each.has_process()) view.processes.push_back({each.generation(), each.residency()});
    }
    view.waiting = model.queue.size() + model.delayed.size() + model.lease_count() - view.running;
    if (model.breaker.is_tripped()) {
        view.breaker = view.residency == backoff ? BreakerState::open : BreakerState::probing;
    }
    view.oldest = oldest_arrival(model);
    view.learned_need = learned_need(model);
    if (view.residency == loading) view.loading_since = replica.loading_since();
    if (view.residency == ready) view.ready_since = replica.ready_since();
    if (view.residency == backoff) view.backoff_until = replica.deadline();
    return view;
}

WaitReason Engine::short_reason(const Model& model) const {
    WL_ASSERT(model.shortage.has_value());
    const Shortage& shortage = *model.shortage;
    const bool is_answering = shortage.is_for_run ? devices_.device(shortage.device).is_answering()
                                                  : devices_.has_answering(model.spec.devices);
    return is_answering ? WaitReason::memory : WaitReason::device;
}

std::optional<WaitReason> Engine::wait_reason(RequestId request) const {
    if (const auto lease = leases_.find(request); lease != leases_.end()) {
        if (lease->second.generation) return std::nullopt;
        return lease_wait_reason(lease->second);
    }
    const auto entry = calls_.find(request);
    if (entry == calls_.end() || entry->second.stage == Stage::begun) return std::nullopt;
    if (entry->second.stage == Stage::delayed) return WaitReason::retrying;
    if (entry->second.stage == Stage::claiming) return WaitReason::store;
    if (entry->second.stage == Stage::ending) return std::nullopt;
    const Model& model = model_of(entry->second.model);
    const bool is_queued = entry->second.stage == Stage::queued;
    if (model.is_paused && is_queued) return WaitReason::paused;
    const Replica& replica = is_queued ? model.foremost() : replica_of(runs_.at(request));
    switch (replica.residency()) {
        case loading: return replica.said_hello() ? WaitReason::loading : WaitReason::starting;
        case ready: {
            const bool is_busy = std::ranges::any_of(model.replicas, [](const Replica& each) {
                return each.residency() == ready && !each.leases().empty();
            });
            if (is_queued && entry->second.is_job && !jobs_.may_claim() && model.has_idle())
                return WaitReason::store;
            if (!is_queued || is_busy || !model.shortage) return WaitReason::busy;
            return short_reason(model);
        }
        case draining: return WaitReason::draining;
        case stopping:
            return mutant(Mutant::stopping_said_loading) ? WaitReason::loading
                                                         : WaitReason::stopping;
        case backoff: return WaitReason::backoff;
        case restoring: return WaitReason::restoring;
        case offloading: return WaitReason::offloading;
        case offloaded:
        case cold:
            if (model.shortage) return short_reason(model);
            if (model.unkillable.size() >= Model::kUnkillableMax) return WaitReason::unkillable;
            break;
        case standby:
        case unkillable: break;  // check_invariants(): nobody waits for these
    }
    return std::nullopt;
}

std::vector<WaitingView> Engine::waiting(ModelId id, std::size_t count_max) const {
    std::vector<WaitingView> views;
    const auto add = [&](RequestId request) {
        const auto reason = wait_reason(request);
        if (!reason || views.size() >= count_max) return;
        const Call& call = calls_.at(request);
        views.push_back({request, *reason, call.priority, call.arrived});
    };
    for (const Replica& replica : model_of(id).replicas) {
        for (const auto& [request, lease] : replica.leases()) add(request);
    }
    for (const RequestId request : model_of(id).delayed) add(request);
    for (const QueuePlace& place : model_of(id).queue.places()) {
        if (views.size() >= count_max) break;
        add(place.request);
    }
    for (const JobPlace& place : model_of(id).queue.jobs()) {
        if (views.size() >= count_max) break;
        add(place.request);
    }
    for (const auto& [request, job] : jobs_.jobs) {  // whose place was given up
        if (job.model == id && calls_.at(request).stage == Stage::claiming &&
            !runs_.contains(request))
            add(request);
    }
    return views;
}

std::vector<WorkerView> Engine::workers() const {
    std::vector<WorkerView> workers;
    for (const auto& [generation, id] : generations_) {
        WorkerView& view = workers.emplace_back(
            WorkerView{.generation = generation, .model = id.model, .running = {}});
        const Model& model = model_of(id.model);
        view.residency = unkillable;
        if (model.unkillable.contains(generation)) continue;
        const Replica& replica = replica_of(id);
        view.residency = replica.residency();
        for (const auto& [request, lease] : replica.leases()) {
            if (!lease.begun || !deadlines_.find({TimerKind::run_limit, request.value})) continue;
            view.running.push_back({request, lease.started, run_limit_end(model, request, lease)});
        }
        view.next = next_move(id);
    }
    return workers;
}

// A deadline that never comes is none.
std::optional<NextMove> Engine::next_move(ReplicaId id) const {
    std::optional<NextMove> next;
    const auto consider = [&](NextStep step, TimerKind kind) {
        const auto at = deadlines_.find({kind, id.model.value, id.copy});
        if (!at || *at == Instant::max() || (next && next->at <= *at)) return;
        next = NextMove{.step = step, .at = *at};
    };
    consider(NextStep::limit, TimerKind::replica_step);
    consider(NextStep::unload, TimerKind::idle);
    consider(NextStep::offload, TimerKind::offload);
    return next;
}

bool Engine::is_finished() const {
    return shutting_down_ && std::ranges::none_of(models_, [](const Model& model) {
               return model.has_process() ||
                      std::ranges::any_of(model.standbys, &Replica::has_process);
           });
}

void Engine::encode_shortage(const std::optional<Shortage>& shortage, StateEncoder& encoder) {
    encoder.number(shortage ? 1 : 0);
    if (!shortage) return;
    encoder.number(shortage->device.value << 8 | (shortage->required ? 1u : 0u) |
                   (shortage->available ? 2u : 0u) | (shortage->is_for_ever ? 4u : 0u) |
                   (shortage->is_unknown ? 8u : 0u) | (shortage->is_for_run ? 16u : 0u));
    encoder.number(shortage->required.value_or(Bytes{}).count());
    encoder.number(shortage->available.value_or(Bytes{}).count());
}

// What it waits for memory with.
void Engine::encode_wait(const Model& model, StateEncoder& encoder) const {
    if (model.memory_retries > 0) encoder.number(model.overfull.value);
    encode_shortage(model.shortage, encoder);
    if (!model.shortage) return;
    if (learned_need(model)) encoder.instant(model.starved_since);
    encoder.instant(patience_end(model));
    encoder.number(model.promise ? model.promise->device.value : 0);
    encoder.number(model.promise ? model.promise->bytes.count() : 0);
}

void Engine::encode_replica(const Model& model, const Replica& replica, StateEncoder& encoder) {
    replica.encode(encoder);
    const Residency residency = replica.residency();
    const bool is_live = residency == ready || residency == loading || residency == restoring;
    const bool is_older = is_live && replica.load_number() < model.last_failed_load;
    encoder.number((model.retired == replica.generation() ? 1u : 0u) | (is_older ? 2u : 0u));
    const bool is_staying = residency == ready || residency == offloading ||
                            residency == offloaded || residency == restoring;
    // What it has done of what its process may do.
    const std::uint64_t run_count_max = model.spec.recycle_after;
    if (is_staying) encoder.number(std::min(replica.run_count(), run_count_max));
    if (residency != ready) return;
    for (const Duration cost : {model.load_cost, model.restore_cost}) {
        for (const Instant end : turn_ends(replica, cost)) encoder.instant(end);
    }
}

void Engine::encode_model(const Model& model, StateEncoder& encoder) const {
    encoder.number(model.replicas.size());
    for (const Replica& replica : model.replicas) encode_replica(model, replica, encoder);
    encoder.number(model.standbys.size());
    for (const Replica& replica : model.standbys) {
        replica.encode(encoder);
        encoder.number(model.retired == replica.generation() ? 1 : 0);
    }
    encoder.number(model.standby_backoff.failure_count());
    encoder.number((model.is_paused ? 1u : 0u) | (model.is_removed ? 2u : 0u) |
                   (model.breaker.is_tripped() ? 4u : 0u) | (model.is_standby_refused ? 8u : 0u));
    encoder.number(model.breaker.deaths().size());
    for (const Death& death : model.breaker.deaths()) {
        encoder.instant(death.at);
        encoder.number(death.job.value);
    }
    encoder.number(model.backoff.failure_count());
    encoder.number(model.window.prefetch());
    encoder.number(model.window.job_prefetch());
    encoder.number(model.memory_retries);
    encoder.number(model.residue.count());
    model.learned.encode(encoder);
    encode_wait(model, encoder);
    encoder.number(model.queue.places().size());
    for (const QueuePlace& place : model.queue.places()) encoder.request(place.request);
    const JobSupply& supply = model.jobs;
    encoder.number((supply.is_fetching ? 1u : 0u) | (supply.has_more ? 2u : 0u) |
                   (supply.is_stale ? 4u : 0u) | (model.queue.has_jobs() ? 8u : 0u));
    if (model.queue.has_jobs()) encoder.instant(supply.turn_since);
    encoder.number(supply.told.size());
    for (const JobSupply::Told& told : supply.told) encoder.number(told.head.job.value);
    encoder.number(model.unkillable.size());
    for (const Generation generation : model.unkillable) encoder.generation(generation);
}

void Engine::encode(StateEncoder& encoder) const {
    encoder.number(shutting_down_ ? 1 : 0);
    for (const Model& model : models_) encode_model(model, encoder);
    devices_.encode(encoder);
    encoder.number(starving_.size());
    for (const auto& [place, id] : starving_) encoder.number(id.value);
    encode_leases(encoder);
    jobs_.encode(encoder);
    encoder.number(calls_.size());
    for (const auto& [request, call] : calls_) {
        encoder.request(request);
        encoder.number(static_cast<std::uint64_t>(call.stage) |
                       std::uint64_t{call.failed_tries} << 8 | std::uint64_t{call.was_rerun} << 16 |
                       std::uint64_t{call.priority} << 24 |
                       std::uint64_t{call.is_idempotent} << 32 | std::uint64_t{call.is_job} << 33 |
                       call.model.value << 40);
        encoder.instant(call.deadline);
        if (call.is_job && call.stage == Stage::queued) encoder.instant(call.arrived);
    }
    encoder.number(admins_.size());
    for (const auto& [request, admin] : admins_) {
        encoder.request(request);
        encoder.number(admin.model.value << 3 | static_cast<std::uint64_t>(admin.goal) << 1 |
                       (admin.may_evict ? 1u : 0u));
        encoder.generation(admin.after);
    }
    // Of a device that waits for no timer; else that tells when it was asked.
    for (const auto& [id, device] : devices_.all()) {
        const bool is_timed = deadlines_.find({TimerKind::device_sample, id.value}) ||
                              deadlines_.find({TimerKind::device_answer, id.value});
        if (device.spec.is_measured && !is_timed) encoder.instant(device.asked);
    }
    encoder.number(deadlines_.entries().size());
    for (const auto& [key, at] : deadlines_.entries()) {
        encoder.number(static_cast<std::uint64_t>(key.kind));
        if (key.kind <= TimerKind::run_limit) {
            encoder.request(RequestId{key.id});
        } else if (key.kind == TimerKind::settle) {
            encoder.generation(Generation{key.id});
        } else {
            encoder.number(key.id << 8 | key.copy);
        }
        encoder.instant(at);
    }
}

std::uint64_t Engine::hash() const {
    HashEncoder encoder;
    encode(encoder);
    return encoder.hash();
}

void Engine::check_standbys(const Model& model) const {
    const auto process_count =
        static_cast<std::size_t>(std::ranges::count_if(model.standbys, &Replica::has_process));
    const std::size_t wanted = is_closing(model) ? 0 : model.spec.standby;
    WL_ASSERT(process_count >= wanted || !may_stand_by(model));
    for (std::uint32_t place = 0; place < model.standbys.size(); ++place) {
        const Replica& replica = model.standbys[place];
        const ReplicaId id{model.id, ReplicaId::kFirstStandby + place};
        const Residency residency = replica.residency();
        WL_ASSERT(residency == cold || residency == standby || residency == stopping);
        WL_ASSERT(residency == cold || !replica.device());
        WL_ASSERT(residency == cold || generations_.at(replica.generation()) == id);
        const bool is_timed =
            residency == stopping || (residency == standby && !replica.said_hello());
        WL_ASSERT(is_timed == replica.deadline().has_value());
        WL_ASSERT(replica.deadline() ==
                  deadlines_.find({TimerKind::replica_step, model.id.value, id.copy}));
    }
}

void Engine::check_replicas(const Model& model) const {
    for (std::uint32_t copy = 0; copy < model.replicas.size(); ++copy) {
        const Replica& replica = model.replicas[copy];
        const Residency residency = replica.residency();
        WL_ASSERT(residency != unkillable && residency != standby);
        WL_ASSERT(replica.has_process() || replica.leases().empty());
        const bool is_used = residency == ready || residency == draining || residency == stopping;
        WL_ASSERT(is_used || replica.leases().empty());
        WL_ASSERT(residency != offloading || replica.can_offload());
        WL_ASSERT(!replica.has_process() ||
                  generations_.at(replica.generation()) == ReplicaId(model.id, copy));
        const bool is_parked =
            replica.has_process() && devices_.parked().contains(replica.generation());
        const bool is_away =
            residency == offloading || residency == offloaded || residency == restoring;
        WL_ASSERT(residency == stopping || is_parked == is_away);
        const bool is_timed = residency == loading || residency == stopping ||
                              residency == backoff || residency == offloading ||
                              residency == restoring;
        WL_ASSERT(is_timed == replica.deadline().has_value());
        WL_ASSERT(replica.deadline() ==
                  deadlines_.find({TimerKind::replica_step, model.id.value, copy}));
    }
}

void Engine::check_memory() const {
    devices_.check_invariants();
    for (const auto& [generation, id] : generations_) {
        // Whoever lives has a claim, but those that stand by.
        const bool is_held = devices_.holdings().contains(generation);
        WL_ASSERT(is_held || id.is_standby());
    }
    for (const auto& [generation, holding] : devices_.holdings()) {
        WL_ASSERT(!holding.is_waiting || model_of(holding.model).shortage);
        const bool is_departed = devices_.is_departed(generation);
        WL_ASSERT(is_departed ==
                  deadlines_.find({TimerKind::settle, generation.value}).has_value());
    }
    for (const auto& [id, device] : devices_.all()) {
        WL_ASSERT(device.is_asked ==
                  deadlines_.find({TimerKind::device_answer, id.value}).has_value());
        WL_ASSERT(device.is_fresh ==
                  deadlines_.find({TimerKind::device_stale, id.value}).has_value());
    }
}

void Engine::check_jobs() const {
    std::size_t head_count = 0;
    for (const Model& model : models_) {
        head_count += model.queue.jobs().size();
        WL_ASSERT(model.queue.jobs().size() <= Job::kHeadsMax);
    }
    WL_ASSERT(jobs_.jobs.size() == jobs_.requests.size());
    for (const auto& [request, job] : jobs_.jobs) {
        const Call& call = calls_.at(request);
        const Model& model = model_of(job.model);
        const bool is_queued = call.stage == Stage::queued;
        if (is_queued) --head_count;
        WL_ASSERT(call.is_job && call.model == job.model && call.stage != Stage::delayed);
        WL_ASSERT(jobs_.requests.at(job.head.job) == request);
        WL_ASSERT(!jobs_.settling.contains(job.head.job));
        WL_ASSERT(is_queued == model.queue.jobs().contains(job.place()));
        WL_ASSERT(is_queued == (job.attempt == 0));
        WL_ASSERT(is_queued || job.attempt < jobs_.next_attempt);
        const bool is_ending = call.stage == Stage::ending;
        const auto ending = jobs_.ending.find(job.generation);
        WL_ASSERT(is_ending == (ending != jobs_.ending.end() && ending->second.contains(request)));
        WL_ASSERT(!is_ending || generations_.contains(job.generation));
        WL_ASSERT(is_ending || call.stage == Stage::begun || wait_reason(request));
        if (call.stage != Stage::sent && call.stage != Stage::begun) continue;
        const Lease& lease = replica_of(runs_.at(request)).leases().at(request);
        WL_ASSERT(!lease.is_held && lease.begun == (call.stage == Stage::begun));
        WL_ASSERT(!lease.begun || deadlines_.find({TimerKind::run_limit, request.value}));
    }
    WL_ASSERT(head_count == 0);
    WL_ASSERT(jobs_.is_paused == deadlines_.find({TimerKind::store_pause}).has_value());
}

void Engine::check_invariants() const {
    std::size_t lease_count = 0;
    for (const Model& model : models_) {
        lease_count += model.lease_count();
        check_replicas(model);
        check_standbys(model);
        const Residency foremost = model.foremost().residency();
        const bool is_away = foremost == cold || foremost == offloaded;
        const bool is_stuck =
            model.unkillable.size() >= Model::kUnkillableMax && !model.queue.has_calls();
        WL_ASSERT(!is_away || model.queue.empty() || model.is_paused || model.shortage || is_stuck);
        WL_ASSERT(model.shortage.has_value() == starving_.contains(model.starving_place));
        WL_ASSERT(model.shortage || !model.promise);
        WL_ASSERT(model.shortage || !deadlines_.find({TimerKind::room, model.id.value}));
        WL_ASSERT(!is_closing(model) || (model.queue.empty() && model.delayed.empty()));
        WL_ASSERT(!is_closing(model) || model.load_wanted == 0);
        WL_ASSERT(model.admins.size() ==
                  model.load_wanted + model.offload_wanted + model.unload_wanted);
    }
    check_memory();
    check_leases();
    check_jobs();
    WL_ASSERT(lease_count == runs_.size());
    for (const auto& [request, id] : runs_) {
        WL_ASSERT(replica_of(id).leases().contains(request));
    }
    for (const auto& [request, call] : calls_) {
        if (call.is_job) continue;  // check_jobs()
        const Model& model = model_of(call.model);
        const bool is_sent = call.stage == Stage::sent || call.stage == Stage::begun;
        WL_ASSERT(is_sent == runs_.contains(request));
        WL_ASSERT((call.stage == Stage::delayed) == model.delayed.contains(request));
        WL_ASSERT((call.stage == Stage::queued) ==
                  model.queue.places().contains({call.priority, request}));
        WL_ASSERT(deadlines_.find({TimerKind::call_deadline, request.value}) == call.deadline);
        WL_ASSERT(call.stage == Stage::begun || wait_reason(request));
        if (!is_sent) continue;
        const Lease& lease = replica_of(runs_.at(request)).leases().at(request);
        WL_ASSERT(lease.begun == (call.stage == Stage::begun));
        WL_ASSERT(!lease.begun || deadlines_.find({TimerKind::run_limit, request.value}));
    }
    for (const auto& [request, admin] : admins_) {
        WL_ASSERT(deadlines_.find({TimerKind::call_deadline, request.value}));
    }
}

}  // namespace windlass::core
