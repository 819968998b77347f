// What clients ask and hear of jobs, as plain structs. Times are milliseconds since 1970 by the
// wall clock: they outlive the daemon.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "http/worker_status.h"

namespace windlass::http {

enum class JobState : std::uint8_t {
    scheduled,  // for a time that has not come: `run_at`, or the pause before its next attempt
    available,  // may begin as soon as its model has a place
    held,       // until somebody lets it go on
    running,    // an attempt is under way, or being ended
    succeeded,
    failed,  // for good, with its evidence
    cancelled,
};
inline constexpr int kJobStateCount = 7;

// "scheduled", "available", ...: as above.
std::string_view to_text(JobState state);
std::optional<JobState> find_job_state(std::string_view name);

constexpr bool is_over(JobState state) { return state >= JobState::succeeded; }

// What a client hands over. Absent values mean the model's.
struct JobSubmission {
    std::string model;  // percent-decoded, not checked: any bytes
    std::string content_type;
    std::string body;
    std::optional<std::string> variant = {};
    std::optional<unsigned> priority = {};  // 0 (first) to 9
    std::string tenant = {};                // whose share of the model it takes; empty: nobody's
    std::string key = {};                   // the same job again is the same job; empty: none
    std::optional<std::int64_t> run_at_ms = {};
    std::optional<std::int64_t> deadline_ms = {};  // given up then, unless it is over
    std::optional<base::Duration> run_timeout = {};
    std::optional<base::Duration> stall_timeout = {};
    std::optional<unsigned> max_failures = {};  // errors of the model, at least 1
    std::optional<unsigned> max_crashes = {};   // deaths and hangs of its worker, at least 1

    friend bool operator==(const JobSubmission&, const JobSubmission&) = default;
};

struct JobTicket {
    std::string id;       // "j17"
    bool is_new = true;   // false: its key had come before
    JobState state = {};  // of that one
};

struct JobAttempt {
    std::uint64_t number = 0;  // from 1
    std::uint64_t worker = 0;  // 0: it never reached one
    int pid = 0;
    std::string device = {};
    std::optional<std::int64_t> started_ms = {};
    std::optional<std::int64_t> ended_ms = {};  // none: it runs
    std::string outcome = {};                   // "succeeded", "failed", "crashed", "returned", ...
    std::optional<base::Error> error = {};
    std::string evidence = {};  // JSON; empty: there is none
    std::string settings = {};  // JSON: what it ran with instead of what was submitted; empty: that
};

struct JobStatus {
    std::string id = {};
    std::string model = {};
    std::string variant = {};
    JobState state = {};
    std::string reason = {};  // of scheduled, held and failed, in one word: "retry", "attempts"
    unsigned priority = 0;
    std::string tenant = {};
    std::string key = {};
    std::int64_t created_ms = 0;
    std::optional<std::int64_t> run_at_ms = {};
    std::optional<std::int64_t> deadline_ms = {};
    std::optional<std::int64_t> started_ms = {};  // its latest attempt
    std::optional<std::int64_t> finished_ms = {};
    std::uint64_t attempts = 0;
    unsigned failures = 0;
    unsigned failures_max = 0;
    unsigned crashes = 0;
    unsigned crashes_max = 0;
    std::optional<ProgressStatus> progress = {};  // of the attempt that runs, or the last known
    std::optional<base::Duration> running_for = {};
    std::optional<base::Error> error = {};  // the latest
    std::string result_type = {};           // content type; empty: there is no result
    std::uint64_t result_bytes = 0;
    std::vector<JobAttempt> history = {};  // of one job; lists have none
};

struct JobResult {
    std::string content_type;
    std::string body;
};

// Which ones; what is not set admits all.
struct JobFilter {
    std::vector<JobState> states = {};
    std::string model = {};
    std::string tenant = {};
    std::string key = {};

    friend bool operator==(const JobFilter&, const JobFilter&) = default;
};

struct JobQuery {
    static constexpr std::size_t kLimitMax = 1'000;

    JobFilter filter = {};
    std::string after = {};  // id of the last one seen; the latest come first
    std::size_t limit = 100;

    friend bool operator==(const JobQuery&, const JobQuery&) = default;
};

struct JobPage {
    std::vector<JobStatus> jobs = {};
    std::string next = {};  // ask for those after it; empty: there are none
};

}  // namespace windlass::http
