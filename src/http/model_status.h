// What GET /api/models says, as plain structs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/time.h"
#include "http/memory_status.h"

namespace windlass::http {

struct WaitingRequest {
    std::string request_id;  // "r17"
    std::string reason;      // what it waits for, in one word of the wait reasons
    base::Duration waited = {};
    unsigned priority = 0;
};

// A process of a model, which holds one copy of it.
struct ModelProcess {
    std::uint64_t worker = 0;  // its generation
    int pid = 0;
    std::string device;
    std::string_view state;  // of the residencies
};

// GET /api/models/{model}. Durations are ages at the moment of the question.
struct ModelStatus {
    std::string name;       // of a variant "m:fp16"
    std::string model;      // "m"
    std::string variant;    // "fp16"; empty: it is the model itself
    std::string residency;  // "cold", "loading", "ready", "draining", "stopping" or "backoff"
    unsigned copies = 0;
    std::optional<int> worker_pid = {};
    std::uint64_t generation = 0;
    std::string device;                        // of that generation; empty: there is no process
    std::vector<ModelProcess> processes = {};  // all of them
    std::string_view need = "unknown";         // or "configured", "learned": who says what it needs
    // Empty: unknown, or configured as a share of the device. Learned: the measured peak.
    std::optional<base::Bytes> need_bytes = {};
    MemoryStatus memory = {};  // of all its processes; the most is that since the daemon's start
    std::uint64_t running = 0;
    std::uint64_t waiting = 0;
    bool paused = false;
    std::string breaker = "closed";  // "closed", "open" or "probing"
    std::uint64_t loads = 0;
    std::uint64_t failures = 0;
    std::optional<base::Duration> ready_since = {};  // for how long it has been ready
    std::optional<base::Duration> loading_for = {};
    std::optional<base::Error> last_error = {};  // only its type and message are shown
    std::optional<base::Duration> retry_after = {};
    std::vector<WaitingRequest> waiting_requests = {};  // the first 100 are shown
};

}  // namespace windlass::http
