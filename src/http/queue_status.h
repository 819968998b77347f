// How many jobs wait, run and are over, and how long that took, as plain structs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "http/job_status.h"

namespace windlass::http {

// How many jobs there are in each state.
struct JobCounts {
    std::array<std::uint64_t, kJobStateCount> counts{};  // by JobState

    std::uint64_t operator[](JobState state) const {
        return counts[static_cast<std::size_t>(state)];
    }
};

// Of what ended within the time asked about; none where nothing did.
struct JobDurations {
    std::optional<double> average_s = {};
    std::optional<double> p50_s = {};
    std::optional<double> p95_s = {};
};

struct JobReport {
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;
    std::uint64_t cancelled = 0;
    std::uint64_t retries = 0;  // attempts that were not a job's first
    std::uint64_t stalls = 0;
    std::uint64_t crashes = 0;
    JobDurations queue = {};
    JobDurations load = {};
    JobDurations run = {};
};

struct QueueStatus {
    std::string model;  // empty: all of them
    bool is_paused = false;
    JobCounts jobs = {};
    std::optional<base::Duration> oldest = {};  // that one which may begin waits, at the longest
    std::optional<JobReport> report = {};       // where it was asked for
};

}  // namespace windlass::http
