// Maps and sets.
#include "store/testing/memory_jobs.h"

#include <algorithm>
#include <chrono>
#include <ranges>

#include "base/overloaded.h"
#include "store/job_rules.h"

namespace windlass::store::testing {

// --- where a job stands

MemoryJobs::Job* MemoryJobs::find(JobId job) {
    const auto found = jobs_.find(job);
    return found == jobs_.end() ? nullptr : &found->second;
}

const MemoryJobs::Job* MemoryJobs::find(JobId job) const {
    const auto found = jobs_.find(job);
    return found == jobs_.end() ? nullptr : &found->second;
}

MemoryJobs::Job* MemoryJobs::find_leased(JobId job, AttemptId attempt) {
    Job* const found = find(job);
    const bool has_it = attempt && found != nullptr && found->lease.attempt == attempt;
    return has_it ? found : nullptr;
}

MemoryJobs::Job* MemoryJobs::find_keyed(const std::string& key) {
    if (key.empty()) return nullptr;
    const auto found = std::ranges::find_if(
        jobs_, [&key](const auto& one) { return one.second.record.key == key; });
    return found == jobs_.end() ? nullptr : &found->second;
}

void MemoryJobs::place(Job& job, JobState state, std::int64_t now_ms) {
    JobRecord& record = job.record;
    Queue& queue = queues_[record.model];
    record.state = state;
    ++queue.counts[std::to_underlying(state)];
    if (state != JobState::held) record.held.reset();
    if (state == JobState::scheduled) due_.emplace(record.due_ms.value_or(0), record.head.job);
    if (state == JobState::available) {
        record.due_ms.reset();
        job.available_ms = now_ms;
        if (!job.rank) job.rank = queue.order.enter({record.head.tenant, record.head.priority});
        queue.ready.emplace(*job.rank, record.head.job);
    }
    record.head.rank = job.rank.value_or(0);
    record.finished_ms.reset();
    if (is_over(state)) {
        record.finished_ms = now_ms;
    } else {
        record.reason.reset();
    }
}

void MemoryJobs::move(Job& job, JobState to, std::int64_t now_ms) {
    const JobRecord& record = job.record;
    Queue& queue = queues_[record.model];
    --queue.counts[std::to_underlying(record.state)];
    if (record.state == JobState::scheduled) {
        due_.erase({record.due_ms.value_or(0), record.head.job});
    }
    if (record.state == JobState::available) {
        queue.ready.erase({job.rank.value_or(0), record.head.job});
    }
    job.lease = {};
    place(job, to, now_ms);
    if (is_over(to)) slice(job, now_ms).add(to);
}

void MemoryJobs::fail(Job& job, FailReason reason, std::int64_t now_ms) {
    job.record.reason = reason;
    move(job, JobState::failed, now_ms);
}

JobSlice& MemoryJobs::slice(const Job& job, std::int64_t now_ms) {
    return slices_[{slice_of(now_ms), job.record.model}];
}

// --- submission and order

base::Result<Submission> MemoryJobs::submit(const NewJob& job, std::uint64_t queue_limit,
                                            std::int64_t now_ms) {
    WL_TRY(check_job(job));
    const auto told = [](const Job& one, bool is_new) {
        Submission submission{
            .job = one.record.head.job, .state = one.record.state, .is_new = is_new};
        if (submission.state == JobState::available) submission.head = one.record.head;
        return submission;
    };
    if (const Job* const known = find_keyed(job.key)) {
        if (known->request_hash != job.request_hash) {
            return key_reused(job.key, known->record.head.job);
        }
        return told(*known, false);
    }
    const auto& counts = queues_[job.model].counts;
    if (counts[0] + counts[1] + counts[2] >= queue_limit) {
        return queue_is_full(job.model, queue_limit);
    }
    if (job.attempt && !is_next(job.attempt)) return number_used(job.id, job.attempt);
    const JobId id = job.id ? job.id : reserve();
    Job& made = jobs_[id];
    made.record.head = {.job = id,
                        .variant = job.variant,
                        .tenant = job.tenant,
                        .priority = job.priority,
                        .submitted_ms = now_ms,
                        .deadline_ms = job.deadline_ms,
                        .run_timeout = job.run_timeout,
                        .stall_timeout = job.stall_timeout,
                        .failures_max = job.failures_max,
                        .crashes_max = job.crashes_max};
    made.record.model = job.model;
    made.record.key = job.key;
    made.record.content_type = job.content_type;
    made.record.settings = job.settings;
    made.record.input_bytes = job.input.size();
    made.input = job.input;
    made.request_hash = job.request_hash;
    const bool is_due = job.run_at_ms.value_or(now_ms) <= now_ms;
    if (!is_due) made.record.due_ms = job.run_at_ms;
    place(made, is_due ? JobState::available : JobState::scheduled, now_ms);
    const bool is_late = job.deadline_ms.value_or(now_ms + 1) <= now_ms;
    if (!job.attempt || !is_due || is_late) return told(made, true);
    ClaimedJob claimed = WL_TRY(claim(id, job.attempt, now_ms));
    Submission submission = told(made, true);
    submission.claimed = std::move(claimed);
    return submission;
}

base::Result<std::vector<JobHead>> MemoryJobs::heads(const JobStore::HeadQuery& query) const {
    if (query.limit < 1 || query.limit > JobStore::kHeadsMax) {
        return base::fail(base::Errc::invalid_input, "ask for fewer heads");
    }
    std::vector<JobHead> heads;
    const auto queue = queues_.find(query.model);
    if (queue == queues_.end()) return heads;
    const auto& ready = queue->second.ready;
    auto at =
        query.after ? ready.upper_bound({query.after->rank, query.after->job}) : ready.begin();
    for (; at != ready.end() && heads.size() < query.limit; ++at) {
        heads.push_back(jobs_.at(at->second).record.head);
    }
    return heads;
}

base::Result<Promotion> MemoryJobs::promote(std::int64_t now_ms,
                                            std::chrono::milliseconds wall_step) {
    for (const auto& [due_ms, id] : std::exchange(due_, {})) {
        JobRecord& record = jobs_.at(id).record;
        const bool is_retry = record.head.attempts > 0;
        const std::int64_t moved_ms = is_retry ? due_ms + wall_step.count() : due_ms;
        record.due_ms = moved_ms;
        due_.emplace(moved_ms, id);
    }
    Promotion promotion;
    std::set<std::string> models;
    for (auto& [id, job] : jobs_) {
        const bool is_late = job.record.head.deadline_ms.value_or(now_ms + 1) <= now_ms;
        if (!is_late || job.record.state >= JobState::running) continue;
        promotion.expired.push_back({id, job.record.model});
        fail(job, FailReason::deadline, now_ms);
    }
    std::ranges::sort(promotion.expired, {}, [this](const Expired& expired) {
        return *jobs_.at(expired.job).record.head.deadline_ms;
    });
    while (!due_.empty() && due_.begin()->first <= now_ms) {
        Job& job = jobs_.at(due_.begin()->second);
        move(job, JobState::available, now_ms);
        models.insert(job.record.model);
    }
    promotion.models.assign(models.begin(), models.end());
    if (!due_.empty()) promotion.next_ms = due_.begin()->first;
    for (const auto& [id, job] : jobs_) {
        const auto& deadline = job.record.head.deadline_ms;
        if (!deadline || job.record.state >= JobState::running) continue;
        promotion.next_ms = std::min(promotion.next_ms.value_or(*deadline), *deadline);
    }
    return promotion;
}

bool MemoryJobs::is_next(AttemptId attempt) const {
    const bool is_ours = incarnation_ != 0 && attempt.value >> kIncarnationShift == incarnation_;
    return is_ours && attempt.value > last_attempt_;
}

base::Result<ClaimedJob> MemoryJobs::claim(JobId id, AttemptId attempt, std::int64_t now_ms) {
    Job* const job = find(id);
    if (job == nullptr) return no_such_job(id);
    JobRecord& record = job->record;
    const bool is_late = record.head.deadline_ms.value_or(now_ms + 1) <= now_ms;
    if (record.state != JobState::available || is_late) return not_available(id, record.state);
    if (!is_next(attempt)) return number_used(id, attempt);
    last_attempt_ = attempt.value;
    queues_[record.model].order.dispatch(job->rank.value_or(0));
    ++record.head.attempts;
    record.progress.clear();
    const std::int64_t queue_ms = std::max<std::int64_t>(now_ms - job->available_ms, 0);
    move(*job, JobState::running, now_ms);
    job->lease = Lease{.attempt = attempt, .started_ms = now_ms, .queue_ms = queue_ms};
    ClaimedJob claimed{.head = record.head,
                       .content_type = record.content_type,
                       .input = job->input,
                       .settings = record.settings};
    const bool was_charged = record.head.failures + record.head.crashes > 0;
    if (was_charged && !job->attempts.empty()) claimed.error = job->attempts.back().error;
    return claimed;
}

// --- attempts

base::Result<void> MemoryJobs::begin_stop(JobId id, AttemptId attempt, StopCause cause) {
    Job* const job = find_leased(id, attempt);
    if (job == nullptr) return stale_attempt(id, attempt);
    if (!job->lease.stopping) job->lease.stopping = cause;
    if (cause == StopCause::cancel) job->lease.is_unwanted = true;
    return {};
}

base::Result<void> MemoryJobs::keep_progress(JobId id, AttemptId attempt, const std::string& json) {
    WL_TRY(check_json("progress", json));
    Job* const job = find_leased(id, attempt);
    if (job == nullptr) return stale_attempt(id, attempt);
    job->lease.progress = json;
    return {};
}

base::Result<void> MemoryJobs::keep_settings(JobId id, AttemptId attempt, const std::string& json) {
    WL_TRY(check_json("settings", json));
    Job* const job = find_leased(id, attempt);
    if (job == nullptr) return stale_attempt(id, attempt);
    job->record.settings = json;
    return {};
}

void MemoryJobs::finish_attempt(Job& job, AttemptRecord attempt, std::int64_t now_ms) {
    attempt.number = job.record.head.attempts;
    attempt.attempt = job.lease.attempt;
    attempt.started_ms = job.lease.started_ms;
    attempt.ended_ms = now_ms;
    attempt.queue_ms = job.lease.queue_ms;
    attempt.settings = job.record.settings;
    attempt.progress = job.lease.progress;
    job.record.progress = attempt.progress;
    if (attempt.error) job.record.error = attempt.error;
    slice(job, now_ms).add(attempt);
    job.attempts.push_back(std::move(attempt));
}

void MemoryJobs::apply(Job& job, const Outcome& outcome, std::int64_t now_ms) {
    const auto& deadline = job.record.head.deadline_ms;
    const auto retry_later = [&](const RetryAfter& retry) {
        if (!retry.settings.empty()) job.record.settings = retry.settings;
        const std::int64_t due_ms = add_ms(now_ms, retry.delay);
        if (deadline && due_ms >= *deadline) return fail(job, FailReason::deadline, now_ms);
        ++slice(job, now_ms).jobs[JobSlice::retries];
        if (due_ms <= now_ms) return move(job, JobState::available, now_ms);
        job.record.due_ms = due_ms;
        move(job, JobState::scheduled, now_ms);
    };
    std::visit(base::Overloaded{[&](const Succeeded& succeeded) {
                                    move(job, JobState::succeeded, now_ms);
                                    job.result = JobResult{succeeded.content_type, succeeded.body};
                                },
                                retry_later,
                                [&](const Returned&) {
                                    if (deadline && *deadline <= now_ms) {
                                        return fail(job, FailReason::deadline, now_ms);
                                    }
                                    move(job, JobState::available, now_ms);
                                },
                                [&](const Failed& failed) { fail(job, failed.reason, now_ms); },
                                [&](const Cancelled&) { move(job, JobState::cancelled, now_ms); }},
               outcome);
}

base::Result<Settled> MemoryJobs::settle(const Settlement& settlement, std::int64_t now_ms) {
    WL_TRY(check_settlement(settlement));
    Job* const job = find_leased(settlement.job, settlement.attempt);
    if (job == nullptr) return stale_attempt(settlement.job, settlement.attempt);
    const auto& stopping = job->lease.stopping;
    if (stopping && is_verdict(*stopping) && is_workers_word(settlement.outcome)) {
        return stale_attempt(settlement.job, settlement.attempt);
    }
    AttemptRecord attempt{.end = end_of(settlement.outcome, stopping),
                          .load = settlement.load,
                          .run = settlement.run,
                          .worker = settlement.worker,
                          .evidence = settlement.evidence};
    if (const JobError* const error = error_of(settlement.outcome)) attempt.error = *error;
    const bool is_over = job->lease.is_unwanted && comes_again(settlement.outcome);
    finish_attempt(*job, std::move(attempt), now_ms);
    const auto charged = charge_of(settlement.outcome);
    if (charged == Charge::failure) ++job->record.head.failures;
    if (charged == Charge::crash) ++job->record.head.crashes;
    apply(*job, is_over ? Outcome{Cancelled{}} : settlement.outcome, now_ms);
    Settled told{.state = job->record.state};
    if (store::is_over(told.state) && job->attempts.size() == 1)
        told.job = WL_TRY(read(settlement.job));
    return told;
}

void MemoryJobs::take_back(Job& job, JobStart& start, std::int64_t now_ms) {
    if (job.lease.is_unwanted) {
        ++start.cancelled;
        finish_attempt(job, {.end = AttemptEnd::cancelled}, now_ms);
        return move(job, JobState::cancelled, now_ms);
    }
    ++start.returned;
    finish_attempt(job, {.end = AttemptEnd::lost}, now_ms);
    job.deaths_ms.push_back(now_ms);
    constexpr auto kWindowMs =
        std::chrono::duration_cast<std::chrono::milliseconds>(JobStore::kSuspectWindow).count();
    const auto recent = std::ranges::count_if(
        job.deaths_ms, [now_ms](std::int64_t at_ms) { return at_ms > now_ms - kWindowMs; });
    if (recent < JobStore::kSuspectDeaths) return move(job, JobState::available, now_ms);
    ++start.suspected;
    move(job, JobState::held, now_ms);
    job.record.held = HoldCause::suspect;
}

base::Result<JobStart> MemoryJobs::begin(std::int64_t now_ms) {
    ++incarnation_;
    last_attempt_ = incarnation_ << kIncarnationShift;
    JobStart start{.first_attempt = {last_attempt_ + 1}, .last_job = {last_job_}};
    for (auto& [id, job] : jobs_) {
        if (job.lease.attempt) take_back(job, start, now_ms);
    }
    return start;
}

}  // namespace windlass::store::testing
