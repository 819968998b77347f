// What is told of jobs: one with its attempts, lists of them, counts and statistics. Times are
// milliseconds since 1970.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/job.h"

namespace windlass::store {

enum class AttemptEnd : std::uint8_t {
    succeeded,
    failed,   // the model reported an error
    crashed,  // its process died, and nobody had stopped it
    stalled,  // stopped, as the next four
    timed_out,
    cancelled,
    returned,  // uncharged: drained or preempted
    lost,      // the daemon died under it
};

struct AttemptRecord {
    int number = 0;  // 1 is the first
    AttemptId attempt;
    AttemptEnd end = AttemptEnd::succeeded;
    std::int64_t started_ms = 0;
    std::int64_t ended_ms = 0;
    std::int64_t queue_ms = 0;                // from when it was available to its claim
    std::optional<base::Duration> load = {};  // to the microsecond
    std::optional<base::Duration> run = {};
    std::string worker = {};
    std::string settings = {};  // JSON, as the next two
    std::string progress = {};  // the last
    std::string evidence = {};
    std::optional<JobError> error = {};

    friend bool operator==(const AttemptRecord&, const AttemptRecord&) = default;
};

struct JobRecord {
    JobHead head;  // `rank` 0 while it has none
    std::string model = {};
    JobState state = JobState::available;
    std::string key = {};
    std::string content_type = {};
    std::string settings = {};
    std::uint64_t input_bytes = 0;
    std::optional<HoldCause> held = {};       // while it is held
    std::optional<std::int64_t> due_ms = {};  // while it is scheduled
    std::optional<FailReason> reason = {};    // of a failed one
    std::optional<JobError> error = {};       // the last that an attempt ended with
    std::optional<std::int64_t> finished_ms = {};
    std::string result_type = {};  // content type; of a succeeded one
    std::uint64_t result_bytes = 0;
    std::optional<AttemptId> attempt = {};  // while it is running, as the next three
    std::optional<std::int64_t> started_ms = {};
    std::optional<StopCause> stopping = {};
    std::string progress = {};  // JSON; kept until the next attempt's

    friend bool operator==(const JobRecord&, const JobRecord&) = default;
};

struct JobHistory {
    JobRecord job;
    std::vector<AttemptRecord> attempts;  // that ended, the last kAttemptsShown of them

    friend bool operator==(const JobHistory&, const JobHistory&) = default;
};

struct Settled {
    JobState state = JobState::available;  // that the job is in now
    // As read_job() would tell it now, of one that its first attempt has ended; more would have to
    // be read.
    std::optional<JobHistory> job = {};
};

struct JobResult {
    std::string content_type;
    std::string body;

    friend bool operator==(const JobResult&, const JobResult&) = default;
};

struct JobFilter {                      // all of what is given must hold
    std::vector<JobState> states = {};  // one of these; none: any
    std::string model = {};
    std::string tenant = {};
    std::string key = {};
    std::string text = {};  // part of the key, of the variant or of the last error's message
};

struct JobQuery {
    JobFilter filter = {};
    std::optional<JobId> before = {};  // `next` of the page before
    std::size_t limit = 100;           // 1 to 1,000
};

struct JobPage {
    std::vector<JobRecord> jobs;  // the latest first
    std::optional<JobId> next;    // there may be more
};

struct ModelCounts {
    std::string model;
    std::array<std::uint64_t, kJobStates> by_state{};  // indexed by JobState
    // Since when the next of the available ones waits.
    std::optional<std::int64_t> waiting_since_ms = {};

    friend bool operator==(const ModelCounts&, const ModelCounts&) = default;
};

struct Distribution {
    std::uint64_t count = 0;
    double mean_ms = 0;
    double p50_ms = 0;  // within 1 %
    double p95_ms = 0;
};

struct ModelStatistics {
    std::string model;
    std::uint64_t succeeded = 0;  // jobs, as the next two
    std::uint64_t failed = 0;
    std::uint64_t cancelled = 0;
    std::array<std::uint64_t, 8> attempts{};  // indexed by AttemptEnd
    std::uint64_t retries = 0;                // attempts that another one follows, charged
    Distribution queue;                       // of attempts
    Distribution load;
    Distribution run;
};

struct JobRetention {  // how long finished jobs are kept
    base::Duration succeeded = std::chrono::hours{24};
    base::Duration cancelled = std::chrono::hours{7 * 24};
    base::Duration failed = std::chrono::hours{30 * 24};
};

}  // namespace windlass::store
