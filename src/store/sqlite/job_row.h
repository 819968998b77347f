// One job as its row, and the moves between the tables that say where it stands. Within a
// transaction of the caller's. Thread: the order thread's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/job.h"
#include "store/job_record.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/job_book.h"
#include "store/sqlite/recent_jobs.h"

namespace windlass::store::sqlite {

struct JobTransaction {
    Connection& file;
    JobBook& book;
    std::int64_t now_ms;
};

// What an order came to: a refusal is an answer too, and undoes nothing.
template <class T>
struct Verdict {
    base::Result<T> answer;
};
template <class T>
using Carried = base::Result<Verdict<T>>;

// The columns of `job`, in the order that row_of() wants from `column` on.
extern const std::string_view kJobColumns;
JobRow row_of(const JobTransaction& transaction, const Statement& statement);

base::Result<std::optional<JobRow>> find_row(const JobTransaction& transaction, JobId job);
// By one who writes it next: until then it is not remembered.
base::Result<std::optional<JobRow>> take_row(const JobTransaction& transaction, JobId job);
base::Result<std::optional<Lease>> find_lease(const JobTransaction& transaction, JobId job);
base::Result<std::string> read_input(const JobTransaction& transaction, JobId job);

// The one writer of states: the row leaves its table and enters that of `to`, where the rest of
// `row` says. An available job without a rank gets one. `damaged` when its table does not have it.
base::Result<void> move(const JobTransaction& transaction, JobRow& row, JobState to);
// A new job, in the state that `row` says; `is_claimed`: available, and then running at once. It
// has an id then, if it had none, and its lease comes behind it.
base::Result<void> insert_row(const JobTransaction& transaction, JobRow& row,
                              std::string_view input, bool is_claimed);
base::Result<void> insert_lease(const JobTransaction& transaction, JobId job, const Lease& lease);
base::Result<void> insert_attempt(const JobTransaction& transaction, const JobRow& row,
                                  const AttemptRecord& attempt);
// It, and all that belongs to it.
base::Result<void> delete_row(const JobTransaction& transaction, const JobRow& row);

// An error as four columns, from `column` on.
void bind_error(Statement& statement, const std::optional<JobError>& error);
std::optional<JobError> error_of_row(const Statement& statement, int column);

inline std::int64_t as_number(std::uint64_t number) { return static_cast<std::int64_t>(number); }
inline std::int64_t as_number(JobId job) { return as_number(job.value); }
inline std::int64_t as_number(AttemptId attempt) { return as_number(attempt.value); }

}  // namespace windlass::store::sqlite
