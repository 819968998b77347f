// What every store of jobs does alike: what it refuses and in which words, whose word a settlement
// is, and how an attempt's end is called.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/job.h"
#include "store/job_record.h"

namespace windlass::store {

// `invalid_input` for what is out of range.
base::Result<void> check_job(const NewJob& job);
base::Result<void> check_settlement(const Settlement& settlement);
base::Result<void> check_json(std::string_view name, std::string_view json);
base::Result<void> check_query(const JobQuery& query);

base::Error no_such_job(JobId job);
base::Error key_reused(const std::string& key, JobId first);
base::Error queue_is_full(const std::string& model, std::uint64_t limit);
base::Error not_available(JobId job, JobState state);
base::Error number_used(JobId job, AttemptId attempt);
base::Error stale_attempt(JobId job, AttemptId attempt);
base::Error wrong_state(JobId job, JobState state, std::string_view doing);  // "released"

std::string_view to_text(JobState state);

bool admits(const JobFilter& filter, const JobRecord& record);

// After a verdict the worker's word comes too late; what follows from its end does not.
bool is_workers_word(const Outcome& outcome);
bool comes_again(const Outcome& outcome);  // the job, unless somebody wants it cancelled
AttemptEnd end_of(const Outcome& outcome, std::optional<StopCause> stopping);
const JobError* error_of(const Outcome& outcome);  // null: none
std::optional<Charge> charge_of(const Outcome& outcome);
constexpr bool is_charged(AttemptEnd end) {
    return end == AttemptEnd::failed || end == AttemptEnd::crashed || end == AttemptEnd::stalled ||
           end == AttemptEnd::timed_out;
}

constexpr std::int64_t kSliceMs = 600'000;  // of statistics
constexpr std::int64_t slice_of(std::int64_t time_ms) {
    return time_ms >= 0 ? time_ms / kSliceMs : 0;
}

std::int64_t to_ms(base::Duration duration);  // towards later
// now + duration, but never past the end of time.
std::int64_t add_ms(std::int64_t now_ms, base::Duration duration);

}  // namespace windlass::store
