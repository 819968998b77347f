// What people order about jobs in memory, and ask of them.
#include <algorithm>
#include <ranges>

#include "store/job_rules.h"
#include "store/testing/memory_jobs.h"

namespace windlass::store::testing {
bool MemoryJobs::change(BulkAction action, Job& job, std::int64_t now_ms) {
    JobRecord& record = job.record;
    const bool is_waiting = record.state < JobState::running;
    switch (action) {
        case BulkAction::cancel:
            if (is_waiting) move(job, JobState::cancelled, now_ms);
            return is_waiting;
        case BulkAction::hold:
            if (!is_waiting || record.state == JobState::held) return false;
            move(job, JobState::held, now_ms);
            record.held = HoldCause::user;
            return true;
        case BulkAction::release:
            if (record.state != JobState::held) return false;
            move(job,
                 record.due_ms.value_or(now_ms) <= now_ms ? JobState::available
                                                          : JobState::scheduled,
                 now_ms);
            return true;
        case BulkAction::retry:
            if (record.state != JobState::failed && record.state != JobState::cancelled) {
                return false;
            }
            record.head.failures = record.head.crashes = 0;
            record.error.reset();
            record.progress.clear();
            record.settings.clear();
            if (record.head.deadline_ms.value_or(now_ms + 1) <= now_ms) {
                record.head.deadline_ms.reset();
            }
            record.due_ms.reset();
            job.rank.reset();
            job.deaths_ms.clear();
            move(job, JobState::available, now_ms);
            return true;
        case BulkAction::remove:
            if (!is_over(record.state)) return false;
            --queues_[record.model].counts[std::to_underlying(record.state)];
            jobs_.erase(record.head.job);
            return true;
    }
    return false;
}

base::Result<JobState> MemoryJobs::cancel(JobId id, std::int64_t now_ms) {
    Job* const job = find(id);
    if (job == nullptr) return no_such_job(id);
    change(BulkAction::cancel, *job, now_ms);
    return job->record.state;
}

base::Result<JobState> MemoryJobs::hold(JobId id, std::int64_t now_ms) {
    Job* const job = find(id);
    if (job == nullptr) return no_such_job(id);
    if (job->record.state == JobState::held || change(BulkAction::hold, *job, now_ms)) {
        return job->record.state;
    }
    return wrong_state(id, job->record.state, "held");
}

base::Result<JobState> MemoryJobs::release(JobId id, std::int64_t now_ms) {
    Job* const job = find(id);
    if (job == nullptr) return no_such_job(id);
    if (change(BulkAction::release, *job, now_ms)) return job->record.state;
    return wrong_state(id, job->record.state, "released");
}

base::Result<JobState> MemoryJobs::retry(JobId id, std::int64_t now_ms) {
    Job* const job = find(id);
    if (job == nullptr) return no_such_job(id);
    if (change(BulkAction::retry, *job, now_ms)) return job->record.state;
    return wrong_state(id, job->record.state, "tried again");
}

base::Result<void> MemoryJobs::remove(JobId id) {
    Job* const job = find(id);
    if (job == nullptr) return no_such_job(id);
    const JobState state = job->record.state;
    if (change(BulkAction::remove, *job, 0)) return {};
    return wrong_state(id, state, "deleted before it is finished");
}

base::Result<BulkResult> MemoryJobs::bulk(BulkAction action, const JobQuery& query,
                                          std::int64_t now_ms) {
    JobQuery bounded = query;
    WL_TRY(check_query(query));
    bounded.limit = std::min(query.limit, JobStore::kStep);
    const JobPage page = WL_TRY(list(bounded));
    BulkResult result{.next = page.next};
    for (const JobRecord& record : page.jobs) {
        Job& job = jobs_.at(record.head.job);
        if (action == BulkAction::cancel && job.record.state == JobState::running) {
            result.running.push_back(record.head.job);
        } else if (change(action, job, now_ms)) {
            ++result.changed;
        }
    }
    return result;
}

base::Result<JobHistory> MemoryJobs::read(JobId id) const {
    const Job* const job = find(id);
    if (job == nullptr) return no_such_job(id);
    JobHistory history{.job = job->record, .attempts = job->attempts};
    if (job->lease.attempt) {
        history.job.attempt = job->lease.attempt;
        history.job.started_ms = job->lease.started_ms;
        history.job.stopping = job->lease.stopping;
        if (!job->lease.progress.empty()) history.job.progress = job->lease.progress;
    }
    if (job->result) {
        history.job.result_type = job->result->content_type;
        history.job.result_bytes = job->result->body.size();
    }
    if (history.attempts.size() > JobStore::kAttemptsShown) {
        history.attempts.erase(
            history.attempts.begin(),
            history.attempts.end() - static_cast<std::ptrdiff_t>(JobStore::kAttemptsShown));
    }
    return history;
}

base::Result<JobResult> MemoryJobs::result(JobId id) const {
    const Job* const job = find(id);
    if (job == nullptr) return no_such_job(id);
    if (job->record.state != JobState::succeeded) {
        return wrong_state(id, job->record.state, "asked for a result");
    }
    return job->result.value_or(JobResult{});
}

base::Result<JobPage> MemoryJobs::list(const JobQuery& query) const {
    WL_TRY(check_query(query));
    JobPage page;
    for (const auto& [id, job] : std::views::reverse(jobs_)) {
        if (query.before && id >= *query.before) continue;
        if (!admits(query.filter, job.record)) continue;
        page.jobs.push_back(WL_TRY(read(id)).job);
        if (page.jobs.size() < query.limit) continue;
        page.next = id;
        break;
    }
    return page;
}

std::vector<ModelCounts> MemoryJobs::counts() const {
    std::vector<ModelCounts> all;
    all.reserve(queues_.size());
    for (const auto& [model, queue] : queues_) {
        ModelCounts& counts = all.emplace_back(
            ModelCounts{.model = model, .by_state = queue.counts, .waiting_since_ms = {}});
        if (queue.ready.empty()) continue;
        counts.waiting_since_ms = jobs_.at(queue.ready.begin()->second).available_ms;
    }
    return all;
}

std::vector<ModelStatistics> MemoryJobs::statistics(std::int64_t since_ms) const {
    std::map<std::string, JobSlice> by_model;
    for (const auto& [key, slice] : slices_) {
        if (key.first >= slice_of(since_ms)) by_model[key.second].merge(slice);
    }
    return statistics_of(by_model);
}

std::uint64_t MemoryJobs::retain(const JobRetention& retention, std::int64_t now_ms) {
    std::vector<JobId> old;
    const auto is_old = [now_ms](const JobRecord& record, base::Duration kept) {
        return record.finished_ms && *record.finished_ms <= now_ms - to_ms(kept);
    };
    for (const auto& [id, job] : jobs_) {
        const JobRecord& record = job.record;
        const bool goes =
            (record.state == JobState::succeeded && is_old(record, retention.succeeded)) ||
            (record.state == JobState::cancelled && is_old(record, retention.cancelled)) ||
            (record.state == JobState::failed && is_old(record, retention.failed));
        if (goes && old.size() < JobStore::kStep) old.push_back(id);
    }
    for (const JobId id : old) change(BulkAction::remove, jobs_.at(id), now_ms);
    return old.size();
}

}  // namespace windlass::store::testing
