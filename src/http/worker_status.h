// What is shown of worker processes, and of the incidents that ended some of them.
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

// What a run, or the load (no request), last said of itself.
struct ProgressStatus {
    std::string request = {};  // "r17"; empty: the load
    std::optional<std::uint64_t> step = {};
    std::optional<std::uint64_t> total = {};
    std::optional<std::string> phase = {};
    base::Duration age = {};
};

// A request that has begun in a worker.
struct RunStatus {
    std::string request = {};
    base::Duration since = {};
    // Until its worker is ended, unless it reports progress.
    std::optional<base::Duration> limit_in = {};
    std::optional<ProgressStatus> progress = {};
    std::optional<base::Bytes> peak = {};  // of its worker, as the driver said since it began
    bool is_shared = false;                // another run was in the worker beside it
};

// What comes next if nothing happens to the worker.
struct NextMoveStatus {
    std::string_view step = {};  // "offload", "unload" or "limit"
    base::Duration in = {};
};

struct WorkerStatus {
    std::uint64_t id = 0;  // the generation
    int pid = 0;
    std::string model = {};
    std::string device = {};
    std::string_view state = {};  // that of its model's copy: "loading", "ready", "stopping", ...
    base::Duration since = {};    // for how long it has been in that state
    std::optional<NextMoveStatus> next = {};  // empty: it stays as it is
    MemoryStatus memory = {};                 // since its start
    std::vector<RunStatus> runs = {};
    std::optional<base::Duration> heartbeat_age = {};  // a sign of its channel's thread, no verdict
    std::optional<ProgressStatus> progress = {};
};

struct ThreadStatus {
    int process = 0;
    int thread = 0;
    std::string name = {};
    std::string state = {};
    std::string wait_channel = {};
    std::vector<std::string> kernel_stack = {};
    std::vector<std::string> native_stack = {};
};

// What the driver said of a worker and of its device. Unknown is not zero.
struct DeviceActivityStatus {
    std::optional<base::Bytes> worker_bytes = {};  // of the worker and its children, there
    std::optional<base::Bytes> used = {};          // of the device, by anybody
    std::optional<std::uint32_t> busy_percent = {};
    std::optional<base::Duration> age = {};  // none: it never said anything
};

// The last that it said, and before that, the latest first.
struct DeviceActivityHistory {
    DeviceActivityStatus last = {};
    std::vector<DeviceActivityStatus> earlier = {};
};

// What the worker was doing before it was ended.
struct EvidenceStatus {
    base::Duration took = {};
    bool is_complete = false;
    std::vector<ThreadStatus> threads = {};
    std::vector<std::string> python_stacks = {};
    std::vector<std::string> missing = {};
    DeviceActivityHistory activity = {};
};

struct IncidentStep {
    std::string_view name;  // "detected", "looked_at", "terminated", "killed", ...
    base::Duration after;   // since it was detected
    // Of "proved" and "fenced" on a GPU: so much came back, or did not.
    std::optional<base::Bytes> bytes = {};
    std::string_view by = {};  // of "proved": "driver", or on a CPU "reap"
};

struct IncidentStatus {
    std::uint64_t id = 0;          // counts from 1 since the daemon's start
    std::string detected_at = {};  // "2026-11-21T08:06:02.299Z"
    std::uint64_t worker = 0;
    int pid = 0;
    std::string model = {};
    std::string device = {};
    std::string request = {};               // whose run it was; empty: no single one
    std::optional<base::Error> cause = {};  // only its type and message are shown
    std::string how = {};                   // the end: "was killed by signal 9 (SIGKILL)"
    std::uint64_t leftovers = 0;            // processes of it that outlived it and were killed
    std::vector<IncidentStep> steps = {};   // in the order in which they came
    std::optional<ProgressStatus> progress = {};       // as it was when it was detected
    std::optional<base::Duration> heartbeat_age = {};  // the same
    std::optional<EvidenceStatus> evidence = {};       // none: nothing was left to look at
    std::vector<std::string> output = {};              // the last lines that it printed
};

}  // namespace windlass::http
