// What the oracle has written down of each job that the engine may know of.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/command.h"
#include "core/ids.h"
#include "core/job.h"
#include "world/flat_map.h"

namespace windlass::world {

// So long a place is kept for a claim; ARCHITECTURE.md, "Jobs".
inline constexpr core::Duration kClaimPatience = std::chrono::seconds{10};

struct Job {  // a head; or, once it is claimed, an attempt
    core::ModelId model;
    core::JobHead head;
    core::Instant arrived;
    core::Instant deadline;  // the end of time: it has none
    std::uint64_t attempt = 0;
    core::Generation generation;
    core::Instant claimed;
    bool is_granted = false;
    bool was_sent = false;
    bool has_begun = false;
    bool is_cancelled = false;  // a user wants that
    bool is_over = false;       // its own time
    bool is_lost = false;       // with its worker, before the daemon was told to end
    std::optional<core::JobStopCause> stop = {};
    core::Instant stopped;
    std::optional<core::Error> load_error = {};  // claimed only to be charged with it

    bool is_alone() const { return head.crashes > 0; }
    // It was asked to end, and its worker need not go for it.
    bool is_asked() const {
        return stop == core::JobStopCause::cancel || stop == core::JobStopCause::deadline;
    }
};

struct ToldJob {  // by its head: the engine holds it, or has it fetched
    core::ModelId model;
    core::JobHead head;
    core::Instant at;
};

struct LoadCharge {  // a load failed that nobody makes up for
    core::ModelId model;
    core::Error error;
    bool is_owed = false;  // the store is well, and a job waits
};

struct Jobs {
    FlatMap<core::RequestId, Job> open;             // that are not settled, nor let go
    FlatMap<core::JobId, std::uint64_t> settling;   // the attempt whose end is being written
    FlatMap<core::JobId, core::Generation> places;  // where an attempt was sent, until it is over
    FlatMap<core::ModelId, core::Instant> turns;    // when one of a model was last chosen
    std::vector<ToldJob> told;                      // not known yet which of both
    FlatSet<core::ModelId> fetched;                 // whose heads are asked for
    std::uint64_t last_attempt = 0;
    core::Instant trouble;   // when the store last was in trouble
    bool may_pause = false;  // since then it may be asked nothing; a late loop prolongs that
    // Of the event that is being handled.
    FlatSet<core::Generation> failed_loads;  // that may be said to have failed
    FlatSet<core::ModelId> given_up;         // a job's own time was over, perhaps last of all
    std::vector<LoadCharge> charges;
    std::size_t stalled_count = 0;    // attempts
    std::size_t stall_end_count = 0;  // of these: retried, dead or cancelled

    void begin_event() {
        failed_loads.clear();
        given_up.clear();
    }
    const Job* find(core::RequestId request) const {
        const auto found = open.find(request);
        return found == open.end() ? nullptr : &found->second;
    }
    Job* find(core::RequestId request) {
        const auto found = open.find(request);
        return found == open.end() ? nullptr : &found->second;
    }
    core::RequestId find(core::JobId job) const {
        for (const auto& [request, known] : open) {
            if (known.head.job == job) return request;
        }
        return {};
    }
};

}  // namespace windlass::world
