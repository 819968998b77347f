// Submission, order, claims.
#include "store/sqlite/job_life.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <set>
#include <utility>

#include "store/job_rules.h"

namespace windlass::store::sqlite {
namespace {

// Jobs that one promotion moves: some 10 ms.
constexpr std::int64_t kPromoted = 500;

// The job that has this key.
base::Result<std::optional<JobRow>> find_keyed(const JobTransaction& transaction,
                                               const std::string& key) {
    for (const JobId job : transaction.book.find_key(key)) {
        auto row = WL_TRY(find_row(transaction, job));
        if (row && row->record.key == key) return row;
    }
    return std::optional<JobRow>{};
}

Submission submission_of(const JobRow& row, bool is_new) {
    Submission told{.job = row.id(), .state = row.record.state, .is_new = is_new};
    if (told.state == JobState::available) told.head = row.record.head;
    return told;
}

bool is_late(const JobTransaction& transaction, const JobHead& head) {
    return head.deadline_ms && *head.deadline_ms <= transaction.now_ms;
}

// How the attempt before ended, where that is a reason to do otherwise now.
base::Result<std::optional<JobError>> last_error_of(const JobTransaction& transaction,
                                                    const JobHead& head) {
    if (head.failures + head.crashes == 0) return std::optional<JobError>{};
    Statement select = WL_TRY(transaction.file.kept(
        "SELECT error, message, cause, traceback FROM attempt WHERE job=? AND number=?"));
    select.bind(as_number(head.job)).bind(std::int64_t{head.attempts});
    if (!WL_TRY(select.step())) return std::optional<JobError>{};
    return error_of_row(select, 0);
}

std::optional<base::Duration> as_kept(const std::optional<base::Duration>& duration) {
    if (!duration) return std::nullopt;
    return std::chrono::milliseconds{to_ms(*duration)};
}

JobRow row_of(const NewJob& job, std::int64_t now_ms) {
    JobRow row;
    row.record.head = {.job = job.id,
                       .variant = job.variant,
                       .tenant = job.tenant,
                       .priority = job.priority,
                       .submitted_ms = now_ms,
                       .deadline_ms = job.deadline_ms,
                       .run_timeout = as_kept(job.run_timeout),
                       .stall_timeout = as_kept(job.stall_timeout),
                       .failures_max = job.failures_max,
                       .crashes_max = job.crashes_max};
    row.record.key = job.key;
    row.record.content_type = job.content_type;
    row.record.settings = job.settings;
    row.request_hash = job.request_hash;
    const bool is_due = job.run_at_ms.value_or(now_ms) <= now_ms;
    row.record.state = is_due ? JobState::available : JobState::scheduled;
    if (!is_due) row.record.due_ms = job.run_at_ms;
    return row;
}

base::Result<void> expire(const JobTransaction& transaction, Promotion& promotion) {
    Statement select = WL_TRY(transaction.file.kept(
        "SELECT id FROM job INDEXED BY job_deadline WHERE deadline_ms <= ? AND deadline_ms IS "
        "NOT NULL AND state < 3 ORDER BY deadline_ms LIMIT ?"));
    select.bind(transaction.now_ms).bind(kPromoted);
    std::vector<JobId> jobs;
    while (WL_TRY(select.step())) {
        jobs.push_back({static_cast<std::uint64_t>(select.number(0))});
    }
    for (const JobId job : jobs) {
        auto row = WL_TRY(find_row(transaction, job));
        if (!row) continue;
        row->record.reason = FailReason::deadline;
        WL_TRY(move(transaction, *row, JobState::failed));
        promotion.expired.push_back({job, row->record.model});
    }
    return {};
}

// Who was attempted before waits for a pause to end, all others for a time of day.
base::Result<void> move_retries(const JobTransaction& transaction,
                                std::chrono::milliseconds wall_step) {
    transaction.book.recent().forget_all();
    Connection& file = transaction.file;
    Statement times =
        WL_TRY(file.kept("UPDATE job SET due_ms = due_ms + ? "
                         "WHERE id IN (SELECT job FROM due) AND attempts > 0"));
    WL_TRY(times.bind(wall_step.count()).run());
    Statement rows =
        WL_TRY(file.kept("UPDATE due SET at_ms = (SELECT due_ms FROM job WHERE id = due.job)"));
    return rows.run();
}

base::Result<void> release_due(const JobTransaction& transaction, Promotion& promotion) {
    Statement select = WL_TRY(
        transaction.file.kept("SELECT job FROM due WHERE at_ms <= ? ORDER BY at_ms, job LIMIT ?"));
    select.bind(transaction.now_ms).bind(kPromoted);
    std::vector<JobId> jobs;
    while (WL_TRY(select.step())) {
        jobs.push_back({static_cast<std::uint64_t>(select.number(0))});
    }
    std::set<std::string> models;
    for (const JobId job : jobs) {
        auto row = WL_TRY(find_row(transaction, job));
        if (!row) continue;
        WL_TRY(move(transaction, *row, JobState::available));
        models.insert(row->record.model);
    }
    promotion.models.assign(models.begin(), models.end());
    return {};
}

base::Result<std::optional<std::int64_t>> next_time(const JobTransaction& transaction) {
    Statement due = WL_TRY(transaction.file.kept("SELECT min(at_ms) FROM due"));
    Statement deadline = WL_TRY(transaction.file.kept(
        "SELECT deadline_ms FROM job INDEXED BY job_deadline WHERE deadline_ms IS NOT NULL "
        "AND state < 3 ORDER BY deadline_ms LIMIT 1"));
    std::optional<std::int64_t> next;
    if (WL_TRY(due.step())) next = due.optional_number(0);
    if (WL_TRY(deadline.step())) {
        next =
            std::min(next.value_or(std::numeric_limits<std::int64_t>::max()), deadline.number(0));
    }
    return next;
}

JobHead head_of_row(const Statement& row) {
    const auto duration = [&](int column) -> std::optional<base::Duration> {
        const auto ms = row.optional_number(column);
        if (!ms) return std::nullopt;
        return std::chrono::milliseconds{*ms};
    };
    return {.job = {static_cast<std::uint64_t>(row.number(0))},
            .rank = row.number(1),
            .variant = row.text(2),
            .tenant = row.text(3),
            .priority = static_cast<int>(row.number(4)),
            .submitted_ms = row.number(5),
            .deadline_ms = row.optional_number(6),
            .run_timeout = duration(7),
            .stall_timeout = duration(8),
            .attempts = static_cast<int>(row.number(9)),
            .failures = static_cast<int>(row.number(10)),
            .failures_max = static_cast<int>(row.number(11)),
            .crashes = static_cast<int>(row.number(12)),
            .crashes_max = static_cast<int>(row.number(13))};
}

}  // namespace

Carried<Submission> submit_job(const JobTransaction& transaction, const NewJob& job,
                               std::uint64_t queue_limit) {
    if (const auto checked = check_job(job); !checked) return Verdict<Submission>{checked.error()};
    if (!job.key.empty()) {
        const auto known = WL_TRY(find_keyed(transaction, job.key));
        if (known && known->request_hash != job.request_hash) {
            return Verdict<Submission>{key_reused(job.key, known->id())};
        }
        if (known) return Verdict<Submission>{submission_of(*known, false)};
    }
    const JobQueue* const queue = transaction.book.find_queue(job.model);
    const std::int64_t waiting = queue == nullptr ? 0 : queue->waiting();
    if (static_cast<std::uint64_t>(waiting) >= queue_limit) {
        return Verdict<Submission>{queue_is_full(job.model, queue_limit)};
    }
    if (job.attempt && !transaction.book.is_next(job.attempt)) {
        return Verdict<Submission>{number_used(job.id, job.attempt)};
    }
    JobRow row = row_of(job, transaction.now_ms);
    row.queue = WL_TRY(transaction.book.make_queue(transaction.file, job.model));
    const bool is_claimed = job.attempt && row.record.state == JobState::available &&
                            !is_late(transaction, row.record.head);
    WL_TRY(insert_row(transaction, row, job.input, is_claimed));
    Submission told = submission_of(row, true);
    if (!is_claimed) return Verdict<Submission>{std::move(told)};
    WL_TRY(insert_lease(transaction, row.id(),
                        {.attempt = job.attempt, .started_ms = transaction.now_ms}));
    transaction.book.use(job.attempt);
    told.claimed = ClaimedJob{
        .head = row.record.head, .content_type = job.content_type, .settings = job.settings};
    return Verdict<Submission>{std::move(told)};
}

Carried<std::vector<JobHead>> select_heads(const JobTransaction& transaction,
                                           const JobStore::HeadQuery& query) {
    if (query.limit < 1 || query.limit > JobStore::kHeadsMax) {
        return Verdict<std::vector<JobHead>>{base::fail(
            base::Errc::invalid_input, fmt::format("{} heads of a queue are asked for; ask for 1 "
                                                   "to {}",
                                                   query.limit, JobStore::kHeadsMax))};
    }
    std::vector<JobHead> heads;
    const JobQueue* const queue = transaction.book.find_queue(query.model);
    if (queue == nullptr) return Verdict<std::vector<JobHead>>{std::move(heads)};
    // CROSS JOIN keeps the order: `ready` from its beginning, and of each its row. No more of it
    // than a head has: this is asked often, and for many.
    Statement select = WL_TRY(transaction.file.kept(
        "SELECT job.id, ready.rank, job.variant, job.tenant, job.priority, job.submitted_ms, "
        "job.deadline_ms, job.run_timeout_ms, job.stall_timeout_ms, job.attempts, job.failures, "
        "job.failures_max, job.crashes, job.crashes_max FROM ready CROSS JOIN job ON job.id = "
        "ready.job WHERE ready.queue=? AND (ready.rank, ready.job) > (?, ?) "
        "ORDER BY ready.rank, ready.job LIMIT ?"));
    constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
    select.bind(queue->id);
    select.bind(query.after ? query.after->rank : kLeast);
    select.bind(query.after ? as_number(query.after->job) : kLeast);
    select.bind(as_number(query.limit));
    while (WL_TRY(select.step())) heads.push_back(head_of_row(select));
    return Verdict<std::vector<JobHead>>{std::move(heads)};
}

Carried<Promotion> promote_jobs(const JobTransaction& transaction,
                                std::chrono::milliseconds wall_step) {
    Promotion promotion;
    if (wall_step.count() != 0) WL_TRY(move_retries(transaction, wall_step));
    WL_TRY(expire(transaction, promotion));
    WL_TRY(release_due(transaction, promotion));
    promotion.next_ms = WL_TRY(next_time(transaction));
    return Verdict<Promotion>{std::move(promotion)};
}

Carried<ClaimedJob> claim_job(const JobTransaction& transaction, JobId job, AttemptId attempt) {
    auto row = WL_TRY(find_row(transaction, job));
    if (!row) return Verdict<ClaimedJob>{no_such_job(job)};
    JobRecord& record = row->record;
    if (record.state != JobState::available || is_late(transaction, record.head)) {
        return Verdict<ClaimedJob>{not_available(job, record.state)};
    }
    if (!transaction.book.is_next(attempt)) return Verdict<ClaimedJob>{number_used(job, attempt)};
    ClaimedJob claimed{.head = {}, .content_type = record.content_type};
    claimed.input = WL_TRY(read_input(transaction, job));
    claimed.error = WL_TRY(last_error_of(transaction, record.head));
    ++record.head.attempts;
    record.progress.clear();
    const std::int64_t since = row->available_ms.value_or(transaction.now_ms);
    transaction.book.use(attempt);
    transaction.book.dispatch(row->queue, row->rank.value_or(0));
    WL_TRY(move(transaction, *row, JobState::running));
    WL_TRY(insert_lease(transaction, job,
                        {.attempt = attempt,
                         .started_ms = transaction.now_ms,
                         .queue_ms = std::max<std::int64_t>(transaction.now_ms - since, 0)}));
    claimed.head = record.head;
    claimed.settings = record.settings;
    return Verdict<ClaimedJob>{std::move(claimed)};
}

}  // namespace windlass::store::sqlite
