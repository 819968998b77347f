// What GET /api/explain says, as plain structs. Durations count from the moment of the question;
// what is not known is absent, never 0.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/time.h"
#include "http/worker_status.h"

namespace windlass::http {

// What comes next by the present plan, if nothing else happens before.
struct NextChange {
    std::string_view step = {};  // "run_timeout", "unload", "make_room", ...
    base::Duration in = {};
    std::uint64_t worker = 0;  // to whom it happens; 0: to no process
    std::string model = {};    // that worker's
    std::string request = {};  // whose run it is
};

// A process of another program that holds memory there.
struct Stranger {
    int pid = 0;
    std::string name = {};
    std::optional<base::Bytes> bytes = {};
};

struct ExplainedHolder {         // of memory, or of a model's places
    std::string_view kind = {};  // "model", "lease", "returning", "fenced" or "foreign"
    std::string model = {};
    std::uint64_t worker = 0;
    int pid = 0;
    std::string_view doing = {};  // "running", "idle", "loading", "draining", ...
    base::Bytes bytes;            // claimed or measured, what is more
    std::optional<base::Bytes> measured = {};
    bool is_parked = false;                    // weights from another device
    bool is_pinned = false;                    // makes room for nobody
    bool is_provisional = false;               // all there is, until its need was measured
    std::vector<std::string> requests = {};    // that run there
    std::vector<std::string> sent_ahead = {};  // that it has and has not begun
    std::optional<base::Duration> since = {};
    std::optional<NextChange> until = {};
    std::optional<base::Duration> makes_room_in = {};  // by the plan, for who asks
    std::optional<ProgressStatus> progress = {};
    std::vector<Stranger> strangers = {};  // of "foreign", as far as the driver names them
};

struct ExplainedMemory {
    std::string device = {};            // its UUID; empty: none is there that may be used
    std::string_view need_source = {};  // "configured", "learned", "unknown", "returning", "lease"
    std::optional<base::Bytes> required = {};  // empty: all there is, or unknown
    bool needs_all = false;
    std::optional<base::Bytes> capacity = {};
    base::Bytes headroom;
    std::optional<base::Bytes> free = {};
    std::optional<base::Bytes> missing = {};
    base::Bytes promised;  // of what is free, to those who began to wait before
    base::Bytes kept;      // for who asks
    bool is_asked = false;
    bool is_for_run = false;
    bool is_reserved = false;
    std::uint32_t failed_loads = 0;
    std::optional<base::Duration> since = {};
    std::optional<base::Duration> patience_in = {};  // until those at work make room; 0: it is over
    std::vector<std::string> before = {};            // models that began to wait before
    std::vector<ExplainedHolder> holders = {};
};

struct Advice {
    std::string command = {};  // to be typed; empty: there is none
    std::string what = {};     // what it does, or what there is to do
};

struct ExplanationStatus {
    std::string subject = {};      // "r17", "big"
    std::string_view kind = {};    // "request" or "model"
    std::string model = {};        // empty: a lease
    std::string_view asked = {};   // of a request: "call", "load", "offload", "unload", "lease"
    std::string_view state = {};   // "waiting", "running"; of a model its residency
    std::string_view reason = {};  // one of the wait reasons; empty: it waits for nothing
    std::string sentence = {};
    std::vector<Advice> advice = {};
    std::optional<base::Duration> since = {};  // it arrived; it runs
    unsigned priority = 0;
    std::optional<std::size_t> position = {};  // in its model's queue, from 1
    std::size_t waiting = 0;                   // of its model
    std::optional<base::Duration> wait_limit_in = {};
    std::optional<base::Duration> deadline_in = {};
    unsigned failed_tries = 0;
    std::uint64_t worker = 0;  // that runs it
    std::optional<base::Duration> progress_age = {};
    std::optional<base::Error> error = {};  // behind it; only type and message are shown
    std::uint64_t incident = 0;             // that tells more of it
    std::optional<NextChange> next = {};
    std::vector<ExplainedHolder> processes = {};
    std::optional<ExplainedMemory> memory = {};
    // Of a model.
    std::vector<std::pair<std::string_view, std::size_t>> waits = {};  // calls by reason
    std::string first = {};                                            // of those that wait
    std::size_t running = 0;
    std::size_t ready = 0;
    std::size_t copies_max = 0;
    std::size_t unkillable = 0;
    std::uint64_t failures = 0;
    bool is_paused = false;
    std::string_view breaker = "closed";
    bool is_stuck = false;  // something is wrong, or nobody knows whether it will move by itself
};

}  // namespace windlass::http
