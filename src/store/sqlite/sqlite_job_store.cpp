// Orders about jobs for the thread, and its verdicts for the loop.
#include "store/sqlite/sqlite_job_store.h"

#include <utility>

#include "store/job_rules.h"
#include "store/sqlite/job_admin.h"
#include "store/sqlite/job_life.h"
#include "store/sqlite/job_reading.h"

namespace windlass::store::sqlite {

struct SqliteJobStore::Kind {
    bool writes;
    bool syncs;
    bool grows = false;
};

namespace {

template <class T>
base::Result<T> taken(std::optional<Verdict<T>>& verdict) {
    return verdict ? std::move(verdict->answer)
                   : base::Result<T>{base::fail(base::Errc::internal, "an order had no verdict")};
}

}  // namespace

// `work` may run twice: alone, when it shared a transaction with one that failed.
template <class T, class Work>
void SqliteJobStore::order(const Kind& kind, Work work, Answer<T> done) {
    const auto verdict = std::make_shared<std::optional<Verdict<T>>>();
    auto apply = [verdict, book = book_, now_ms = clock_(),
                  work = std::move(work)](Connection& file) -> base::Result<void> {
        const JobTransaction transaction{.file = file, .book = *book, .now_ms = now_ms};
        verdict->emplace(WL_TRY(work(transaction)));
        return {};
    };
    auto tell = [verdict, done = std::move(done)](const base::Result<void>& result) mutable {
        if (!result) return done(result.error());
        done(taken(*verdict));
    };
    file_.give({.writes = kind.writes,
                .syncs = kind.syncs,
                .grows = kind.grows,
                .apply = std::move(apply),
                .done = std::move(tell)});
}

namespace {

constexpr bool kWrites = true;
constexpr bool kSyncs = true;
constexpr bool kGrows = true;

}  // namespace

void SqliteJobStore::begin(Answer<JobStart> done) {
    last_job_.reset();
    unnumbered_count_ = 0;
    auto tell = [this, done = std::move(done)](base::Result<JobStart> started) mutable {
        // What was ordered between this and its answer has the next ids, or none.
        if (started) last_job_ = JobId{started->last_job.value + unnumbered_count_};
        done(std::move(started));
    };
    order<JobStart>({kWrites, kSyncs}, begin_jobs, Answer<JobStart>{std::move(tell)});
}

JobId SqliteJobStore::reserve() {
    if (!last_job_) return {};
    last_job_ = JobId{last_job_->value + 1};
    return *last_job_;
}

void SqliteJobStore::submit(NewJob job, std::uint64_t queue_limit, Answer<Submission> done) {
    if (!job.id) job.id = reserve();
    if (!job.id) ++unnumbered_count_;
    const auto given = std::make_shared<NewJob>(std::move(job));
    auto work = [given, queue_limit](const JobTransaction& transaction) {
        return submit_job(transaction, *given, queue_limit);
    };
    auto tell = [given, done = std::move(done)](base::Result<Submission> taken) mutable {
        if (taken && taken->claimed) taken->claimed->input = std::move(given->input);
        done(std::move(taken));
    };
    order<Submission>({kWrites, kSyncs, kGrows}, std::move(work),
                      Answer<Submission>{std::move(tell)});
}

void SqliteJobStore::read_heads(HeadQuery query, Answer<std::vector<JobHead>> done) {
    auto work = [query = std::move(query)](const JobTransaction& transaction) {
        return select_heads(transaction, query);
    };
    order<std::vector<JobHead>>({!kWrites, !kSyncs}, std::move(work), std::move(done));
}

void SqliteJobStore::promote(std::chrono::milliseconds wall_step, Answer<Promotion> done) {
    auto work = [wall_step](const JobTransaction& transaction) {
        return promote_jobs(transaction, wall_step);
    };
    order<Promotion>({kWrites, kSyncs}, work, std::move(done));
}

void SqliteJobStore::claim(JobId job, AttemptId attempt, Answer<ClaimedJob> done) {
    auto work = [job, attempt](const JobTransaction& transaction) {
        return claim_job(transaction, job, attempt);
    };
    order<ClaimedJob>({kWrites, !kSyncs}, work, std::move(done));
}

void SqliteJobStore::begin_stop(JobId job, AttemptId attempt, StopCause cause, Answer<void> done) {
    auto work = [job, attempt, cause](const JobTransaction& transaction) {
        return begin_stop_job(transaction, job, attempt, cause);
    };
    order<void>({kWrites, !kSyncs}, work, std::move(done));
}

void SqliteJobStore::keep_progress(JobId job, AttemptId attempt, std::string json,
                                   Answer<void> done) {
    auto work = [job, attempt, json = std::move(json)](const JobTransaction& transaction) {
        return keep_job_progress(transaction, job, attempt, json);
    };
    order<void>({kWrites, !kSyncs}, std::move(work), std::move(done));
}

void SqliteJobStore::keep_settings(JobId job, AttemptId attempt, std::string json,
                                   Answer<void> done) {
    auto work = [job, attempt, json = std::move(json)](const JobTransaction& transaction) {
        return keep_job_settings(transaction, job, attempt, json);
    };
    order<void>({kWrites, !kSyncs}, std::move(work), std::move(done));
}

void SqliteJobStore::settle(SharedSettlement settlement, Answer<Settled> done) {
    auto work = [settlement = std::move(settlement)](const JobTransaction& transaction) {
        return settle_job(transaction, *settlement);
    };
    order<Settled>({kWrites, kSyncs}, std::move(work), std::move(done));
}

void SqliteJobStore::cancel(JobId job, Answer<JobState> done) {
    auto work = [job](const JobTransaction& transaction) { return cancel_job(transaction, job); };
    order<JobState>({kWrites, kSyncs}, work, std::move(done));
}

void SqliteJobStore::hold(JobId job, Answer<JobState> done) {
    auto work = [job](const JobTransaction& transaction) { return hold_job(transaction, job); };
    order<JobState>({kWrites, kSyncs}, work, std::move(done));
}

void SqliteJobStore::release(JobId job, Answer<JobState> done) {
    auto work = [job](const JobTransaction& transaction) { return release_job(transaction, job); };
    order<JobState>({kWrites, kSyncs}, work, std::move(done));
}

void SqliteJobStore::retry(JobId job, Answer<JobState> done) {
    auto work = [job](const JobTransaction& transaction) { return retry_job(transaction, job); };
    order<JobState>({kWrites, kSyncs}, work, std::move(done));
}

void SqliteJobStore::remove(JobId job, Answer<void> done) {
    auto work = [job](const JobTransaction& transaction) { return remove_job(transaction, job); };
    order<void>({kWrites, kSyncs}, work, std::move(done));
}

void SqliteJobStore::bulk(BulkAction action, JobQuery query, Answer<BulkResult> done) {
    auto work = [action, query = std::move(query)](const JobTransaction& transaction) {
        return change_jobs(transaction, action, query);
    };
    order<BulkResult>({kWrites, kSyncs}, std::move(work), std::move(done));
}

void SqliteJobStore::read_job(JobId job, Answer<JobHistory> done) {
    auto work = [job](const JobTransaction& transaction) { return select_job(transaction, job); };
    order<JobHistory>({!kWrites, !kSyncs}, work, std::move(done));
}

void SqliteJobStore::read_result(JobId job, Answer<JobResult> done) {
    auto work = [job](const JobTransaction& transaction) {
        return select_result(transaction, job);
    };
    order<JobResult>({!kWrites, !kSyncs}, work, std::move(done));
}

void SqliteJobStore::list_jobs(JobQuery query, Answer<JobPage> done) {
    list_on(std::make_shared<JobReading>(JobReading{.query = std::move(query)}), std::move(done));
}

// One order for each step; others come in between.
void SqliteJobStore::list_on(std::shared_ptr<JobReading> reading, Answer<JobPage> done) {
    // Tried again from where it stood, should what it shared a transaction with be undone.
    auto work = [reading,
                 before = *reading](const JobTransaction& transaction) -> Carried<JobPage> {
        if (const auto checked = check_query(before.query); !checked) {
            return Verdict<JobPage>{checked.error()};
        }
        *reading = before;
        WL_TRY(read_jobs_step(transaction, *reading));
        return Verdict<JobPage>{};
    };
    auto tell = [this, reading,
                 done = std::move(done)](const base::Result<JobPage>& result) mutable {
        if (!result) return done(result.error());
        const bool is_full = reading->rows.size() >= reading->query.limit;
        if (!reading->is_over && !is_full) return list_on(std::move(reading), std::move(done));
        JobPage page;
        for (JobRow& row : reading->rows) page.jobs.push_back(std::move(row.record));
        if (!reading->is_over) page.next = reading->position;
        done(std::move(page));
    };
    order<JobPage>({!kWrites, !kSyncs}, std::move(work), std::move(tell));
}

void SqliteJobStore::count_jobs(Answer<std::vector<ModelCounts>> done) {
    order<std::vector<ModelCounts>>({!kWrites, !kSyncs}, counts_of, std::move(done));
}

void SqliteJobStore::read_statistics(std::int64_t since_ms,
                                     Answer<std::vector<ModelStatistics>> done) {
    auto work = [since_ms](const JobTransaction& transaction) {
        return select_statistics(transaction, since_ms);
    };
    order<std::vector<ModelStatistics>>({!kWrites, !kSyncs}, work, std::move(done));
}

void SqliteJobStore::retain(JobRetention retention, Answer<std::uint64_t> done) {
    auto work = [retention](const JobTransaction& transaction) {
        return retain_jobs(transaction, retention);
    };
    order<std::uint64_t>({kWrites, kSyncs}, work, std::move(done));
}

bool SqliteJobStore::finish_orders(base::Duration limit) { return file_.finish_orders(limit); }

}  // namespace windlass::store::sqlite
