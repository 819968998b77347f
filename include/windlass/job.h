/// What is said of jobs: work that is kept on disk and outlives whoever hands it over.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace windlass {

/// How a job is to be done. What is absent is as the model's configuration says.
struct JobOptions {
    /// What the input is; the model sees it. Empty: none is said.
    std::string content_type = {};
    /// A variant of the model by its name; empty: the model itself.
    std::string variant = {};
    /// 0 (first) to 9 (last); the default is 4.
    std::optional<unsigned> priority = {};
    /// The same key again is the same job: it is not done twice. Empty: there is none.
    std::string key = {};
    /// Whose share of the model it takes; empty: nobody's.
    std::string tenant = {};
    /// Not before, and given up then: "2026-01-31T13:45:00Z", or from now on: "10m". Empty: at
    /// once, never.
    std::string run_at = {};
    std::string deadline = {};
    /// Longest time of one attempt, and without progress in one.
    std::optional<std::chrono::nanoseconds> run_timeout = {};
    std::optional<std::chrono::nanoseconds> stall_timeout = {};
};

/// A job that was accepted: it is on disk.
struct JobTicket {
    std::string id;
    /// "available", "scheduled", ...; of one whose key had come before, as it is by now.
    std::string state = {};
    /// False: its key had come before, and no second one was made.
    bool is_new = true;
};

struct JobResult {
    std::string body;
    std::string content_type = {};
};

enum class JobOrder : std::uint8_t {
    cancel,   ///< Waiting: it is over. Running: its worker is told, and ended if it must be.
    retry,    ///< Failed or cancelled: it begins anew, with nothing charged.
    hold,     ///< Waiting: it does not begin.
    release,  ///< Held: it may.
    remove,   ///< Over: it is forgotten, with its result.
};

}  // namespace windlass
