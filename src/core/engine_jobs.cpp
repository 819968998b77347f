// Jobs on their way to a worker: the head of each queue, which of them is next, and the store's
// permission to begin it.
#include <algorithm>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "core/engine.h"
#include "core/mutant.h"

namespace windlass::core {

using base::Errc;
using enum Residency;

namespace {

// The job is not ready any more; the store itself is well.
bool is_gone(Errc code) {
    return code == Errc::conflict || code == Errc::not_found || code == Errc::cancelled ||
           code == Errc::timeout;
}

}  // namespace

std::optional<RequestId> Engine::find_job(JobId job) const {
    const auto found = jobs_.requests.find(job);
    return found == jobs_.requests.end() ? std::nullopt : std::optional{found->second};
}

// --- heads

void Engine::on(const JobStoreOpened& event, Instant now, Commands& out) {
    WL_ASSERT(event.first_attempt > 0);
    if (jobs_.next_attempt > 0) return;
    jobs_.next_attempt = event.first_attempt;
    for (const Model& model : models_) advance(model.id, now, out);
}

void Engine::on(const JobsReady& event, Instant now, Commands& out) {
    Model& model = model_of(event.model);
    if (event.head) {
        note_ready(model, *event.head, now);
    } else {
        model.jobs.is_stale = true;
    }
    advance(event.model, now, out);
}

// What is held is the beginning of the queue, and stays that: whatever comes after it waits in the
// store until it is fetched.
void Engine::note_ready(Model& model, const JobHead& head, Instant told) {
    JobSupply& supply = model.jobs;
    if (supply.is_stale) return;  // all are fetched anew
    if (supply.is_fetching) {
        if (supply.told.size() < Job::kHeadsMax) return supply.told.push_back({head, told});
        supply.is_stale = true;
        return;
    }
    const std::set<JobPlace>& held = model.queue.jobs();
    const bool is_full = held.size() >= Job::kHeadsMax;
    const bool is_before = !held.empty() && JobPlace{head.rank, head.job, {}} < *held.rbegin();
    const bool comes_next = is_before || (!is_full && !supply.has_more);
    if (is_full || !comes_next || is_closing(model)) supply.has_more = true;
    if (!comes_next || is_closing(model)) return;
    if (is_full) forget_job(held.rbegin()->request);
    take_head(model, head, told);
}

// Asks once, and again only when it was told of more or has used up most of what it holds.
void Engine::fetch_heads(Model& model, Commands& out) {
    JobSupply& supply = model.jobs;
    const bool is_low = supply.has_more && model.queue.jobs().size() < Job::kHeadsLow;
    if (!is_low && !supply.is_stale) return;
    if (supply.is_fetching || is_closing(model) || jobs_.next_attempt == 0 || jobs_.is_paused)
        return;
    supply.is_fetching = true;
    supply.has_more = supply.is_stale = false;
    out.push_back(FetchHead{model.id, Job::kHeadsMax});
}

void Engine::on(const HeadFetched& event, Instant now, Commands& out) {
    Model& model = model_of(event.model);
    if (!std::exchange(model.jobs.is_fetching, false)) return;
    if (event.heads.size() >= Job::kHeadsMax || is_closing(model)) model.jobs.has_more = true;
    const auto told = std::exchange(model.jobs.told, {});
    if (is_closing(model)) return;
    std::set<JobId> heads;
    for (const JobHead& head : event.heads) heads.insert(head.job);
    drop_missing_heads(model, heads);
    for (const JobHead& head : event.heads) take_head(model, head, now);
    for (const auto& [head, at] : told) note_ready(model, head, at);
    advance(event.model, now, out);
}

// What is not among the first any more is done for, or others have come before it.
void Engine::drop_missing_heads(Model& model, const std::set<JobId>& heads) {
    std::vector<RequestId> missing;
    for (const JobPlace& place : model.queue.jobs()) {
        if (!heads.contains(place.job)) missing.push_back(place.request);
    }
    for (const RequestId request : missing) forget_job(request);
}

void Engine::take_head(Model& model, const JobHead& head, Instant told) {
    if (jobs_.settling.contains(head.job)) {  // read before its end was written
        model.jobs.has_more = true;
        return;
    }
    if (const auto known = find_job(head.job)) {
        if (calls_.at(*known).stage != Stage::queued) return;
        if (jobs_.jobs.at(*known).head.rank == head.rank) return;
        forget_job(*known);
    }
    const bool is_over = head.deadline && *head.deadline <= Duration{};
    if (is_over || model.queue.jobs().size() >= Job::kHeadsMax) return;
    const Instant end = head.deadline ? saturating_add(told, *head.deadline) : Instant::max();
    const bool is_new =
        calls_
            .try_emplace(head.request,
                         Call{.model = model.id, .is_job = true, .arrived = told, .deadline = end})
            .second;
    WL_ASSERT(is_new);
    Job job{.model = model.id, .head = head, .generation = {}};
    if (!model.queue.has_jobs()) model.jobs.turn_since = told;
    model.queue.push(job.place());
    if (head.deadline) deadlines_.arm({TimerKind::job_deadline, head.request.value}, end);
    jobs_.requests.emplace(head.job, head.request);
    jobs_.jobs.emplace(head.request, std::move(job));
}

// A head that was not claimed, or whose claim was refused: nobody waits to be told.
void Engine::forget_job(RequestId request) {
    const auto job = jobs_.jobs.find(request);
    WL_ASSERT(job != jobs_.jobs.end());
    model_of(job->second.model).queue.remove(job->second.place());
    for (const TimerKind kind :
         {TimerKind::claim_limit, TimerKind::job_deadline, TimerKind::job_grace}) {
        deadlines_.disarm({kind, request.value});
    }
    jobs_.overdue_claims.erase(request);
    jobs_.requests.erase(job->second.head.job);
    jobs_.jobs.erase(job);
    calls_.erase(request);
}

// Its model takes nothing new. They stay in the store.
void Engine::drop_heads(Model& model) {
    if (!model.queue.has_jobs() && model.jobs.told.empty()) return;
    model.jobs.told.clear();
    drop_missing_heads(model, {});
    model.jobs.has_more = true;
}

void Engine::on(const FetchFailed& event, Instant now, Commands& out) {
    Model& model = model_of(event.model);
    if (!std::exchange(model.jobs.is_fetching, false)) return;
    model.jobs.is_stale = true;
    model.jobs.told.clear();
    model.jobs.error = event.error;
    pause_store(now);
    advance(event.model, now, out);
}

// --- a store in trouble

void Engine::pause_store(Instant now) {
    if (std::exchange(jobs_.is_paused, true)) return;
    const Duration pause = jobs_.store_backoff.on_failure(Job::kStorePause, Job::kStorePauseMax);
    deadlines_.arm({TimerKind::store_pause}, saturating_add(now, pause));
}

void Engine::on_store_pause(Instant now, Commands& out) {
    jobs_.is_paused = false;
    for (const Model& model : models_) advance(model.id, now, out);
}

// --- which of them begins

bool Engine::is_job_turn(const Model& model, Instant now) {
    if (!model.queue.has_calls()) return true;
    if (mutant(Mutant::job_turn_ignored)) return false;
    return saturating_add(model.jobs.turn_since, model.spec.max_wait) <= now;
}

bool Engine::has_waited(const Model& model, RequestId job, Instant now) const {
    return saturating_add(calls_.at(job).arrived, model.spec.max_wait) <= now;
}

// False: none of them can begin now.
bool Engine::claim_next(Model& model, Instant now, Commands& out) {
    if (!may_claim()) return false;
    for (const JobPlace& place : model.queue.jobs()) {
        const bool is_alone =
            jobs_.jobs.at(place.request).is_to_be_alone() && !mutant(Mutant::job_isolation_ignored);
        if (calls_.at(place.request).deadline <= now) continue;  // its own timer ends it
        Replica* replica = is_alone ? model.find_empty_place() : model.find_job_place();
        if (model.is_first_run_due()) replica = begin_first_run(model, replica, now, out);
        if (replica != nullptr) {
            claim(model, place.request, *replica, now, out);
            return true;
        }
        if (!is_alone || has_waited(model, place.request, now)) return false;
    }
    return false;
}

bool Engine::would_claim(ModelId id) const {
    const Model& model = model_of(id);
    const JobSupply& supply = model.jobs;
    const bool knows_all = !supply.is_fetching && !supply.is_stale && !supply.has_more;
    return knows_all && model.queue.empty() && may_claim() && !model.is_paused &&
           !is_closing(model) && !model.is_first_run_due() && model.has_job_place();
}

void Engine::claim(Model& model, RequestId request, Replica& replica, Instant now, Commands& out) {
    Job& job = jobs_.jobs.at(request);
    model.jobs.turn_since = now;
    job.generation = replica.generation();
    runs_.emplace(request, generations_.at(replica.generation()));
    replica.hold(request, job.is_to_be_alone() && !mutant(Mutant::job_isolation_ignored), now);
    ask_store(model, request, now, out);
}

// A load that failed for those who wait costs the first job an attempt, so that jobs end though
// their model never loads. Only the first: one failure does not use up a whole queue. And never as
// a crash: the job was not in that process, and is not suspected.
void Engine::charge_load(Model& model, const Error& error, Instant now, Commands& out) {
    if (!may_claim() || is_closing(model) || mutant(Mutant::job_load_uncharged)) return;
    const auto& heads = model.queue.jobs();
    const auto first = std::ranges::find_if(heads, [&](const JobPlace& place) {
        return calls_.at(place.request).deadline > now;  // else its own timer ends it
    });
    if (first == heads.end()) return;
    const RequestId request = first->request;
    jobs_.jobs.at(request).load_error = error;
    ask_store(model, request, now, out);
}

void Engine::ask_store(Model& model, RequestId request, Instant now, Commands& out) {
    Job& job = jobs_.jobs.at(request);
    model.queue.remove(job.place());
    job.attempt = jobs_.next_attempt++;
    calls_.at(request).stage = Stage::claiming;
    if (mutant(Mutant::job_claim_skipped) && job.generation) {
        return on(JobClaimed{request}, now, out);
    }
    if (!mutant(Mutant::job_place_kept)) {
        deadlines_.arm({TimerKind::claim_limit, request.value},
                       saturating_add(now, Job::kClaimPatience));
    }
    out.push_back(ClaimJob{model.id, job.head.job, job.attempt, request, job.generation});
    fetch_heads(model, out);
}

// At the turn of the jobs calls are sent ahead no further than jobs are: else they would fill again
// and again what the first job waits for.
Replica* Engine::find_call_place(Model& model, Instant now) {
    const Replica* reserved = find_reserved(model, now);
    const bool is_jobs_turn = model.queue.has_jobs() && is_job_turn(model, now) && may_claim() &&
                              !mutant(Mutant::job_window_passed);
    return is_jobs_turn ? model.find_job_place(reserved) : model.find_place(reserved);
}

// A replica that no call is sent to, so that it becomes empty for the first job, which is to be
// alone. Never one with a job in it: that may run for a day.
const Replica* Engine::find_reserved(const Model& model, Instant now) const {
    if (!model.queue.has_jobs() || !is_job_turn(model, now) || !may_claim()) return nullptr;
    const RequestId first = model.queue.jobs().begin()->request;
    if (!jobs_.jobs.at(first).is_to_be_alone() || !has_waited(model, first, now)) return nullptr;
    const Replica* least = nullptr;
    for (const Replica& replica : model.replicas) {
        const bool has_job = std::ranges::any_of(
            replica.leases(), [&](const auto& entry) { return jobs_.jobs.contains(entry.first); });
        if (replica.residency() != ready || replica.is_untried() || has_job) continue;
        if (least == nullptr || replica.leases().size() < least->leases().size()) least = &replica;
    }
    return least;
}

// --- permission

void Engine::on(const JobClaimed& event, Instant now, Commands& out) {
    const auto call = calls_.find(event.request);
    if (call == calls_.end() || call->second.stage != Stage::claiming) return;
    const Job& job = jobs_.jobs.at(event.request);
    const Model& model = model_of(job.model);
    const Instant deadline = call->second.deadline;
    jobs_.store_backoff.on_success();
    deadlines_.disarm({TimerKind::claim_limit, event.request.value});
    const bool was_slow = jobs_.overdue_claims.erase(event.request) > 0;
    Replica* replica = job.generation ? find_generation(job.generation) : nullptr;
    // Others may have died meanwhile, so that only one run is to probe.
    const bool is_beside_probe = model.breaker.is_tripped() && model.lease_count() > 1;
    // Nor may its process make fewer runs than when the place was kept.
    const std::uint64_t runs_max = model.spec.recycle_after;
    const bool is_spent = replica != nullptr && runs_max > 0 &&
                          replica->run_count() + replica->leases().size() > runs_max;
    const bool may_begin = !is_beside_probe && !is_spent && replica != nullptr &&
                           replica->residency() == ready && !job.verdict && !model.is_paused &&
                           !is_closing(model);
    const ModelId id = job.model;
    if (may_begin) {
        call->second.stage = Stage::sent;
        const Duration run_limit = run_limit_of(model, event.request);
        const Duration left = deadline == Instant::max() ? run_limit : deadline - now;
        replica->send_held(event.request, std::min(run_limit, left), now, out);
    } else {
        give_up_place(event.request, now, out);
        end_unbegun_job(event.request, out);
    }
    if (!was_slow) return advance(id, now, out);
    for (const Model& each : models_) advance(each.id, now, out);
}

void Engine::on(const ClaimRefused& event, Instant now, Commands& out) {
    const auto call = calls_.find(event.request);
    if (call == calls_.end() || call->second.stage != Stage::claiming) return;
    Job& job = jobs_.jobs.at(event.request);
    Model& model = model_of(job.model);
    deadlines_.disarm({TimerKind::claim_limit, event.request.value});
    const bool was_slow = jobs_.overdue_claims.erase(event.request) > 0;
    give_up_place(event.request, now, out);
    const bool is_trouble = !is_gone(event.error.code);
    if (is_trouble) {
        model.jobs.error = event.error;
        pause_store(now);
    }
    if (is_trouble && !job.verdict && !is_closing(model)) {
        job.attempt = 0;
        job.load_error.reset();
        call->second.stage = Stage::queued;
        model.queue.push(job.place());
    } else {
        model.jobs.has_more = true;
        forget_job(event.request);
    }
    const ModelId id = model.id;
    if (!was_slow) return advance(id, now, out);
    for (const Model& each : models_) advance(each.id, now, out);
}

void Engine::on_claim_limit(RequestId request, Instant now, Commands& out) {
    const ModelId id = jobs_.jobs.at(request).model;
    jobs_.overdue_claims.insert(request);
    give_up_place(request, now, out);
    advance(id, now, out);
}

// The place that was kept for it, if it still is.
bool Engine::give_up_place(RequestId request, Instant now, Commands& out) {
    const auto run = runs_.find(request);
    if (run == runs_.end()) return false;
    jobs_.jobs.at(request).generation = {};
    end_lease(run->second, request, now, out);
    return true;
}

// It takes nothing new, and so keeps no places either.
void Engine::give_up_places(ReplicaId id, Instant now, Commands& out) {
    const Replica& replica = replica_of(id);
    std::vector<RequestId> held;
    for (const auto& [request, lease] : replica.leases()) {
        if (lease.is_held) held.push_back(request);
    }
    for (const RequestId request : held) give_up_place(request, now, out);
}

}  // namespace windlass::core
