// SQL on `job` and on what says where a job stands.
#include "store/sqlite/job_row.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "store/job_rules.h"
#include "store/sqlite/sqlite_error.h"

namespace windlass::store::sqlite {

const std::string_view kJobColumns =
    "job.id, job.queue, job.state, job.variant, job.tenant, job.priority, job.submitted_ms, "
    "job.available_ms, job.due_ms, job.rank, job.deadline_ms, job.run_timeout_ms, "
    "job.stall_timeout_ms, job.attempts, job.failures, job.failures_max, job.crashes, "
    "job.crashes_max, job.held, job.reason, job.finished_ms, job.key, job.request_hash, "
    "job.content_type, job.input_bytes, job.settings, job.progress, job.error, job.message, "
    "job.cause, job.traceback";

namespace {

std::optional<base::Duration> duration_of(const std::optional<std::int64_t>& ms) {
    if (!ms) return std::nullopt;
    return std::chrono::milliseconds{*ms};
}

std::optional<std::int64_t> ms_of(const std::optional<base::Duration>& duration) {
    if (!duration) return std::nullopt;
    return to_ms(*duration);
}

template <class Enum>
std::optional<Enum> enum_of(const std::optional<std::int64_t>& number) {
    if (!number) return std::nullopt;
    return static_cast<Enum>(*number);
}

template <class Enum>
std::optional<std::int64_t> number_of(const std::optional<Enum>& value) {
    if (!value) return std::nullopt;
    return std::int64_t{std::to_underlying(*value)};
}

base::Error lost_place(const JobTransaction& transaction, const JobRow& row) {
    return make_damage_error(transaction.file.path(),
                             fmt::format("job j{} is {}, but not where such jobs are",
                                         row.id().value, to_text(row.record.state)));
}

base::Result<void> erase_place(const JobTransaction& transaction, const JobRow& row) {
    Connection& file = transaction.file;
    switch (row.record.state) {
        case JobState::scheduled: {
            Statement erase = WL_TRY(file.kept("DELETE FROM due WHERE at_ms=? AND job=?"));
            WL_TRY(erase.bind(row.record.due_ms.value_or(0)).bind(as_number(row.id())).run());
            break;
        }
        case JobState::available: {
            Statement erase =
                WL_TRY(file.kept("DELETE FROM ready WHERE queue=? AND rank=? AND job=?"));
            erase.bind(row.queue).bind(row.rank.value_or(0)).bind(as_number(row.id()));
            WL_TRY(erase.run());
            break;
        }
        case JobState::running: {
            Statement erase = WL_TRY(file.kept("DELETE FROM lease WHERE job=?"));
            WL_TRY(erase.bind(as_number(row.id())).run());
            break;
        }
        case JobState::held:
        case JobState::succeeded:
        case JobState::failed:
        case JobState::cancelled: return {};
    }
    if (file.changed_count() == 1) return {};
    return lost_place(transaction, row);
}

base::Result<void> insert_place(const JobTransaction& transaction, const JobRow& row) {
    Connection& file = transaction.file;
    if (row.record.state == JobState::scheduled) {
        Statement insert = WL_TRY(file.kept("INSERT INTO due(at_ms, job) VALUES(?, ?)"));
        return insert.bind(row.record.due_ms.value_or(0)).bind(as_number(row.id())).run();
    }
    if (row.record.state == JobState::available) {
        Statement insert = WL_TRY(file.kept("INSERT INTO ready(queue, rank, job) VALUES(?, ?, ?)"));
        return insert.bind(row.queue).bind(row.rank.value_or(0)).bind(as_number(row.id())).run();
    }
    return {};
}

// What belongs to a state is set with it.
void prepare_state(const JobTransaction& transaction, JobRow& row, JobState to) {
    JobRecord& record = row.record;
    record.state = to;
    if (to != JobState::held) record.held.reset();
    if (to == JobState::available) {
        record.due_ms.reset();
        row.available_ms = transaction.now_ms;
        if (!row.rank) {
            row.rank =
                transaction.book.enter(row.queue, {record.head.tenant, record.head.priority});
        }
    }
    record.head.rank = row.rank.value_or(0);
    if (is_over(to)) {
        record.finished_ms = transaction.now_ms;
    } else {
        record.finished_ms.reset();
        record.reason.reset();
    }
}

base::Result<void> update_row(const JobTransaction& transaction, const JobRow& row) {
    const JobRecord& record = row.record;
    Statement update = WL_TRY(transaction.file.kept(
        "UPDATE job SET state=?, available_ms=?, due_ms=?, rank=?, deadline_ms=?, attempts=?, "
        "failures=?, crashes=?, held=?, reason=?, finished_ms=?, settings=?, progress=?, error=?, "
        "message=?, cause=?, traceback=? WHERE id=?"));
    update.bind(std::int64_t{std::to_underlying(record.state)});
    update.bind(row.available_ms).bind(record.due_ms).bind(row.rank).bind(record.head.deadline_ms);
    update.bind(std::int64_t{record.head.attempts}).bind(std::int64_t{record.head.failures});
    update.bind(std::int64_t{record.head.crashes}).bind(number_of(record.held));
    update.bind(number_of(record.reason)).bind(record.finished_ms);
    update.bind(record.settings).bind(record.progress);
    bind_error(update, record.error);
    return update.bind(as_number(row.id())).run();
}

base::Result<std::optional<JobRow>> read_row(const JobTransaction& transaction, JobId job) {
    static const std::string kSql = fmt::format("SELECT {} FROM job WHERE id=?", kJobColumns);
    Statement select = WL_TRY(transaction.file.kept(kSql));
    select.bind(as_number(job));
    if (!WL_TRY(select.step())) return std::optional<JobRow>{};
    return std::optional{row_of(transaction, select)};
}

}  // namespace

void bind_error(Statement& statement, const std::optional<JobError>& error) {
    if (!error) {
        for (int i = 0; i < 4; ++i) statement.bind(std::optional<std::int64_t>{});
        return;
    }
    statement.bind(base::traits(error->code).name).bind(error->message);
    statement.bind(error->cause).bind(error->traceback);
}

std::optional<JobError> error_of_row(const Statement& statement, int column) {
    const std::string name = statement.text(column);
    if (name.empty()) return std::nullopt;
    return JobError{.code = base::find_errc(name).value_or(base::Errc::internal),
                    .message = statement.text(column + 1),
                    .cause = statement.text(column + 2),
                    .traceback = statement.text(column + 3)};
}

JobRow row_of(const JobTransaction& transaction, const Statement& statement) {
    JobRow row;
    JobRecord& record = row.record;
    JobHead& head = record.head;
    int column = 0;
    const auto number = [&] { return statement.number(column++); };
    const auto optional = [&] { return statement.optional_number(column++); };
    const auto text = [&] { return statement.text(column++); };
    head.job = JobId{static_cast<std::uint64_t>(number())};
    row.queue = number();
    record.model = transaction.book.model(row.queue);
    record.state = static_cast<JobState>(std::clamp<std::int64_t>(number(), 0, kJobStates - 1));
    head.variant = text();
    head.tenant = text();
    head.priority = static_cast<int>(number());
    head.submitted_ms = number();
    row.available_ms = optional();
    record.due_ms = optional();
    row.rank = optional();
    head.rank = row.rank.value_or(0);
    head.deadline_ms = optional();
    head.run_timeout = duration_of(optional());
    head.stall_timeout = duration_of(optional());
    head.attempts = static_cast<int>(number());
    head.failures = static_cast<int>(number());
    head.failures_max = static_cast<int>(number());
    head.crashes = static_cast<int>(number());
    head.crashes_max = static_cast<int>(number());
    record.held = enum_of<HoldCause>(optional());
    record.reason = enum_of<FailReason>(optional());
    record.finished_ms = optional();
    record.key = text();
    row.request_hash = static_cast<std::uint64_t>(number());
    record.content_type = text();
    record.input_bytes = static_cast<std::uint64_t>(number());
    record.settings = text();
    record.progress = text();
    record.error = error_of_row(statement, column);
    return row;
}

base::Result<std::optional<JobRow>> find_row(const JobTransaction& transaction, JobId job) {
    if (const RecentJob* const recent = transaction.book.recent().find(job))
        return std::optional{recent->row};
    return read_row(transaction, job);
}

base::Result<std::optional<JobRow>> take_row(const JobTransaction& transaction, JobId job) {
    if (auto recent = transaction.book.recent().take(job))
        return std::optional{std::move(recent->row)};
    return read_row(transaction, job);
}

base::Result<std::optional<Lease>> find_lease(const JobTransaction& transaction, JobId job) {
    const RecentJob* const recent = transaction.book.recent().find(job);
    if (recent != nullptr && recent->lease) return recent->lease;
    Statement select = WL_TRY(transaction.file.kept(
        "SELECT attempt, started_ms, queue_ms, stopping, unwanted, progress FROM lease "
        "WHERE job=?"));
    select.bind(as_number(job));
    if (!WL_TRY(select.step())) return std::optional<Lease>{};
    return std::optional{Lease{.attempt = AttemptId{static_cast<std::uint64_t>(select.number(0))},
                               .started_ms = select.number(1),
                               .queue_ms = select.number(2),
                               .stopping = enum_of<StopCause>(select.optional_number(3)),
                               .is_unwanted = select.number(4) != 0,
                               .progress = select.text(5)}};
}

base::Result<std::string> read_input(const JobTransaction& transaction, JobId job) {
    const RecentJob* const recent = transaction.book.recent().find(job);
    if (recent != nullptr && recent->input) return *recent->input;
    Statement select = WL_TRY(transaction.file.kept("SELECT body FROM input WHERE job=?"));
    select.bind(as_number(job));
    return WL_TRY(select.step()) ? select.blob(0) : std::string{};
}

base::Result<void> move(const JobTransaction& transaction, JobRow& row, JobState to) {
    const JobState from = row.record.state;
    WL_TRY(erase_place(transaction, row));
    prepare_state(transaction, row, to);
    WL_TRY(insert_place(transaction, row));
    transaction.book.count(row.queue, from, to);
    WL_TRY(update_row(transaction, row));
    if (!is_over(to)) {
        transaction.book.recent().keep({.row = row});
        return {};
    }
    transaction.book.recent().forget(row.id());
    JobSlice* const slice =
        WL_TRY(transaction.book.slice(transaction.file, row.queue, transaction.now_ms));
    slice->add(to);
    return {};
}

base::Result<void> insert_row(const JobTransaction& transaction, JobRow& row,
                              std::string_view input, bool is_claimed) {
    JobRecord& record = row.record;
    JobHead& head = record.head;
    prepare_state(transaction, row, record.state);
    if (is_claimed) {
        transaction.book.dispatch(row.queue, row.rank.value_or(0));
        record.state = JobState::running;
        ++head.attempts;
    }
    Statement insert = WL_TRY(transaction.file.kept(
        "INSERT INTO job(id, queue, state, attempts, variant, tenant, priority, submitted_ms, "
        "available_ms, "
        "due_ms, rank, deadline_ms, run_timeout_ms, stall_timeout_ms, failures_max, crashes_max, "
        "key, request_hash, content_type, input_bytes, settings) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    insert.bind(head.job ? std::optional{as_number(head.job)} : std::nullopt).bind(row.queue);
    insert.bind(std::int64_t{std::to_underlying(record.state)}).bind(std::int64_t{head.attempts});
    insert.bind(head.variant).bind(head.tenant).bind(std::int64_t{head.priority});
    insert.bind(head.submitted_ms).bind(row.available_ms).bind(record.due_ms).bind(row.rank);
    insert.bind(head.deadline_ms).bind(ms_of(head.run_timeout)).bind(ms_of(head.stall_timeout));
    insert.bind(std::int64_t{head.failures_max}).bind(std::int64_t{head.crashes_max});
    insert.bind(record.key).bind(as_number(row.request_hash)).bind(record.content_type);
    WL_TRY(insert.bind(as_number(input.size())).bind(record.settings).run());
    head.job = JobId{static_cast<std::uint64_t>(transaction.file.last_rowid())};
    Statement body = WL_TRY(transaction.file.kept("INSERT INTO input(job, body) VALUES(?, ?)"));
    WL_TRY(body.bind(as_number(head.job)).bind_blob(input).run());
    WL_TRY(insert_place(transaction, row));
    transaction.book.count(row.queue, std::nullopt, record.state);
    if (!record.key.empty()) transaction.book.add_key(record.key, head.job);
    record.model = transaction.book.model(row.queue);
    record.input_bytes = input.size();
    RecentJob recent{.row = row};
    if (!is_claimed && input.size() <= RecentJobs::kInputMax) recent.input = input;
    transaction.book.recent().keep(std::move(recent));
    return {};
}

base::Result<void> insert_lease(const JobTransaction& transaction, JobId job, const Lease& lease) {
    Statement insert = WL_TRY(transaction.file.kept(
        "INSERT INTO lease(job, attempt, started_ms, queue_ms, progress) VALUES(?, ?, ?, ?, '')"));
    insert.bind(as_number(job)).bind(as_number(lease.attempt));
    WL_TRY(insert.bind(lease.started_ms).bind(lease.queue_ms).run());
    if (RecentJob* const recent = transaction.book.recent().find(job)) recent->lease = lease;
    return {};
}

base::Result<void> insert_attempt(const JobTransaction& transaction, const JobRow& row,
                                  const AttemptRecord& attempt) {
    const auto us_of = [](const std::optional<base::Duration>& duration) {
        if (!duration) return std::optional<std::int64_t>{};
        return std::optional<std::int64_t>{
            std::chrono::duration_cast<std::chrono::microseconds>(*duration).count()};
    };
    Statement insert = WL_TRY(transaction.file.kept(
        "INSERT INTO attempt(job, number, attempt, end, started_ms, ended_ms, queue_ms, load_us, "
        "run_us, worker, settings, progress, evidence, error, message, cause, traceback) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    insert.bind(as_number(row.id()))
        .bind(std::int64_t{attempt.number})
        .bind(as_number(attempt.attempt));
    insert.bind(std::int64_t{std::to_underlying(attempt.end)});
    insert.bind(attempt.started_ms).bind(attempt.ended_ms).bind(attempt.queue_ms);
    insert.bind(us_of(attempt.load)).bind(us_of(attempt.run)).bind(attempt.worker);
    insert.bind(attempt.settings).bind(attempt.progress).bind(attempt.evidence);
    bind_error(insert, attempt.error);
    WL_TRY(insert.run());
    JobSlice* const slice =
        WL_TRY(transaction.book.slice(transaction.file, row.queue, transaction.now_ms));
    slice->add(attempt);
    return {};
}

base::Result<void> delete_row(const JobTransaction& transaction, const JobRow& row) {
    transaction.book.recent().forget(row.id());
    WL_TRY(erase_place(transaction, row));
    for (const char* sql : {"DELETE FROM job WHERE id=?", "DELETE FROM input WHERE job=?",
                            "DELETE FROM result WHERE job=?", "DELETE FROM attempt WHERE job=?",
                            "DELETE FROM death WHERE job=?"}) {
        Statement erase = WL_TRY(transaction.file.kept(sql));
        WL_TRY(erase.bind(as_number(row.id())).run());
    }
    transaction.book.count(row.queue, row.record.state, std::nullopt);
    if (!row.record.key.empty()) transaction.book.remove_key(row.record.key, row.id());
    return {};
}

}  // namespace windlass::store::sqlite
