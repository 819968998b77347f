// What the oracle writes down of jobs, and whether what is ordered and said of them is right.
#include <fmt/core.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "world/ledger.h"

namespace windlass::world {

using base::Errc;
using core::DeadReason;
using core::JobCharge;
using core::JobEnd;
using core::JobId;
using core::JobStopCause;

namespace {

bool is_gone(Errc code) {
    return code == Errc::conflict || code == Errc::not_found || code == Errc::cancelled ||
           code == Errc::timeout;
}

std::tuple<std::uint64_t, JobId> place_of(const Job& job) { return {job.head.rank, job.head.job}; }

// The pause after the n-th charge, at least and at most a fifth beside its middle.
bool is_pause(const core::ModelSpec& spec, std::uint32_t charges, Duration delay) {
    Duration middle = spec.job_backoff;
    for (std::uint32_t n = 1; n < charges && middle < spec.job_backoff_max; ++n) middle *= 2;
    middle = std::min(middle, spec.job_backoff_max);
    const Duration slack{1000};
    return delay <= spec.job_backoff_max && delay + slack >= middle / 5 * 4 &&
           delay <= middle / 5 * 6 + slack;
}

}  // namespace

// --- what the store says

void Ledger::on(const core::JobStoreOpened& event, Instant) {
    facts_.jobs.last_attempt = event.first_attempt - 1;
}

bool Ledger::is_closing(ModelId model) const {
    return facts_.shutting_down || facts_.model(model).is_removed;
}

void Ledger::let_go(RequestId request) {
    facts_.jobs.open.erase(request);
    ++facts_.models[facts_.requests.at(request).model].touch_count;
    facts_.requests.at(request).is_answered = true;
    facts_.unanswered.erase(request);
    facts_.answered_now.insert(request);
}

template <class Which>
void Ledger::let_go_heads(Which which) {
    std::vector<RequestId> gone;
    for (const auto& [request, job] : facts_.jobs.open) {
        if (job.attempt == 0 && which(job)) gone.push_back(request);
    }
    for (const RequestId request : gone) let_go(request);
}

void Ledger::close_heads(ModelId model) {
    let_go_heads([&](const Job& job) { return !model || job.model == model; });
    std::erase_if(facts_.jobs.told,
                  [&](const ToldJob& told) { return !model || told.model == model; });
}

void Ledger::on(const core::HeadFetched& event, Instant now) {
    facts_.jobs.fetched.erase(event.model);
    if (is_closing(event.model)) return;
    let_go_heads([&](const Job& job) {
        const auto known = std::ranges::find(event.heads, job.head.job, &core::JobHead::job);
        return job.model == event.model &&
               (known == event.heads.end() || known->rank != job.head.rank);
    });
    for (const core::JobHead& head : event.heads) {
        const bool is_over = head.deadline && *head.deadline <= Duration{};
        if (facts_.jobs.settling.contains(head.job) || facts_.jobs.find(head.job) || is_over)
            continue;
        open_head(event.model, head, now);
    }
}

void Ledger::on(const core::FetchFailed& event, Instant now) {
    facts_.jobs.fetched.erase(event.model);
    note_trouble(now);
}

void Ledger::note_trouble(Instant now) {
    facts_.jobs.trouble = now;
    facts_.jobs.may_pause = true;
}

// Time was delivered, and what was due by then is done.
void Ledger::end_trouble(Instant now) {
    constexpr Duration kPauseMax = std::chrono::seconds{61};
    if (facts_.jobs.trouble + kPauseMax < now) facts_.jobs.may_pause = false;
}

void Ledger::on(const core::JobClaimed& event, Instant) {
    Job* job = facts_.jobs.find(event.request);
    if (job == nullptr || job->attempt == 0) return;
    job->is_granted = true;
    free_place(*job, event.request);
}

void Ledger::on(const core::ClaimRefused& event, Instant now) {
    Job* job = facts_.jobs.find(event.request);
    if (job == nullptr || job->attempt == 0) return;
    free_place(*job, event.request);
    if (!is_gone(event.error.code)) note_trouble(now);
    const bool is_unwanted = job->is_cancelled || job->is_over || is_closing(job->model);
    if (is_gone(event.error.code) || is_unwanted) return let_go(event.request);
    job->attempt = 0;
    job->generation = {};
    job->load_error.reset();
}

void Ledger::on(const core::JobSettled& event, Instant) {
    const auto settling = facts_.jobs.settling.find(event.job);
    if (settling == facts_.jobs.settling.end() || settling->second != event.attempt) return;
    facts_.jobs.settling.erase(settling);
}

void Ledger::on(const core::JobCancelAsked& event, Instant) {
    const RequestId request = facts_.jobs.find(event.job);
    Job* job = facts_.jobs.find(request);
    std::erase_if(facts_.jobs.told,
                  [&](const ToldJob& told) { return told.head.job == event.job; });
    if (job == nullptr) return;
    if (job->attempt == 0) return let_go(request);
    job->is_cancelled = true;
}

// What was kept for it.
void Ledger::free_place(const Job& job, RequestId request) {
    Process* process = facts_.find_process(job.generation);
    if (process == nullptr || process->claims.erase(request) == 0) return;
    note_rest(*process);
}

void Ledger::pass_job_time(Instant now) {
    let_go_heads([&](const Job& job) {
        if (job.deadline <= now) facts_.jobs.given_up.insert(job.model);
        return job.deadline <= now;
    });
    for (auto& [request, job] : facts_.jobs.open) {
        if (job.deadline <= now) job.is_over = true;
        if (job.is_granted || job.attempt == 0 || job.claimed + kClaimPatience > now) continue;
        free_place(job, request);
    }
}

// --- what is ordered

void Ledger::on(const core::FetchHead& command, Instant) {
    facts_.jobs.fetched.insert(command.model);
    if (is_closing(command.model))
        fail(Invariant::wishes_are_obeyed, "jobs were asked for of a model that takes none");
}

bool Ledger::has_alone(const Process& process) const {
    const auto is_alone = [&](RequestId request) {
        const Job* job = facts_.jobs.find(request);
        return job != nullptr && job->is_alone();
    };
    return std::ranges::any_of(process.claims, is_alone) ||
           std::ranges::any_of(process.runs, [&](const auto& run) { return is_alone(run.first); });
}

// What it was that had a run of this job still may have it.
bool Ledger::is_haunted(JobId job) const {
    const auto place = facts_.jobs.places.find(job);
    return place != facts_.jobs.places.end() && facts_.find_process(place->second) != nullptr;
}

void Ledger::on(const core::ClaimJob& command, Instant now) {
    Job* job = facts_.jobs.find(command.request);
    if (job == nullptr || job->head.job != command.job || job->attempt > 0)
        return fail(Invariant::jobs_are_permitted, "a job was claimed that is no head");
    if (command.attempt <= facts_.jobs.last_attempt)
        fail(Invariant::jobs_are_permitted, "the number of an attempt was given twice");
    facts_.jobs.last_attempt = command.attempt;
    if (is_haunted(command.job)) {
        fail(Invariant::jobs_are_permitted,
             "a job was claimed while the process of its last attempt lives");
    }
    if (facts_.models[command.model].is_paused || is_closing(command.model))
        fail(Invariant::wishes_are_obeyed, "a job was claimed for a model that begins nothing");
    if (command.generation) {
        check_place(*job, command);
        check_turn(*job, now);
        facts_.jobs.turns[command.model] = now;
    } else {
        charge_load(*job, now);
    }
    job->attempt = command.attempt;
    job->generation = command.generation;
    job->claimed = now;
    job->is_granted = job->was_sent = job->has_begun = false;
    const auto process = facts_.processes.find(command.generation);
    if (process != facts_.processes.end()) process->second.claims.insert(command.request);
}

void Ledger::check_place(const Job& job, const core::ClaimJob& command) {
    const auto found = facts_.processes.find(command.generation);
    if (found == facts_.processes.end())
        return fail(Invariant::orders_make_sense, "a place was kept in a process that is gone");
    const Process& process = found->second;
    if (!process.is_loaded || process.is_deaf || must_go(process) || process.had_limit)
        fail(Invariant::orders_make_sense, "a place was kept in a worker that is not ready");
    const bool is_empty = process.runs.empty() && process.claims.empty();
    if ((job.is_alone() && !is_empty) || has_alone(process))
        fail(Invariant::jobs_are_permitted, "what took a worker along runs beside others");
    check_window(process);
}

// --- loads that fail

// Had it failed before, or been told to go, nobody would wait for it.
void Ledger::note_failed_load(Generation generation) {
    const auto found = facts_.processes.find(generation);
    if (found == facts_.processes.end()) return;
    const Process& process = found->second;
    const bool is_over = process.is_loaded || process.has_failed || process.is_deaf;
    if (!is_over && !must_go(process)) facts_.jobs.failed_loads.insert(generation);
}

void Ledger::note_late_loads(Instant now) {
    for (const auto& [generation, process] : facts_.processes) {
        const core::ReplicaLimits& limits = process.limits;
        const Instant end = process.said_hello ? process.load_sent + limits.load_timeout
                                               : process.launched + limits.start_timeout;
        if (end <= now) note_failed_load(generation);
    }
}

// The store may not be asked; or need not be: its pause may be over.
bool Ledger::is_store_troubled(Instant now) const {
    if (facts_.jobs.may_pause) return true;
    return std::ranges::any_of(facts_.jobs.open, [&](const auto& entry) {
        const Job& job = entry.second;
        return job.attempt > 0 && !job.is_granted && job.claimed + kClaimPatience <= now;
    });
}

// Of those that wait.
const Job* Ledger::find_first(ModelId model, Instant now) const {
    const Job* first = nullptr;
    for (const auto& [request, job] : facts_.jobs.open) {
        if (job.model != model || job.attempt > 0 || job.deadline <= now) continue;
        if (first == nullptr || place_of(job) < place_of(*first)) first = &job;
    }
    return first;
}

void Ledger::on_load_failed(const core::Report& command, Instant now) {
    if (facts_.jobs.failed_loads.erase(command.generation) == 0)
        return fail(Invariant::jobs_end_once, "a load was said to have failed that had not");
    const bool is_served = std::ranges::any_of(facts_.processes, [&](const auto& entry) {
        const auto& [generation, p] = entry;
        const bool is_going = p.is_draining || p.had_limit || p.is_deaf || p.is_poisoned ||
                              p.has_failed || must_go(p);
        return p.model == command.model && generation != command.generation && !is_going;
    });
    const bool is_idle = facts_.model(command.model).is_paused || is_closing(command.model);
    if (is_served || is_idle || !command.error) return;
    const bool is_owed = !is_store_troubled(now) && find_first(command.model, now) != nullptr;
    facts_.jobs.charges.push_back({command.model, *command.error, is_owed});
}

// Claimed for no place: it pays for the load that failed.
void Ledger::charge_load(Job& job, Instant now) {
    auto& charges = facts_.jobs.charges;
    const auto charge = std::ranges::find(charges, job.model, &LoadCharge::model);
    if (charge == charges.end())
        return fail(Invariant::jobs_end_once, "a job was claimed that no failed load is behind");
    if (find_first(job.model, now) != &job)
        fail(Invariant::jobs_end_once, "a failed load was charged to another than the first job");
    job.load_error = charge->error;
    charges.erase(charge);
}

void Ledger::check_charges() {
    const bool is_owed = std::ranges::any_of(facts_.jobs.charges, &LoadCharge::is_owed);
    if (is_owed) {
        fail(Invariant::jobs_end_once,
             "a load failed, and the job that waited first is not charged");
    }
    facts_.jobs.charges.clear();
}

// --- turns

// The first of its model; and before a call only when its turn has come.
void Ledger::check_turn(const Job& job, Instant now) {
    for (const auto& [request, other] : facts_.jobs.open) {
        const bool is_rival = other.model == job.model && other.attempt == 0 && !other.is_alone() &&
                              other.deadline > now;
        if (is_rival && place_of(other) < place_of(job))
            fail(Invariant::jobs_are_permitted, "a job was passed by one that comes after it");
    }
    if (facts_.jobs.turns[job.model] + facts_.spec(job.model).max_wait <= now) return;
    for (const RequestId id : facts_.unanswered) {
        const Request& call = facts_.requests.at(id);
        if (call.model != job.model || call.kind != RequestKind::call) continue;
        const bool waits = facts_.find_run(id) == nullptr && call.transient_count == 0 &&
                           call.deadline > now && !call.is_gone;
        if (waits) fail(Invariant::jobs_are_permitted, "a job was begun before a call that waits");
    }
}

// A call is sent: no job's turn has come.
void Ledger::check_job_turn(ModelId model, Instant now) {
    const auto turn = facts_.jobs.turns.find(model);
    if (is_store_troubled(now) || turn == facts_.jobs.turns.end()) return;
    if (turn->second + facts_.spec(model).max_wait > now) return;
    bool is_waiting = false;
    for (const auto& [request, job] : facts_.jobs.open) {
        if (job.attempt > 0 || job.model != model || job.deadline <= now) continue;
        if (job.is_alone()) return;  // it may wait until a copy is empty
        is_waiting = true;
    }
    if (is_waiting) fail(Invariant::jobs_are_permitted, "calls kept a job waiting beyond max_wait");
}

void Ledger::check_job_sent(const core::Dispatch& command, const Process& process) {
    Job* job = facts_.jobs.find(command.request);
    const bool is_job = facts_.requests.at(command.request).kind == RequestKind::job;
    if (has_alone(process) && !(job != nullptr && job->is_alone()))
        fail(Invariant::jobs_are_permitted, "what took a worker along runs beside others");
    if (!is_job) return;
    if (job == nullptr || !job->is_granted || job->was_sent || job->stop ||
        job->generation != command.generation) {
        return fail(Invariant::jobs_are_permitted, "a job was sent to a worker without permission");
    }
    job->was_sent = true;
    facts_.jobs.places[job->head.job] = command.generation;
}

void Ledger::on(const core::StopJob& command, Instant now) {
    const RequestId request = facts_.jobs.find(command.job);
    Job* job = facts_.jobs.find(request);
    if (job == nullptr || !job->is_granted || job->attempt != command.attempt || job->stop)
        return fail(Invariant::jobs_end_once, "a verdict on an attempt that is none");
    const auto process = facts_.processes.find(job->generation);
    const bool has_limit =
        process != facts_.processes.end() && facts_.has_broken_limit(process->second, now);
    const bool is_true = command.cause == JobStopCause::cancel     ? job->is_cancelled
                         : command.cause == JobStopCause::deadline ? job->deadline <= now
                                                                   : has_limit;
    if (!is_true) fail(Invariant::jobs_end_once, "a verdict without a cause");
    job->stop = command.cause;
    job->stopped = now;
    if (command.cause == JobStopCause::stalled) ++facts_.jobs.stalled_count;
}

void Ledger::on(const core::SettleJob& command, Instant now) {
    const RequestId request = command.request;
    const Job* job = facts_.jobs.find(request);
    if (job == nullptr || !job->is_granted || job->attempt != command.attempt ||
        job->head.job != command.job) {
        return fail(Invariant::jobs_end_once,
                    "an attempt was settled that was not claimed, or a second time");
    }
    if (command.end == JobEnd::retried || command.end == JobEnd::returned) {
        if (is_haunted(command.job)) {
            fail(Invariant::jobs_are_permitted,
                 "a job is to be tried again while the process of its last attempt lives");
        }
    }
    check_end(*job, command, now);
    const bool is_end = command.end == JobEnd::retried || command.end == JobEnd::dead ||
                        command.end == JobEnd::cancelled;
    if (is_end && job->stop == JobStopCause::stalled) ++facts_.jobs.stall_end_count;
    facts_.jobs.settling[command.job] = command.attempt;
    facts_.jobs.places.erase(command.job);
    let_go(request);
}

void Ledger::check_end(const Job& job, const core::SettleJob& ending, Instant) {
    const auto wrong = [&](const char* sentence) { fail(Invariant::jobs_end_once, sentence); };
    const core::ModelSpec& spec = facts_.spec(job.model);
    const bool takes_worker = job.stop && !job.is_asked();
    const std::uint32_t charges = job.head.failures + job.head.crashes + 1;
    switch (ending.end) {
        case JobEnd::succeeded:
            if (facts_.happened.answered != ending.request) wrong("a success that no worker gave");
            if (job.stop) wrong("a success after a verdict");
            return;
        case JobEnd::retried:
            if (ending.charge == JobCharge::none) wrong("a retry that nothing was charged for");
            if (!is_pause(spec, charges, ending.delay)) wrong("a retry after a wrong pause");
            if (is_spent(job, ending.charge)) wrong("a retry beyond the budget");
            break;
        case JobEnd::returned:
            if (ending.charge != JobCharge::none) wrong("a return that was charged");
            if (job.stop) wrong("a verdict without an effect");
            if (job.load_error) wrong("a failed load was charged to nobody");
            return;
        case JobEnd::dead:
            if (ending.reason == DeadReason::none) wrong("dead without a reason");
            if (ending.reason == DeadReason::deadline) {
                if (job.deadline == Instant::max() || !job.is_over) wrong("dead before its time");
                return;
            }
            if (ending.reason == DeadReason::rejected) {
                const auto& cause = job.load_error ? job.load_error : facts_.happened.failed;
                if (!ending.error || cause != ending.error) wrong("rejected by nobody");
            } else if (!is_spent(job, ending.charge)) {
                wrong("dead within its budget");
            }
            break;
        case JobEnd::cancelled:
            if (!job.is_cancelled) wrong("cancelled without a wish");
            return;
    }
    if (ending.charge == JobCharge::failure) {
        const bool is_told = job.load_error ? ending.error == job.load_error
                                            : facts_.happened.failed_request == ending.request;
        if (!is_told) wrong("a failure nobody reported");
        if (job.stop) wrong("a failure after a verdict");
    } else {
        if (facts_.shutting_down && !takes_worker && !job.is_lost)
            wrong("the daemon's end was charged to a job");
        if (!job.has_begun && !takes_worker) wrong("a run that had not begun was charged");
    }
}

bool Ledger::is_spent(const Job& job, JobCharge charge) const {
    const core::ModelSpec& spec = facts_.spec(job.model);
    return charge == JobCharge::failure ? job.head.failures + 1 >= spec.job_failures_max
                                        : job.head.crashes + 1 >= spec.job_crashes_max;
}

// A worker has said how this run ended; it has it no more, unless it goes for it.
void Ledger::end_job_run(RequestId request, const std::optional<core::Error>& error) {
    Job* job = facts_.jobs.find(request);
    if (job == nullptr || (job->stop && !job->is_asked())) return;
    const bool is_fatal =
        error && (error->code == Errc::context_lost || error->code == Errc::device_lost ||
                  error->code == Errc::worker_lost);
    if (!is_fatal) facts_.jobs.places.erase(job->head.job);
    if (is_fatal) job->is_lost = !facts_.shutting_down;
}

// Without when things were: of the store's troubles and of turns.
void Ledger::encode_jobs(core::StateEncoder& encoder) const {
    encoder.number(facts_.jobs.open.size());
    for (const auto& [request, job] : facts_.jobs.open) {
        encoder.request(request);
        encoder.generation(job.generation);
        encoder.number((job.attempt > 0 ? 1u : 0u) | (job.is_granted ? 2u : 0u) |
                       (job.was_sent ? 4u : 0u) | (job.has_begun ? 8u : 0u) |
                       (job.is_cancelled ? 16u : 0u) | (job.is_over ? 32u : 0u) |
                       (job.is_lost ? 64u : 0u) | (job.load_error ? 128u : 0u) |
                       (job.stop ? 256u << static_cast<unsigned>(*job.stop) : 0u));
    }
    for (const auto& [job, attempt] : facts_.jobs.settling) encoder.number(job.value);
    for (const ToldJob& told : facts_.jobs.told) encoder.number(told.head.job.value);
    encoder.number(facts_.jobs.places.size());
    for (const auto& [job, generation] : facts_.jobs.places) encoder.generation(generation);
    for (const auto& [generation, process] : facts_.processes) {
        for (const RequestId request : process.claims) encoder.request(request);
    }
    encoder.number(facts_.jobs.may_pause ? 1 : 0);
}

}  // namespace windlass::world
