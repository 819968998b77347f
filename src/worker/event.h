// What the supervisor reports about workers. Plain structs; `generation` names the worker and is
// never reused, `request` is the id that run() was given.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "base/bytes.h"
#include "base/error.h"
#include "base/log.h"
#include "base/time.h"
#include "worker/evidence.h"
#include "worker/host_memory_exceeded.h"
#include "worker/printed.h"

namespace windlass::worker {

// The worker runs and has not touched a device yet; it now waits for load().
struct Hello {
    std::uint64_t generation = 0;
    int pid = 0;  // as the worker sees itself
    std::string sdk;
    std::string runtime;
    bool can_offload = false;  // it has the hooks for offload() and restore()
    bool used_driver = false;  // or does not say: one on standby can be given no device any more
};

struct Loaded {
    std::uint64_t generation = 0;
    std::optional<std::uint16_t> http_port = {};  // where it serves HTTP by itself,
    std::optional<std::string> http_socket = {};  // at one of the two
};

// The model's code has begun with the request.
struct Started {
    std::uint64_t generation = 0;
    std::uint64_t request = 0;
};

// What an attempt at a job runs with instead of its input; before its code begins with that.
struct Adjusted {
    std::uint64_t generation = 0;
    std::uint64_t request = 0;
    std::string settings;  // JSON, an object
};

struct Answered {
    std::uint64_t generation = 0;
    std::uint64_t request = 0;
    std::string content_type;
    std::string body;
    std::optional<base::Bytes> peak = {};  // by the worker's own allocator; see wire::Answer
    std::optional<base::Bytes> reserved = {};
};

// The worker reports an error, or a run could not be handed to it (reason "channel_full").
struct Failed {
    std::uint64_t generation = 0;
    std::uint64_t request = 0;  // 0: its start or its load failed; it exits by itself
    base::Error error;
};

struct Progressed {
    std::uint64_t generation = 0;
    std::uint64_t request = 0;  // 0: while loading, offloading or restoring
    std::optional<std::uint64_t> step;
    std::optional<std::uint64_t> total;
    std::optional<std::string> phase;
};

// True: it had not begun and will not. False: it has begun or is over.
struct Recalled {
    std::uint64_t generation = 0;
    std::uint64_t request = 0;
    bool recalled = false;
};

// The weights are in host memory, or back on the device, as the worker says; what it measured, with
// what its allocator held of the device before and after. Only the driver proves what is free.
struct Offloaded {
    std::uint64_t generation = 0;
    base::Duration duration{};
    std::optional<base::Bytes> before;
    std::optional<base::Bytes> after;
};

struct Restored {
    std::uint64_t generation = 0;
    base::Duration duration{};
    std::optional<base::Bytes> before;
    std::optional<base::Bytes> after;
};

// The worker is what it was before the order: of a failed offload still loaded, of a failed restore
// still offloaded. `conflict`: it refused without a try, and `reason` says why.
struct OffloadFailed {
    std::uint64_t generation = 0;
    base::Error error;
};

struct RestoreFailed {
    std::uint64_t generation = 0;
    base::Error error;
};

// Nothing can be said to the worker or heard from it any more, though its process still lives. At
// most once; what it prints still comes, then Exited.
struct ChannelLost {
    std::uint64_t generation = 0;
    base::Error why;  // worker_lost
};

// There never was a process. The last event of its generation.
struct LaunchFailed {
    std::uint64_t generation = 0;
    base::Error error;
};

// The process is gone and reaped, and its process group was killed. The last event of its
// generation. Exactly one of `code` and `signal` is given.
struct Exited {
    std::uint64_t generation = 0;
    int pid = 0;
    std::optional<int> code;
    std::optional<int> signal;
    // Processes that outlived it and were killed; whether all of them died.
    std::size_t leftover_count = 0;
    bool is_everything_gone = true;
    std::string search_failure = {};        // why nobody knows; empty: all were found
    std::optional<base::Error> cause = {};  // that of HostMemoryExceeded, if there was one
};

// What it was doing when take_evidence() was asked for; before Exited.
struct EvidenceTaken {
    std::uint64_t generation = 0;
    Evidence evidence;
    int signal = 0;  // that was ordered meanwhile and is sent now; 0: none
};

// "exited with status 1", "was killed by signal 11 (SIGSEGV)".
std::string to_text(const Exited& exited);

using Event = std::variant<Hello, Loaded, Started, Adjusted, Answered, Failed, Progressed, Recalled,
                           Offloaded, Restored, OffloadFailed, RestoreFailed, ChannelLost,
                           LaunchFailed, HostMemoryExceeded, Exited, Printed, EvidenceTaken>;

}  // namespace windlass::worker
