// Why somebody waits, and until when: derived from the state that holds him up. Nothing here is
// kept, and nothing is changed.
#include <algorithm>
#include <array>

#include "core/explainer.h"
#include "core/mutant.h"

namespace windlass::core {

using enum Residency;

std::optional<Explanation> Engine::explain(RequestId request) const {
    return Explainer{*this}.request(request);
}

ModelExplanation Engine::explain(ModelId model) const { return Explainer{*this}.model(model); }

// --- requests

std::optional<Explanation> Explainer::request(RequestId id) const {
    if (const auto found = engine_.calls_.find(id); found != engine_.calls_.end())
        return call(id, found->second);
    if (const auto found = engine_.admins_.find(id); found != engine_.admins_.end())
        return admin(id, found->second);
    const auto found = engine_.leases_.find(id);
    if (found == engine_.leases_.end() || found->second.generation) return std::nullopt;
    return lease(id, found->second);
}

void Explainer::add_own_limits(Explanation& explanation) const {
    explanation.wait_limit = timer(TimerKind::wait_deadline, explanation.request.value);
    explanation.deadline = timer(TimerKind::call_deadline, explanation.request.value);
}

Explanation Explainer::call(RequestId id, const Call& call) const {
    const Model& model = engine_.model_of(call.model);
    Explanation explanation{.request = id,
                            .model = call.model,
                            .reason = engine_.wait_reason(id),
                            .arrived = call.arrived,
                            .priority = call.priority,
                            .failed_tries = call.failed_tries};
    add_own_limits(explanation);
    if (const auto job = engine_.jobs_.jobs.find(id); job != engine_.jobs_.jobs.end()) {
        explanation.job = job->second.head.job;
        explanation.attempt = job->second.attempt;
        explanation.verdict = job->second.verdict;
        explanation.deadline = timer(TimerKind::job_deadline, id.value);
        if (call.stage == Stage::ending) explanation.generation = job->second.generation;
    }
    const auto run = engine_.runs_.find(id);
    if (run != engine_.runs_.end()) {
        const Replica& replica = engine_.replica_of(run->second);
        const Lease& lease = replica.leases().at(id);
        explanation.generation = replica.generation();
        if (lease.begun) {
            explanation.started = lease.started;
            explanation.last_progress = lease.last_progress;
        }
    }
    if (explanation.reason) {
        explanation.ahead = count_ahead(id, call);
        explanation.wait_count =
            model.queue.size() + model.delayed.size() + model.lease_count() - [&] {
                std::size_t begun = 0;
                for (const Replica& replica : model.replicas) begun += replica.begun_count();
                return begun;
            }();
    }
    add_model_part(explanation, model);
    if (explanation.reason == WaitReason::retrying) {
        explanation.next.reset();
        if (const auto due = timer(TimerKind::retry, id.value))
            explanation.next = Change{.at = *due, .step = Step::next_try, .request = id};
    }
    return explanation;
}

// Those that were sent and have not begun, and those whose places in the queue are before its own.
std::size_t Explainer::count_ahead(RequestId id, const Call& call) const {
    const Model& model = engine_.model_of(call.model);
    if (call.stage == Stage::delayed || call.stage == Stage::claiming) return 0;
    std::size_t ahead = 0;
    const auto count_sent = [&](const Replica& replica, Instant before) {
        for (const auto& [other, lease] : replica.leases()) {
            const bool is_waiting = !lease.begun && engine_.calls_.contains(other);
            if (is_waiting && other != id && lease.sent < before) ++ahead;
        }
    };
    if (call.stage == Stage::sent) {
        const Replica& replica = engine_.replica_of(engine_.runs_.at(id));
        count_sent(replica, replica.leases().at(id).sent);
        return ahead;
    }
    for (const Replica& replica : model.replicas) count_sent(replica, Instant::max());
    for (const QueuePlace& place : model.queue.places()) {
        const bool is_before = mutant(Mutant::explain_forgets_priority)
                                   ? place.request < id
                                   : place < QueuePlace{call.priority, id};
        if (is_before || call.is_job) ++ahead;
    }
    if (!call.is_job) return ahead;
    const JobPlace own = engine_.jobs_.jobs.at(id).place();
    for (const JobPlace& place : model.queue.jobs()) {
        if (place < own) ++ahead;
    }
    return ahead;
}

Explanation Explainer::admin(RequestId id, const AdminWait& wait) const {
    const Model& model = engine_.model_of(wait.model);
    const Asked asked = wait.goal == AdminGoal::ready       ? Asked::load
                        : wait.goal == AdminGoal::offloaded ? Asked::offload
                                                            : Asked::unload;
    Explanation explanation{
        .request = id, .model = wait.model, .asked = asked, .reason = reason_of(model)};
    add_own_limits(explanation);
    add_model_part(explanation, model);
    return explanation;
}

Explanation Explainer::lease(RequestId id, const MemoryLease& lease) const {
    Explanation explanation{
        .request = id, .model = {}, .asked = Asked::lease, .reason = engine_.wait_reason(id)};
    add_own_limits(explanation);
    const DeviceId device = lease.shortage ? lease.shortage->device : DeviceId{};
    MemoryWait wait = memory_on(device);
    wait.source = NeedSource::lease;
    wait.required = lease.bytes;
    add_before(lease.place, wait);
    for (const Holder& holder : wait.holders) keep_earlier(explanation.next, holder.until);
    if (explanation.reason == WaitReason::device)
        explanation.next = device ? device_change(device) : device_change(lease.devices);
    explanation.memory = std::move(wait);
    return explanation;
}

void Explainer::add_model_part(Explanation& explanation, const Model& model) const {
    explanation.processes = processes(model);
    if (!explanation.reason) {
        for (const Holder& process : explanation.processes) {
            if (process.generation == explanation.generation) explanation.next = process.until;
        }
        return;
    }
    const WaitReason reason = *explanation.reason;
    if (reason == WaitReason::memory || reason == WaitReason::device)
        explanation.memory = memory(model);
    if (reason == WaitReason::backoff || reason == WaitReason::stopping ||
        reason == WaitReason::draining)
        explanation.error = model.last_error;
    std::vector<Holder> behind = explanation.processes;
    if (explanation.generation) {  // it was sent there
        std::erase_if(behind, [&](const Holder& process) {
            return process.generation != explanation.generation;
        });
    }
    explanation.next = next_of(model, reason, behind, explanation.memory);
}

// --- models

namespace {

// What the process does that is waited for.
std::optional<Doing> doing_behind(WaitReason reason) {
    switch (reason) {
        case WaitReason::starting: return Doing::starting;
        case WaitReason::loading: return Doing::loading;
        case WaitReason::restoring: return Doing::restoring;
        case WaitReason::offloading: return Doing::offloading;
        case WaitReason::busy: return Doing::running;
        case WaitReason::draining: return Doing::draining;
        case WaitReason::stopping: return Doing::stopping;
        case WaitReason::backoff: return Doing::resting;
        case WaitReason::retrying:
        case WaitReason::paused:
        case WaitReason::memory:
        case WaitReason::device:
        case WaitReason::unkillable:
        case WaitReason::store: break;
    }
    return std::nullopt;
}

}  // namespace

// What its next load, or whoever wants it gone, waits for.
std::optional<WaitReason> Explainer::reason_of(const Model& model) const {
    const Replica& replica = model.foremost();
    switch (replica.residency()) {
        case loading: return replica.said_hello() ? WaitReason::loading : WaitReason::starting;
        case ready:
            if (model.shortage) return engine_.short_reason(model);
            return WaitReason::busy;
        case draining: return WaitReason::draining;
        case stopping: return WaitReason::stopping;
        case backoff: return WaitReason::backoff;
        case restoring: return WaitReason::restoring;
        case offloading: return WaitReason::offloading;
        case offloaded:
        case cold:
            if (model.shortage) return engine_.short_reason(model);
            return std::nullopt;
        case standby:
        case unkillable: return std::nullopt;
    }
    return std::nullopt;
}

ModelExplanation Explainer::model(ModelId id) const {
    const Model& model = engine_.model_of(id);
    ModelExplanation explanation{.model = id,
                                 .residency = model.foremost().residency(),
                                 .processes = processes(model),
                                 .load_wishes = model.load_wanted,
                                 .unload_wishes = model.unload_wanted,
                                 .copies_max = model.spec.copies.count_max,
                                 .unkillable_count = model.unkillable.size(),
                                 .is_paused = model.is_paused,
                                 .is_removed = model.is_removed,
                                 .breaker = engine_.view(id).breaker,
                                 .failure_count = model.failure_count,
                                 .last_error = model.last_error};
    for (const Replica& replica : model.replicas) {
        explanation.running += replica.begun_count();
        if (replica.residency() == ready) ++explanation.ready_count;
    }
    std::array<std::size_t, kWaitReasonCount> counts{};
    const std::size_t all = model.queue.size() + model.delayed.size() + model.lease_count();
    for (const WaitingView& waiting : engine_.waiting(id, all)) {
        if (!explanation.first) explanation.first = waiting.request;
        ++counts[static_cast<std::size_t>(waiting.reason)];
        if (!explanation.reason) explanation.reason = waiting.reason;
    }
    for (int reason = 0; reason < kWaitReasonCount; ++reason) {
        const std::size_t count = counts[static_cast<std::size_t>(reason)];
        if (count > 0) explanation.waits.emplace_back(static_cast<WaitReason>(reason), count);
    }
    const bool is_wanted = model.load_wanted + model.unload_wanted + model.offload_wanted > 0;
    const Residency residency = explanation.residency;
    const bool is_well = residency == ready || residency == cold || residency == offloaded;
    if (!explanation.reason && (is_wanted || !is_well || model.shortage))
        explanation.reason = reason_of(model);
    if (model.shortage) explanation.memory = memory(model);
    if (explanation.reason) {
        explanation.next =
            next_of(model, *explanation.reason, explanation.processes, explanation.memory);
    } else {
        for (const Holder& process : explanation.processes)
            keep_earlier(explanation.next, process.until);
    }
    return explanation;
}

// What changes next of that which holds them up.
std::optional<Change> Explainer::next_of(const Model& model, WaitReason reason,
                                         const std::vector<Holder>& processes,
                                         const std::optional<MemoryWait>& memory) const {
    std::optional<Change> next;
    if (reason == WaitReason::paused || reason == WaitReason::retrying ||
        reason == WaitReason::unkillable)
        return next;
    if (reason == WaitReason::store) {
        if (const auto at = timer(TimerKind::store_pause, 0))
            next = Change{.at = *at, .step = Step::next_try};
        return next;
    }
    if (reason == WaitReason::device) {
        const DeviceId device = memory ? memory->device : DeviceId{};
        return device ? device_change(device) : device_change(model.spec.devices);
    }
    if (reason == WaitReason::memory && memory) {
        for (const Holder& holder : memory->holders) {
            keep_earlier(next, holder.until);
            if (holder.leaves_at) {
                keep_earlier(next, Change{.at = *holder.leaves_at,
                                          .step = Step::make_room,
                                          .generation = holder.generation});
            }
        }
        return next;
    }
    const bool is_pause = reason == WaitReason::backoff;  // which is over when all have paused
    for (const Holder& process : processes) {
        if (process.doing != doing_behind(reason) || !process.until) continue;
        const bool is_later = next && process.until->at > next->at;
        if (!next || is_later == is_pause) next = process.until;
    }
    return next;
}

// --- processes

std::vector<Holder> Explainer::processes(const Model& model) const {
    std::vector<Holder> holders;
    const auto add = [&](ReplicaId id, const Replica& replica) {
        const Residency residency = replica.residency();
        if (residency == cold) return;
        Holder holder = process(replica);
        holder.until = until(id, replica);
        if (!replica.has_process()) holder.generation = {};
        holders.push_back(std::move(holder));
    };
    for (std::uint32_t copy = 0; copy < model.replicas.size(); ++copy)
        add({model.id, copy}, model.replicas[copy]);
    for (std::uint32_t place = 0; place < model.standbys.size(); ++place)
        add({model.id, ReplicaId::kFirstStandby + place}, model.standbys[place]);
    for (const Generation generation : model.unkillable) {
        holders.push_back(
            {.generation = generation, .model = model.id, .doing = Doing::unkillable, .bytes = {}});
    }
    for (Holder& holder : holders) {
        const auto holding = engine_.devices_.holdings().find(holder.generation);
        if (holding == engine_.devices_.holdings().end()) continue;
        const DeviceLedger& ledger = engine_.devices_.device(holding->second.device).ledger;
        const Claim* claim = ledger.find_claim(holder.generation);
        holder.is_provisional = holding->second.is_provisional;
        if (claim == nullptr) continue;
        holder.bytes = weight_in(ledger, holder.generation, *claim);
        holder.measured = claim->measured;
    }
    return holders;
}

Holder Explainer::process(const Replica& replica) const {
    Holder holder{.generation = replica.generation(), .model = replica.model(), .bytes = {}};
    holder.is_pinned = engine_.model_of(replica.model()).spec.is_pinned;
    for (const auto& [request, lease] : replica.leases()) {
        if (lease.is_held) continue;
        (lease.begun ? holder.runs : holder.sent_ahead).push_back(request);
        if (lease.begun)
            holder.since = std::min(holder.since.value_or(lease.started), lease.started);
    }
    switch (replica.residency()) {
        case ready:
            holder.doing = replica.leases().empty() ? Doing::idle : Doing::running;
            if (replica.leases().empty()) holder.since = replica.used_at();
            break;
        case loading:
            holder.doing = replica.said_hello() ? Doing::loading : Doing::starting;
            holder.since = replica.loading_since();
            break;
        case restoring:
            holder.doing = Doing::restoring;
            holder.since = replica.loading_since();
            break;
        case offloading: holder.doing = Doing::offloading; break;
        case offloaded: holder.doing = Doing::offloaded; break;
        case draining: holder.doing = Doing::draining; break;
        case stopping: holder.doing = Doing::stopping; break;
        case standby: holder.doing = Doing::standby; break;
        case backoff:
        case cold: holder.doing = Doing::resting; break;
        case unkillable: holder.doing = Doing::unkillable; break;
    }
    return holder;
}

// What ends the present state of a process at the latest.
std::optional<Change> Explainer::until(ReplicaId id, const Replica& replica) const {
    const Generation generation = replica.has_process() ? replica.generation() : Generation{};
    const auto step = [&](Step what) -> std::optional<Change> {
        if (!replica.deadline()) return std::nullopt;
        return Change{.at = *replica.deadline(), .step = what, .generation = generation};
    };
    switch (replica.residency()) {
        case standby:
        case loading: return step(replica.said_hello() ? Step::load_timeout : Step::start_timeout);
        case offloading: return step(Step::offload_timeout);
        case restoring: return step(Step::restore_timeout);
        case backoff: return step(Step::next_try);
        case stopping:
            if (replica.stop_step() == StopStep::killed) return step(Step::give_up);
            return step(replica.stop_step() == StopStep::terminated ? Step::kill : Step::terminate);
        case ready:
        case draining:
        case offloaded: return end_of_use(id, replica);
        case cold:
        case unkillable: break;
    }
    return std::nullopt;
}

std::optional<Change> Explainer::end_of_use(ReplicaId id, const Replica& replica) const {
    const Model& owner = engine_.model_of(id.model);
    const Generation generation = replica.generation();
    std::optional<Change> next;
    const auto consider = [&](std::optional<Instant> at, Step step, RequestId request = {}) {
        if (at) keep_earlier(next, Change{*at, step, generation, request});
    };
    for (const auto& [request, lease] : replica.leases()) {
        if (!timer(TimerKind::run_limit, request.value)) continue;
        const Instant limit = engine_.run_limit_end(owner, request, lease);
        const bool is_run_limit =
            limit == saturating_add(lease.started, engine_.run_limit_of(owner, request));
        consider(limit, is_run_limit ? Step::run_timeout : Step::stall_timeout, request);
    }
    const std::uint64_t model = id.model.value;
    consider(timer(TimerKind::begin_limit, model, id.copy), Step::stall_timeout);
    consider(timer(TimerKind::offload, model, id.copy), Step::offload);
    consider(timer(TimerKind::idle, model, id.copy), Step::unload);
    return next;
}

}  // namespace windlass::core
