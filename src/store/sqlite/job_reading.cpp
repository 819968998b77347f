// SQL that changes nothing.
#include "store/sqlite/job_reading.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <utility>

#include "store/job_rules.h"

namespace windlass::store::sqlite {
namespace {

// Rows that one step looks at: some 10 ms.
constexpr std::int64_t kStepRows = 5'000;

base::Result<void> add_lease(const JobTransaction& transaction, JobRecord& record) {
    if (record.state != JobState::running) return {};
    const auto lease = WL_TRY(find_lease(transaction, record.head.job));
    if (!lease) return {};
    record.attempt = lease->attempt;
    record.started_ms = lease->started_ms;
    record.stopping = lease->stopping;
    if (!lease->progress.empty()) record.progress = lease->progress;
    return {};
}

base::Result<void> add_result(const JobTransaction& transaction, JobRecord& record) {
    if (record.state != JobState::succeeded) return {};
    Statement select =
        WL_TRY(transaction.file.kept("SELECT content_type, length(body) FROM result WHERE job=?"));
    select.bind(as_number(record.head.job));
    if (!WL_TRY(select.step())) return {};
    record.result_type = select.text(0);
    record.result_bytes = static_cast<std::uint64_t>(select.number(1));
    return {};
}

AttemptRecord attempt_of_row(const Statement& row) {
    const auto duration = [&](int column) -> std::optional<base::Duration> {
        const auto us = row.optional_number(column);
        if (!us) return std::nullopt;
        return std::chrono::microseconds{*us};
    };
    return {.number = static_cast<int>(row.number(0)),
            .attempt = {static_cast<std::uint64_t>(row.number(1))},
            .end = static_cast<AttemptEnd>(std::clamp<std::int64_t>(row.number(2), 0, 7)),
            .started_ms = row.number(3),
            .ended_ms = row.number(4),
            .queue_ms = row.number(5),
            .load = duration(6),
            .run = duration(7),
            .worker = row.text(8),
            .settings = row.text(9),
            .progress = row.text(10),
            .evidence = row.text(11),
            .error = error_of_row(row, 12)};
}

// Rows of a filter, the latest first, by the shortest way to them; ?1 is what they lie below, ?2
// how many at most, ?3 the state where that is used.
std::string_view sql_of(const std::optional<JobState>& state) {
    static const std::string kAll =
        fmt::format("SELECT {} FROM job WHERE id < ?1 ORDER BY id DESC LIMIT ?2", kJobColumns);
    static const std::string kHeld = fmt::format(
        "SELECT {} FROM job INDEXED BY job_held WHERE state = 2 AND id < ?1 ORDER BY id DESC LIMIT "
        "?2",
        kJobColumns);
    static const std::string kRunning = fmt::format(
        "SELECT {} FROM lease CROSS JOIN job ON job.id = lease.job WHERE lease.job < ?1 "
        "ORDER BY lease.job DESC LIMIT ?2",
        kJobColumns);
    static const std::string kOver = fmt::format(
        "SELECT {} FROM job INDEXED BY job_over WHERE finished_ms IS NOT NULL AND state = ?3 AND "
        "id < ?1 "
        "ORDER BY id DESC LIMIT ?2",
        kJobColumns);
    if (state == JobState::held) return kHeld;
    if (state == JobState::running) return kRunning;
    if (state && is_over(*state)) return kOver;
    return kAll;
}

}  // namespace

Carried<JobHistory> select_job(const JobTransaction& transaction, JobId job) {
    auto row = WL_TRY(find_row(transaction, job));
    if (!row) return Verdict<JobHistory>{no_such_job(job)};
    WL_TRY(add_lease(transaction, row->record));
    WL_TRY(add_result(transaction, row->record));
    JobHistory history{.job = std::move(row->record), .attempts = {}};
    Statement select = WL_TRY(transaction.file.kept(
        "SELECT number, attempt, end, started_ms, ended_ms, queue_ms, load_us, run_us, worker, "
        "settings, progress, evidence, error, message, cause, traceback FROM attempt WHERE job=? "
        "ORDER BY number DESC LIMIT ?"));
    select.bind(as_number(job)).bind(as_number(JobStore::kAttemptsShown));
    while (WL_TRY(select.step())) history.attempts.push_back(attempt_of_row(select));
    std::ranges::reverse(history.attempts);
    return Verdict<JobHistory>{std::move(history)};
}

Carried<JobResult> select_result(const JobTransaction& transaction, JobId job) {
    const auto row = WL_TRY(find_row(transaction, job));
    if (!row) return Verdict<JobResult>{no_such_job(job)};
    if (row->record.state != JobState::succeeded) {
        return Verdict<JobResult>{wrong_state(job, row->record.state, "asked for a result")};
    }
    Statement select =
        WL_TRY(transaction.file.kept("SELECT content_type, body FROM result WHERE job=?"));
    select.bind(as_number(job));
    JobResult result;
    if (WL_TRY(select.step())) {
        result = {.content_type = select.text(0), .body = select.blob(1)};
    }
    return Verdict<JobResult>{std::move(result)};
}

Carried<std::vector<ModelCounts>> counts_of(const JobTransaction& transaction) {
    std::vector<ModelCounts> all;
    for (const auto& [id, queue] : transaction.book.queues()) {
        ModelCounts& counts = all.emplace_back(ModelCounts{.model = queue.model});
        std::ranges::transform(queue.counts, counts.by_state.begin(), [](std::int64_t count) {
            return static_cast<std::uint64_t>(count);
        });
        if (queue.counts[std::to_underlying(JobState::available)] == 0) continue;
        Statement select = WL_TRY(transaction.file.kept(
            "SELECT job.available_ms FROM ready JOIN job ON job.id = ready.job "
            "WHERE ready.queue=? ORDER BY ready.rank, ready.job LIMIT 1"));
        select.bind(id);
        if (WL_TRY(select.step())) counts.waiting_since_ms = select.optional_number(0);
    }
    std::ranges::sort(all, {}, &ModelCounts::model);
    return Verdict<std::vector<ModelCounts>>{std::move(all)};
}

Carried<std::vector<ModelStatistics>> select_statistics(const JobTransaction& transaction,
                                                        std::int64_t since_ms) {
    // Those of these minutes may not be written yet.
    WL_TRY(transaction.book.flush_slices(transaction.file));
    Statement select =
        WL_TRY(transaction.file.kept("SELECT queue, counts, queue_times, load_times, run_times "
                                     "FROM slice WHERE number >= ?"));
    select.bind(slice_of(since_ms));
    std::map<std::string, JobSlice> by_model;
    while (WL_TRY(select.step())) {
        by_model[transaction.book.model(select.number(0))].merge(slice_of_row(select, 1));
    }
    return Verdict<std::vector<ModelStatistics>>{statistics_of(by_model)};
}

base::Result<void> read_jobs_step(const JobTransaction& transaction, JobReading& reading) {
    std::optional<JobState> state;
    if (reading.query.filter.states.size() == 1) state = reading.query.filter.states.front();
    Statement select = WL_TRY(transaction.file.kept(sql_of(state)));
    constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max();
    const auto below = std::min(reading.position.value_or(JobId{kLast}), JobId{kLast});
    select.bind(as_number(below)).bind(kStepRows);
    if (state && is_over(*state)) select.bind(std::int64_t{std::to_underlying(*state)});
    std::int64_t seen = 0;
    while (reading.rows.size() < reading.query.limit) {
        if (!WL_TRY(select.step())) {
            reading.is_over = seen < kStepRows;
            return {};
        }
        ++seen;
        JobRow row = row_of(transaction, select);
        reading.position = row.id();
        if (!admits(reading.query.filter, row.record)) continue;
        WL_TRY(add_lease(transaction, row.record));
        WL_TRY(add_result(transaction, row.record));
        reading.rows.push_back(std::move(row));
    }
    return {};
}

}  // namespace windlass::store::sqlite
