// A job as the store keeps it: work that was accepted, outlives clients and daemons, and is tried
// until it ends. Times are milliseconds since 1970; texts named JSON are kept as they come.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/id.h"
#include "base/time.h"

namespace windlass::store {

using JobId = base::Id<struct StoredJobTag>;  // grows in the order of submission, never reused
// One try at a job, and the fence of its settlement: the incarnation of the store (one more for
// each begin(), made durable by it) << 40, plus a count. Never given twice in the life of the file.
using AttemptId = base::Id<struct AttemptTag>;
constexpr unsigned kIncarnationShift = 40;

enum class JobState : std::uint8_t {
    scheduled,  // waits for a time: `run_at`, or the delay before another attempt
    available,  // waits for its turn in the queue of its model
    held,       // waits until somebody releases it
    running,    // an attempt has it
    succeeded,  // from here on nothing changes but by retry and delete
    failed,     // the dead letter: given up, with its error and evidence
    cancelled,
};
constexpr std::size_t kJobStates = 7;
constexpr bool is_over(JobState state) { return state >= JobState::succeeded; }

enum class HoldCause : std::uint8_t {
    user,
    suspect,  // daemons died under it: kSuspectDeaths within kSuspectWindow
};
enum class StopCause : std::uint8_t { stall, timeout, cancel, drain, preempt };
// After such a stop the attempt is judged already, and what it still brings is refused.
constexpr bool is_verdict(StopCause cause) { return cause <= StopCause::timeout; }

enum class FailReason : std::uint8_t {
    failures,  // that the model reported: the budget is spent
    crashes,   // died, stalled, ran too long: the budget is spent
    rejected,  // an error after which no attempt can help
    deadline,  // passed before the job was done
};

struct NewJob {
    std::string model;  // 1 to 64 bytes
    std::string variant = {};
    std::string tenant = {};
    int priority = 4;  // 0 (first) to 9
    std::string content_type = {};
    std::string input = {};
    std::string settings = {};       // JSON
    std::string key = {};            // of the caller's, at most 255 bytes; empty: none
    std::uint64_t request_hash = 0;  // of all that must be the same for the same key; 0: no key
    std::optional<std::int64_t> run_at_ms = {};    // not before
    std::optional<std::int64_t> deadline_ms = {};  // not begun after
    std::optional<base::Duration> run_timeout = {};
    std::optional<base::Duration> stall_timeout = {};
    int failures_max = 3;  // at least 1, as the next: so many, and it is given up
    int crashes_max = 3;
    JobId id = {};           // reserved before; none: the store chooses
    AttemptId attempt = {};  // claimed by it at once, if it is available; none: it waits
    friend bool operator==(const NewJob&, const NewJob&) = default;
};

// What is decided upon before a job may start. The smallest {rank, job} of a model is first.
struct JobHead {
    JobId job;
    std::int64_t rank = 0;
    std::string variant = {};
    std::string tenant = {};
    int priority = 4;
    std::int64_t submitted_ms = 0;
    std::optional<std::int64_t> deadline_ms = {};
    std::optional<base::Duration> run_timeout = {};
    std::optional<base::Duration> stall_timeout = {};
    int attempts = 0;  // that began
    int failures = 0;
    int failures_max = 0;
    int crashes = 0;
    int crashes_max = 0;
    friend bool operator==(const JobHead&, const JobHead&) = default;
};

struct JobError {
    base::Errc code = base::Errc::internal;
    std::string message = {};
    std::string cause = {};  // class of the exception that the model raised
    std::string traceback = {};

    friend bool operator==(const JobError&, const JobError&) = default;
};

struct ClaimedJob {  // what the worker gets
    JobHead head;    // `attempts` with this one
    std::string content_type = {};
    std::string input = {};
    std::string settings = {};
    std::optional<JobError> error = {};  // of the attempt before, if that was charged for it
    friend bool operator==(const ClaimedJob&, const ClaimedJob&) = default;
};

struct Submission {
    JobId job;
    JobState state = JobState::available;  // when the key was known, as it is now
    bool is_new = true;
    std::optional<JobHead> head = {};        // of an available one
    std::optional<ClaimedJob> claimed = {};  // of one that was claimed by it
    friend bool operator==(const Submission&, const Submission&) = default;
};

// How an attempt ended. The worker's word is Succeeded, a charged failure, and Failed for
// `failures` or `rejected`; the others follow from the end of its process.
enum class Charge : std::uint8_t { failure, crash };
struct Succeeded {
    std::string content_type = {};
    std::string body = {};
};
struct RetryAfter {
    base::Duration delay = {};
    Charge charge = Charge::failure;
    JobError error = {};
    std::string settings = {};  // of the next attempt; empty: as they were
};
struct Returned {};  // uncharged, to the place that it had
struct Failed {
    FailReason reason = FailReason::rejected;
    JobError error = {};
    std::optional<Charge> charge = {};
};
struct Cancelled {};
using Outcome = std::variant<Succeeded, RetryAfter, Returned, Failed, Cancelled>;

struct Settlement {
    JobId job;
    AttemptId attempt;
    Outcome outcome;
    std::optional<base::Duration> load = {};  // how long this attempt waited for its model
    std::optional<base::Duration> run = {};
    std::string worker = {};    // who ran it, for people
    std::string evidence = {};  // JSON
};

}  // namespace windlass::store
