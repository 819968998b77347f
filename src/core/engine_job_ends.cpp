// How an attempt at a job ends: by its result, its error, a verdict or the end of its worker. It is
// settled once, and never before its process is proved gone where that is to go.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "core/engine.h"
#include "core/mutant.h"

namespace windlass::core {

using base::Errc;
using enum Residency;

namespace {

// No further attempt mends it. What a model raised without a type may well be mended by one.
bool is_hopeless(Errc code) {
    if (mutant(Mutant::job_rejection_retried)) return false;
    return base::traits(code).retry == base::RetryClass::never && code != Errc::internal &&
           code != Errc::cancelled;
}

bool takes_worker(JobStopCause cause) {
    return cause == JobStopCause::stalled || cause == JobStopCause::timeout;
}

}  // namespace

Duration Engine::run_limit_of(const Model& model, RequestId request) const {
    const auto job = jobs_.jobs.find(request);
    if (job == jobs_.jobs.end()) return model.spec.run_timeout;
    return job->second.head.run_timeout.value_or(model.spec.job_run_timeout);
}

Duration Engine::stall_limit_of(const Model& model, RequestId request) const {
    const auto job = jobs_.jobs.find(request);
    if (job == jobs_.jobs.end()) return model.spec.stall_timeout;
    return job->second.head.stall_timeout.value_or(model.spec.stall_timeout);
}

// Over in the eyes of everybody; what is heard of it still is late.
bool Engine::is_condemned(RequestId request) const {
    return calls_.at(request).stage == Stage::ending && !mutant(Mutant::job_late_result_taken);
}

// Its end was nobody's fault in it: somebody wanted it gone, or another run broke a limit.
bool Engine::is_ended_by_us(const Replica& replica) {
    return replica.residency() == stopping && replica.stop_cause() != StopCause::failure;
}

// --- verdicts

// A user, or the job's own time. Ends its run and nothing else.
void Engine::on(const JobCancelAsked& event, Instant now, Commands& out) {
    const auto request = find_job(event.job);
    for (Model& model : models_) {
        std::erase_if(model.jobs.told,
                      [&](const auto& told) { return told.head.job == event.job; });
    }
    if (!request) return;  // the store's to end: it waits there, or its end is being written
    stop_job(*request, JobStopCause::cancel, now, out);
}

void Engine::on_job_deadline(RequestId request, Instant now, Commands& out) {
    stop_job(request, JobStopCause::deadline, now, out);
}

void Engine::stop_job(RequestId request, JobStopCause cause, Instant now, Commands& out) {
    Job& job = jobs_.jobs.at(request);
    const ModelId id = job.model;
    const Stage stage = calls_.at(request).stage;
    if (stage == Stage::queued) {
        forget_job(request);  // the store ends it by itself
        return advance(id, now, out);
    }
    if (job.verdict) return;
    job.verdict = cause;
    if (stage == Stage::claiming) return;  // once the claim is answered
    if (!mutant(Mutant::job_verdict_unsaid)) {
        out.push_back(StopJob{job.head.job, job.attempt, cause});
    }
    if (stage == Stage::sent) replica_of(runs_.at(request)).recall(request, out);
    if (stage == Stage::begun) ask_to_end(request, now, out);
}

// A worker that does not listen is ended, once nobody else uses it.
void Engine::ask_to_end(RequestId request, Instant now, Commands& out) {
    const ReplicaId id = runs_.at(request);
    replica_of(id).cancel(request, out);
    if (mutant(Mutant::job_cancel_only_asks)) return;
    deadlines_.arm({TimerKind::job_grace, request.value},
                   saturating_add(now, model_of(id.model).spec.limits.cancel_grace));
}

void Engine::on_job_grace(RequestId request, Instant now, Commands& out) {
    const ReplicaId id = runs_.at(request);
    jobs_.jobs.at(request).is_overdue = true;
    Replica& replica = replica_of(id);
    if (replica.residency() == ready) replica.drain(out);
    advance(id.model, now, out);
}

bool Engine::holds_only_overdue(const Replica& replica) const {
    if (replica.leases().empty() || jobs_.jobs.empty()) return false;
    return std::ranges::all_of(replica.leases(), [&](const auto& entry) {
        const auto job = jobs_.jobs.find(entry.first);
        return job != jobs_.jobs.end() && job->second.is_overdue;
    });
}

// It broke a limit, and its worker goes. Nothing that is heard of it counts any more.
void Engine::condemn_job(RequestId request, JobStopCause cause, const Error& error, Commands& out) {
    Job& job = jobs_.jobs.at(request);
    if (!job.verdict) {
        job.verdict = cause;
        if (!mutant(Mutant::job_verdict_unsaid)) {
            out.push_back(StopJob{job.head.job, job.attempt, cause});
        }
    }
    job.error = error;
    await_end(request);
    if (mutant(Mutant::job_retried_before_reaped)) settle_ended(job.generation, out);
}

void Engine::await_end(RequestId request) {
    calls_.at(request).stage = Stage::ending;
    for (const TimerKind kind : {TimerKind::job_deadline, TimerKind::job_grace}) {
        deadlines_.disarm({kind, request.value});
    }
    jobs_.ending[jobs_.jobs.at(request).generation].insert(request);
}

// --- runs

void Engine::begin_job(RequestId request, Instant now, Commands& out) {
    Job& job = jobs_.jobs.at(request);
    job.has_begun = true;
    const bool is_asked = job.verdict && !takes_worker(*job.verdict);
    if (is_asked && calls_.at(request).stage == Stage::sent) ask_to_end(request, now, out);
}

// The worker has said how its run ended, and lives.
void Engine::end_job_run(RequestId request, std::optional<Error> error, bool was_cancelled,
                         Timings timings, Commands& out) {
    const auto found = jobs_.jobs.find(request);
    if (found == jobs_.jobs.end() || is_condemned(request)) return;
    const Job& job = found->second;
    if (job.verdict && !mutant(Mutant::job_late_result_taken)) {
        return settle_verdict(request, timings, out);
    }
    if (!error) return settle(request, {.end = JobEnd::succeeded, .timings = timings}, out);
    const bool is_cut = shutting_down_ && was_cancelled;
    if (is_cut && !mutant(Mutant::job_shutdown_charged)) {
        return settle(request, {.end = JobEnd::returned, .error = error, .timings = timings}, out);
    }
    settle_failure(request, *std::move(error), timings, out);
}

// It came back from a worker before it began, or never got there; perhaps as none would load.
void Engine::end_unbegun_job(RequestId request, Commands& out) {
    if (calls_.at(request).stage == Stage::ending) return;
    const Job& job = jobs_.jobs.at(request);
    if (job.verdict) return settle_verdict(request, std::nullopt, out);
    if (job.load_error) return settle_failure(request, *job.load_error, std::nullopt, out);
    settle(request, {.end = JobEnd::returned}, out);
}

// Its worker is gone, or does not die. `is_wanted`: the job had no part in that.
void Engine::lose_job(RequestId request, const Error& error, bool is_wanted) {
    Job& job = jobs_.jobs.at(request);
    const Stage stage = calls_.at(request).stage;
    if (stage == Stage::claiming) {
        job.generation = {};
        return;
    }
    if (stage == Stage::ending) return;
    const bool is_unbegun = !job.has_begun && !mutant(Mutant::job_unbegun_charged);
    const bool is_daemons = shutting_down_ && !mutant(Mutant::job_shutdown_charged);
    job.is_uncharged = is_unbegun || is_wanted || is_daemons;
    job.error = error;
    await_end(request);
}

// --- settlements

// The process is reaped.
void Engine::settle_ended(Generation generation, Commands& out) {
    const auto ending = jobs_.ending.find(generation);
    if (ending == jobs_.ending.end()) return;
    const std::set<RequestId> requests = std::move(ending->second);
    jobs_.ending.erase(ending);
    for (const RequestId request : requests) {
        const Job& job = jobs_.jobs.at(request);
        if (job.verdict) {
            settle_verdict(request, std::nullopt, out);
        } else if (job.is_uncharged) {
            settle(request, {.end = JobEnd::returned, .error = job.error}, out);
        } else if (job.error && job.error->code == Errc::host_out_of_memory) {
            // As if it had been caught in the run: its type says what helps, not the signal.
            settle_failure(request, *job.error, std::nullopt, out);
        } else {
            settle_crash(request, out);
        }
    }
}

void Engine::settle_verdict(RequestId request, std::optional<Timings> timings, Commands& out) {
    const Job& job = jobs_.jobs.at(request);
    WL_ASSERT(job.verdict);
    switch (*job.verdict) {
        case JobStopCause::stalled:
        case JobStopCause::timeout: return settle_crash(request, out);
        case JobStopCause::cancel:
            return settle(request,
                          {.end = JobEnd::cancelled, .error = job.error, .timings = timings}, out);
        case JobStopCause::deadline:
            return settle(request,
                          {.end = JobEnd::dead,
                           .reason = DeadReason::deadline,
                           .error = job.error,
                           .timings = timings},
                          out);
    }
}

void Engine::settle_crash(RequestId request, Commands& out) {
    const Job& job = jobs_.jobs.at(request);
    const ModelSpec& spec = model_of(job.model).spec;
    const std::uint32_t crashes = job.head.crashes + 1;
    SettleJob ending{
        .end = JobEnd::retried,
        .charge = mutant(Mutant::job_crash_uncounted) ? JobCharge::none : JobCharge::crash,
        .error = job.error};
    if (crashes >= spec.job_crashes_max) {
        ending.end = JobEnd::dead;
        ending.reason = DeadReason::crash_budget;
    } else {
        ending.delay = retry_delay(spec, job, job.head.failures + crashes);
    }
    settle(request, std::move(ending), out);
}

void Engine::settle_failure(RequestId request, Error error, std::optional<Timings> timings,
                            Commands& out) {
    const Job& job = jobs_.jobs.at(request);
    const ModelSpec& spec = model_of(job.model).spec;
    const std::uint32_t failures = job.head.failures + 1;
    SettleJob ending{.end = JobEnd::dead, .charge = JobCharge::failure, .timings = timings};
    if (is_hopeless(error.code)) {
        ending.reason = DeadReason::rejected;
    } else if (failures >= spec.job_failures_max) {
        ending.reason = DeadReason::attempts;
    } else {
        ending.end = JobEnd::retried;
        ending.delay = retry_delay(spec, job, job.head.crashes + failures);
    }
    ending.error = std::move(error);
    settle(request, std::move(ending), out);
}

// The only place where an attempt that was claimed ends.
void Engine::settle(RequestId request, SettleJob ending, Commands& out) {
    const Job& job = jobs_.jobs.at(request);
    WL_ASSERT(job.attempt > 0);
    const bool may_run = mutant(Mutant::job_retried_before_reaped);
    WL_ASSERT(!runs_.contains(request) || may_run);
    ending.model = job.model;
    ending.job = job.head.job;
    ending.attempt = job.attempt;
    ending.request = request;
    ending.generation = job.has_begun ? job.generation : Generation{};
    if (const auto old = jobs_.ending.find(job.generation); old != jobs_.ending.end()) {
        old->second.erase(request);
    }
    jobs_.settling.insert_or_assign(
        job.head.job, Settling{job.attempt, job.model, ending.end == JobEnd::returned});
    out.push_back(ending);
    if (mutant(Mutant::job_settled_twice)) out.push_back(ending);
    forget_job(request);
}

void Engine::on(const JobSettled& event, Instant now, Commands& out) {
    const auto settling = jobs_.settling.find(event.job);
    if (settling == jobs_.settling.end() || settling->second.attempt != event.attempt) return;
    const Settling settled = settling->second;
    jobs_.settling.erase(settling);
    Model& model = model_of(settled.model);
    if (settled.is_ready_again) model.jobs.is_stale = true;
    advance(model.id, now, out);
}

// The job that alone had begun in it, or was sent there alone; none: several, or none at all.
JobId Engine::sole_job(const Replica& replica) const {
    JobId sole;
    std::size_t begun = 0;
    for (const auto& [request, lease] : replica.leases()) {
        if (!lease.begun) continue;
        ++begun;
        const auto job = jobs_.jobs.find(request);
        sole = job == jobs_.jobs.end() ? JobId{} : job->second.head.job;
    }
    return begun == 1 ? sole : JobId{};
}

}  // namespace windlass::core
