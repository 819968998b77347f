// What a daemon says of jobs and queues, read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace windlass::cli {

struct JobAttempt {
    std::uint64_t number = 0;
    std::string outcome = {};  // empty: it runs
    std::uint64_t worker = 0;  // 0: it never reached one
    std::string device = {};
    std::string started_at = {};
    std::string ended_at = {};
    std::string error = {};     // "stalled: no progress ..."
    std::string settings = {};  // JSON; empty: as submitted
    bool has_evidence = false;
};

// Fields as in GET /api/jobs/{id}; what is null there is empty here.
struct JobView {
    std::string id;
    std::string model = {};
    std::string variant = {};
    std::string state = {};
    std::string reason = {};
    std::uint64_t priority = 0;
    std::string tenant = {};
    std::string key = {};
    std::string created_at = {};
    std::string run_at = {};
    std::string deadline = {};
    std::string started_at = {};
    std::string finished_at = {};
    std::uint64_t attempts = 0;
    std::uint64_t failures = 0;
    std::uint64_t failures_max = 0;
    std::uint64_t crashes = 0;
    std::uint64_t crashes_max = 0;
    std::optional<std::uint64_t> step = {};
    std::optional<std::uint64_t> total = {};
    std::string phase = {};
    std::optional<double> progress_age_s = {};  // none: it said nothing
    std::optional<double> running_for_s = {};
    std::string error = {};
    std::string result_type = {};
    std::uint64_t result_bytes = 0;
    std::vector<JobAttempt> history = {};

    bool is_over() const {
        return state == "succeeded" || state == "failed" || state == "cancelled";
    }
};

struct JobList {
    std::vector<JobView> jobs;
    std::string next;  // empty: that is all
};

struct DurationView {
    std::optional<double> average_s = {};
    std::optional<double> p50_s = {};
    std::optional<double> p95_s = {};
};

struct QueueView {
    std::string model = {};  // empty: all together
    bool is_paused = false;
    std::uint64_t scheduled = 0;
    std::uint64_t available = 0;
    std::uint64_t held = 0;
    std::uint64_t running = 0;
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;
    std::uint64_t cancelled = 0;
    std::optional<double> oldest_s = {};
    struct Report {
        std::uint64_t succeeded = 0;
        std::uint64_t failed = 0;
        std::uint64_t cancelled = 0;
        std::uint64_t retries = 0;
        std::uint64_t stalls = 0;
        std::uint64_t crashes = 0;
        DurationView queue = {};
        DurationView load = {};
        DurationView run = {};
    };
    std::optional<Report> report = {};
};

// Errors: data_corrupt, where no daemon says so.
base::Result<JobView> parse_job(std::string_view text);
base::Result<JobList> parse_jobs(std::string_view text);
base::Result<std::vector<QueueView>> parse_queues(std::string_view text);  // all together first
base::Result<std::uint64_t> parse_count(std::string_view text);

}  // namespace windlass::cli
