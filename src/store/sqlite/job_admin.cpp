// Cancel, hold, release, retry, remove; one or many.
#include "store/sqlite/job_admin.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "store/job_rules.h"
#include "store/sqlite/job_reading.h"

namespace windlass::store::sqlite {
namespace {

bool is_waiting(JobState state) { return state < JobState::running; }

// A change of one job, where its state allows it. False: nothing was done.
base::Result<bool> cancel_row(const JobTransaction& transaction, JobRow& row) {
    if (!is_waiting(row.record.state)) return false;
    WL_TRY(move(transaction, row, JobState::cancelled));
    return true;
}

base::Result<bool> hold_row(const JobTransaction& transaction, JobRow& row) {
    if (!is_waiting(row.record.state) || row.record.state == JobState::held) return false;
    row.record.held = HoldCause::user;
    WL_TRY(move(transaction, row, JobState::held));
    return true;
}

base::Result<bool> release_row(const JobTransaction& transaction, JobRow& row) {
    if (row.record.state != JobState::held) return false;
    const bool is_due = row.record.due_ms.value_or(transaction.now_ms) <= transaction.now_ms;
    WL_TRY(move(transaction, row, is_due ? JobState::available : JobState::scheduled));
    return true;
}

base::Result<bool> retry_row(const JobTransaction& transaction, JobRow& row) {
    JobRecord& record = row.record;
    if (record.state != JobState::failed && record.state != JobState::cancelled) return false;
    record.head.failures = 0;
    record.head.crashes = 0;
    record.error.reset();
    record.progress.clear();
    record.settings.clear();
    // It would fail at once.
    if (record.head.deadline_ms && *record.head.deadline_ms <= transaction.now_ms) {
        record.head.deadline_ms.reset();
    }
    record.due_ms.reset();
    row.rank.reset();  // behind those that wait
    Statement erase = WL_TRY(transaction.file.kept("DELETE FROM death WHERE job=?"));
    WL_TRY(erase.bind(as_number(row.id())).run());
    WL_TRY(move(transaction, row, JobState::available));
    return true;
}

base::Result<bool> remove_row(const JobTransaction& transaction, JobRow& row) {
    if (!is_over(row.record.state)) return false;
    WL_TRY(delete_row(transaction, row));
    return true;
}

base::Result<bool> change(const JobTransaction& transaction, BulkAction action, JobRow& row) {
    switch (action) {
        case BulkAction::cancel: return cancel_row(transaction, row);
        case BulkAction::hold: return hold_row(transaction, row);
        case BulkAction::release: return release_row(transaction, row);
        case BulkAction::retry: return retry_row(transaction, row);
        case BulkAction::remove: return remove_row(transaction, row);
    }
    return false;
}

}  // namespace

Carried<JobState> cancel_job(const JobTransaction& transaction, JobId job) {
    auto row = WL_TRY(find_row(transaction, job));
    if (!row) return Verdict<JobState>{no_such_job(job)};
    WL_TRY(cancel_row(transaction, *row));
    return Verdict<JobState>{row->record.state};
}

Carried<JobState> hold_job(const JobTransaction& transaction, JobId job) {
    auto row = WL_TRY(find_row(transaction, job));
    if (!row) return Verdict<JobState>{no_such_job(job)};
    const JobState before = row->record.state;
    if (before != JobState::held && !WL_TRY(hold_row(transaction, *row))) {
        return Verdict<JobState>{wrong_state(job, before, "held")};
    }
    return Verdict<JobState>{row->record.state};
}

Carried<JobState> release_job(const JobTransaction& transaction, JobId job) {
    auto row = WL_TRY(find_row(transaction, job));
    if (!row) return Verdict<JobState>{no_such_job(job)};
    if (!WL_TRY(release_row(transaction, *row))) {
        return Verdict<JobState>{wrong_state(job, row->record.state, "released")};
    }
    return Verdict<JobState>{row->record.state};
}

Carried<JobState> retry_job(const JobTransaction& transaction, JobId job) {
    auto row = WL_TRY(find_row(transaction, job));
    if (!row) return Verdict<JobState>{no_such_job(job)};
    if (!WL_TRY(retry_row(transaction, *row))) {
        return Verdict<JobState>{wrong_state(job, row->record.state, "tried again")};
    }
    return Verdict<JobState>{row->record.state};
}

Carried<void> remove_job(const JobTransaction& transaction, JobId job) {
    auto row = WL_TRY(find_row(transaction, job));
    if (!row) return Verdict<void>{no_such_job(job)};
    if (!WL_TRY(remove_row(transaction, *row))) {
        return Verdict<void>{wrong_state(job, row->record.state, "deleted before it is finished")};
    }
    return Verdict<void>{};
}

Carried<BulkResult> change_jobs(const JobTransaction& transaction, BulkAction action,
                                const JobQuery& query) {
    if (const auto checked = check_query(query); !checked) {
        return Verdict<BulkResult>{checked.error()};
    }
    JobReading reading{.query = query};
    reading.query.limit = std::min(query.limit, JobStore::kStep);
    WL_TRY(read_jobs_step(transaction, reading));
    BulkResult result{.next = reading.is_over ? std::nullopt : reading.position};
    for (JobRow& row : reading.rows) {
        if (action == BulkAction::cancel && row.record.state == JobState::running) {
            result.running.push_back(row.id());
        } else if (WL_TRY(change(transaction, action, row))) {
            ++result.changed;
        }
    }
    return Verdict<BulkResult>{std::move(result)};
}

Carried<std::uint64_t> retain_jobs(const JobTransaction& transaction,
                                   const JobRetention& retention) {
    struct Kept {
        JobState state;
        base::Duration time;
    };
    const std::array all = {Kept{JobState::succeeded, retention.succeeded},
                            Kept{JobState::cancelled, retention.cancelled},
                            Kept{JobState::failed, retention.failed}};
    std::vector<JobId> jobs;
    for (const Kept& kept : all) {
        Statement select = WL_TRY(
            transaction.file.kept("SELECT id FROM job INDEXED BY job_finished WHERE state=? AND "
                                  "finished_ms <= ? "
                                  "ORDER BY finished_ms LIMIT ?"));
        select.bind(std::int64_t{std::to_underlying(kept.state)});
        select.bind(transaction.now_ms - to_ms(kept.time));
        select.bind(as_number(JobStore::kStep - jobs.size()));
        while (WL_TRY(select.step())) {
            jobs.push_back({static_cast<std::uint64_t>(select.number(0))});
        }
    }
    for (const JobId job : jobs) {
        const auto row = WL_TRY(find_row(transaction, job));
        if (row) WL_TRY(delete_row(transaction, *row));
    }
    // Statistics are small; a month of them is enough for anybody.
    constexpr std::int64_t kSlicesKept = 30 * 24 * 6;
    Statement erase = WL_TRY(transaction.file.kept("DELETE FROM slice WHERE number < ?"));
    WL_TRY(erase.bind(slice_of(transaction.now_ms) - kSlicesKept).run());
    return Verdict<std::uint64_t>{jobs.size()};
}

}  // namespace windlass::store::sqlite
