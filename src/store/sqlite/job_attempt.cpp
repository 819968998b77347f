// What becomes of attempts: stopped, settled, or left behind by a daemon that died.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/overloaded.h"
#include "store/job_rules.h"
#include "store/sqlite/job_life.h"

namespace windlass::store::sqlite {
namespace {

// As the file keeps them.
std::optional<base::Duration> to_microseconds(const std::optional<base::Duration>& duration) {
    if (!duration) return std::nullopt;
    return std::chrono::duration_cast<std::chrono::microseconds>(*duration);
}

AttemptRecord attempt_of(const JobTransaction& transaction, const JobRow& row, const Lease& lease) {
    return {.number = row.record.head.attempts,
            .attempt = lease.attempt,
            .started_ms = lease.started_ms,
            .ended_ms = transaction.now_ms,
            .queue_ms = lease.queue_ms,
            .settings = row.record.settings,
            .progress = lease.progress};
}

base::Result<void> insert_result(const JobTransaction& transaction, JobId job,
                                 const Succeeded& succeeded) {
    Statement insert = WL_TRY(transaction.file.kept(
        "INSERT OR REPLACE INTO result(job, content_type, body) VALUES(?, ?, ?)"));
    return insert.bind(as_number(job)).bind(succeeded.content_type).bind_blob(succeeded.body).run();
}

void charge(JobRow& row, std::optional<Charge> what) {
    if (what == Charge::failure) ++row.record.head.failures;
    if (what == Charge::crash) ++row.record.head.crashes;
}

base::Result<void> fail_job(const JobTransaction& transaction, JobRow& row, FailReason reason) {
    row.record.reason = reason;
    return move(transaction, row, JobState::failed);
}

base::Result<void> retry_later(const JobTransaction& transaction, JobRow& row,
                               const RetryAfter& retry) {
    if (!retry.settings.empty()) row.record.settings = retry.settings;
    const std::int64_t due_ms = add_ms(transaction.now_ms, retry.delay);
    if (row.record.head.deadline_ms && due_ms >= *row.record.head.deadline_ms) {
        return fail_job(transaction, row, FailReason::deadline);
    }
    JobSlice* const slice =
        WL_TRY(transaction.book.slice(transaction.file, row.queue, transaction.now_ms));
    ++slice->jobs[JobSlice::retries];
    if (due_ms <= transaction.now_ms) return move(transaction, row, JobState::available);
    row.record.due_ms = due_ms;
    return move(transaction, row, JobState::scheduled);
}

base::Result<void> apply(const JobTransaction& transaction, JobRow& row, const Outcome& outcome) {
    return std::visit(
        base::Overloaded{
            [&](const Succeeded& succeeded) -> base::Result<void> {
                WL_TRY(insert_result(transaction, row.id(), succeeded));
                return move(transaction, row, JobState::succeeded);
            },
            [&](const RetryAfter& retry) { return retry_later(transaction, row, retry); },
            [&](const Returned&) {
                const auto& deadline = row.record.head.deadline_ms;
                if (deadline && *deadline <= transaction.now_ms) {
                    return fail_job(transaction, row, FailReason::deadline);
                }
                return move(transaction, row, JobState::available);
            },
            [&](const Failed& failed) { return fail_job(transaction, row, failed.reason); },
            [&](const Cancelled&) { return move(transaction, row, JobState::cancelled); }},
        outcome);
}

// What select_job() would read now of a job that one attempt has ended.
JobHistory history_of(JobRow row, AttemptRecord attempt, const Settlement& settlement) {
    JobHistory history{.job = std::move(row.record), .attempts = {}};
    if (const auto* const succeeded = std::get_if<Succeeded>(&settlement.outcome)) {
        history.job.result_type = succeeded->content_type;
        history.job.result_bytes = succeeded->body.size();
    }
    history.attempts.push_back(std::move(attempt));
    return history;
}

// How many daemons died under the job of late, this time included.
base::Result<std::int64_t> note_death(const JobTransaction& transaction, JobId job) {
    Statement insert = WL_TRY(transaction.file.kept(
        "INSERT OR IGNORE INTO death(job, incarnation, at_ms) VALUES(?, ?, ?)"));
    insert.bind(as_number(job)).bind(as_number(transaction.book.incarnation()));
    WL_TRY(insert.bind(transaction.now_ms).run());
    Statement count =
        WL_TRY(transaction.file.kept("SELECT count(*) FROM death WHERE job=? AND at_ms > ?"));
    constexpr auto kWindowMs =
        std::chrono::duration_cast<std::chrono::milliseconds>(JobStore::kSuspectWindow).count();
    count.bind(as_number(job)).bind(transaction.now_ms - kWindowMs);
    WL_TRY(count.step());
    return count.number(0);
}

base::Result<JobId> last_job(Connection& file) {
    // Of those that were deleted the first knows, of a file that was mended by hand the second.
    Statement select = WL_TRY(
        file.kept("SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name='job'), 0), "
                  "coalesce((SELECT max(id) FROM job), 0))"));
    WL_TRY(select.step());
    return JobId{static_cast<std::uint64_t>(select.number(0))};
}

// What an earlier daemon left running.
base::Result<void> take_back(const JobTransaction& transaction, JobId job, JobStart& start) {
    auto row = WL_TRY(find_row(transaction, job));
    const auto lease = WL_TRY(find_lease(transaction, job));
    if (!row || !lease) return {};
    AttemptRecord attempt = attempt_of(transaction, *row, *lease);
    row->record.progress = lease->progress;
    if (lease->is_unwanted) {
        attempt.end = AttemptEnd::cancelled;
        ++start.cancelled;
        WL_TRY(insert_attempt(transaction, *row, attempt));
        return move(transaction, *row, JobState::cancelled);
    }
    attempt.end = AttemptEnd::lost;
    ++start.returned;
    WL_TRY(insert_attempt(transaction, *row, attempt));
    if (WL_TRY(note_death(transaction, job)) < JobStore::kSuspectDeaths) {
        return move(transaction, *row, JobState::available);
    }
    ++start.suspected;
    row->record.held = HoldCause::suspect;
    return move(transaction, *row, JobState::held);
}

}  // namespace

Carried<JobStart> begin_jobs(const JobTransaction& transaction) {
    Connection& file = transaction.file;
    Statement update =
        WL_TRY(file.kept("UPDATE life SET incarnation = incarnation + 1 RETURNING incarnation"));
    WL_TRY(update.step());
    const auto incarnation = static_cast<std::uint64_t>(update.number(0));
    WL_TRY(update.run());  // to its end, or it does not count
    transaction.book.begin(incarnation);
    const JobId last = WL_TRY(last_job(file));
    JobStart start{.first_attempt = {(incarnation << kIncarnationShift) + 1}, .last_job = last};
    // Tails behind the clock mean nothing.
    WL_TRY(
        file.run("DELETE FROM flow WHERE tail <= (SELECT clock FROM queue WHERE id = flow.queue)"));
    Statement select = WL_TRY(file.kept("SELECT job FROM lease ORDER BY job"));
    std::vector<JobId> jobs;
    while (WL_TRY(select.step())) {
        jobs.push_back({static_cast<std::uint64_t>(select.number(0))});
    }
    for (const JobId job : jobs) WL_TRY(take_back(transaction, job, start));
    return Verdict<JobStart>{start};
}

Carried<void> begin_stop_job(const JobTransaction& transaction, JobId job, AttemptId attempt,
                             StopCause cause) {
    const auto lease = WL_TRY(find_lease(transaction, job));
    if (!lease || lease->attempt != attempt) return Verdict<void>{stale_attempt(job, attempt)};
    transaction.book.recent().forget(job);
    Statement update = WL_TRY(transaction.file.kept(
        "UPDATE lease SET stopping=coalesce(stopping, ?), unwanted=unwanted OR ? WHERE job=?"));
    update.bind(std::int64_t{std::to_underlying(cause)});
    update.bind(std::int64_t{cause == StopCause::cancel});
    WL_TRY(update.bind(as_number(job)).run());
    return Verdict<void>{};
}

Carried<void> keep_job_progress(const JobTransaction& transaction, JobId job, AttemptId attempt,
                                const std::string& json) {
    if (auto checked = check_json("progress", json); !checked)
        return Verdict<void>{checked.error()};
    transaction.book.recent().forget(job);
    Statement update =
        WL_TRY(transaction.file.kept("UPDATE lease SET progress=? WHERE job=? AND attempt=?"));
    WL_TRY(update.bind(json).bind(as_number(job)).bind(as_number(attempt)).run());
    if (transaction.file.changed_count() == 1) return Verdict<void>{};
    return Verdict<void>{stale_attempt(job, attempt)};
}

Carried<void> keep_job_settings(const JobTransaction& transaction, JobId job, AttemptId attempt,
                                const std::string& json) {
    if (auto checked = check_json("settings", json); !checked)
        return Verdict<void>{checked.error()};
    transaction.book.recent().forget(job);
    Statement update =
        WL_TRY(transaction.file.kept("UPDATE job SET settings=?1 WHERE id=?2 AND EXISTS "
                                     "(SELECT 1 FROM lease WHERE job=?2 AND attempt=?3)"));
    WL_TRY(update.bind(json).bind(as_number(job)).bind(as_number(attempt)).run());
    if (transaction.file.changed_count() == 1) return Verdict<void>{};
    return Verdict<void>{stale_attempt(job, attempt)};
}

Carried<Settled> settle_job(const JobTransaction& transaction, const Settlement& settlement) {
    if (const auto checked = check_settlement(settlement); !checked) {
        return Verdict<Settled>{checked.error()};
    }
    const JobId job = settlement.job;
    const auto lease = WL_TRY(find_lease(transaction, job));
    const bool is_stale =
        !lease || lease->attempt != settlement.attempt ||
        (lease->stopping && is_verdict(*lease->stopping) && is_workers_word(settlement.outcome));
    if (is_stale) return Verdict<Settled>{stale_attempt(job, settlement.attempt)};
    auto row = WL_TRY(take_row(transaction, job));
    if (!row) return Verdict<Settled>{no_such_job(job)};
    AttemptRecord attempt = attempt_of(transaction, *row, *lease);
    attempt.end = end_of(settlement.outcome, lease->stopping);
    attempt.load = to_microseconds(settlement.load);
    attempt.run = to_microseconds(settlement.run);
    attempt.worker = settlement.worker;
    attempt.evidence = settlement.evidence;
    if (const JobError* const error = error_of(settlement.outcome)) attempt.error = *error;
    WL_TRY(insert_attempt(transaction, *row, attempt));
    row->record.progress = lease->progress;
    if (attempt.error) row->record.error = attempt.error;
    charge(*row, charge_of(settlement.outcome));
    const bool is_unwanted = lease->is_unwanted && comes_again(settlement.outcome);
    WL_TRY(is_unwanted ? move(transaction, *row, JobState::cancelled)
                       : apply(transaction, *row, settlement.outcome));
    Settled told{.state = row->record.state};
    if (is_over(told.state) && attempt.number == 1)
        told.job = history_of(*std::move(row), std::move(attempt), settlement);
    return Verdict<Settled>{std::move(told)};
}

}  // namespace windlass::store::sqlite
