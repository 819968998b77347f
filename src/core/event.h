// What may happen to the engine. Plain values: they can be recorded and replayed. An event about a
// generation or request that is no longer current is stale and changes nothing.
// lint: long file, a table: one struct for each event
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "core/device_event.h"
#include "core/ids.h"
#include "core/job.h"
#include "core/model_spec.h"

namespace windlass::core {

using base::Duration;
using base::Error;
using base::Instant;

// --- clients. Each of the first five is answered by exactly one Respond.

struct CallArrived {
    RequestId request;
    ModelId model;
    std::uint8_t priority = 4;  // 0 (first) to 9
    Duration timeout;           // arrival to answer
    Duration wait;              // arrival to the begin of the run
};
struct LoadAsked {  // an administrator wants the model ready; ends a back-off at once
    RequestId request;
    ModelId model;
    Duration timeout;
    bool may_evict = true;  // false: nobody waits for it, and it takes what is free
};
struct RestartAsked {  // an administrator wants the model ready in a new process
    RequestId request;
    ModelId model;
    Duration timeout;
};
struct OffloadAsked {  // an administrator wants the weights off the device, once nobody uses them
    RequestId request;
    ModelId model;
    Duration timeout;
};
struct UnloadAsked {  // an administrator wants the process gone
    RequestId request;
    ModelId model;
    Duration timeout;
    bool is_forced = false;  // at once, with whatever runs in it
};
struct PauseAsked {  // begin no further run; what runs goes on, what waits keeps waiting
    ModelId model;
};
struct ResumeAsked {
    ModelId model;
};
struct KillAsked {  // an administrator wants this process gone at once; not a failure of the model
    Generation generation;
};
struct ClientGone {  // nobody waits for the answer any more; or uses the lease that it granted
    RequestId request;
};

// --- leases on the raw memory of a device, which a client's own process uses

// Answered by exactly one Respond: granted, of so many bytes on one of these devices, or refused.
struct LeaseAsked {
    RequestId request;
    Bytes bytes;
    DeviceChoice devices;
    Duration wait;      // until the answer
    Duration duration;  // of the lease; at its end the bytes are no longer the client's
};
struct LeaseReturned {  // the client has given the bytes back, or says so
    RequestId request;  // that asked for the lease
};

// --- the configuration was read again. Never sent for a model that did not change.

// A model that is new, was removed before, or has changed. The limits of runs and of the queue
// count from now on, those of processes from the next start.
struct ModelConfigured {
    ModelSpec spec;
    bool needs_new_process = false;  // what the process was started with has changed
};
// The model takes nothing new. What runs may finish, what waits is refused.
struct ModelRemoved {
    ModelId model;
};

// What an earlier daemon had learned of a need, the oldest peak first.
struct NeedRecalled {
    ModelId model;
    std::string make;  // of the device
    std::vector<Bytes> peaks;
};

// --- workers

struct LaunchFailed {  // ends the generation, as WorkerExited does
    Generation generation;
    Error error;
};
struct WorkerHello {
    Generation generation;
    bool can_offload = false;  // it has the hooks for Offload and Restore
    bool is_bound = false;  // its import used a driver, so that it is too late to give it a device
};
struct WorkerLoaded {
    Generation generation;
};
struct LoadFailed {  // the worker reported it and goes away by itself
    Generation generation;
    Error error;
};
struct WorkerOffloaded {
    Generation generation;
};
struct OffloadFailed {  // the weights are still on the device, and it can serve
    Generation generation;
    Error error;
};
struct WorkerRestored {
    Generation generation;
};
struct RestoreFailed {  // the weights are still in the host's memory
    Generation generation;
    Error error;
};
struct RunStarted {
    Generation generation;
    RequestId request;
};
struct RunProgressed {
    Generation generation;
    RequestId request;
};
struct RunAnswered {
    Generation generation;
    RequestId request;
};
struct RunFailed {
    Generation generation;
    RequestId request;
    Error error;
};
struct RunRecalled {
    Generation generation;
    RequestId request;
    bool recalled = false;  // true: it had not begun and will not
};
struct ChannelLost {  // closed, or broke the protocol; the process may live on
    Generation generation;
    Error error;
};
struct WorkerExited {  // reaped; its whole process group is gone
    Generation generation;
    std::string how;  // "exit status 1", "signal 9 (SIGKILL)"
    // Where more is known than that: host_out_of_memory, if it was ended for its host_memory.
    std::optional<Error> cause = {};
};

// --- jobs. The store answers each command once, in the order of the commands about one job.

struct JobStoreOpened {               // jobs may be claimed from now on
    std::uint64_t first_attempt = 1;  // attempts are counted from here; none was ever given before
};
struct JobsReady {  // jobs of this model have become ready
    ModelId model;
    std::optional<JobHead> head = {};  // it is this one; empty: some that are to be fetched
};
struct HeadFetched {  // the first that are ready, at most as many as were asked for
    ModelId model;
    std::vector<JobHead> heads;
};
struct FetchFailed {  // the store is in trouble; asked again after a pause
    ModelId model;
    Error error;
};
struct JobClaimed {  // the attempt is in the store, and may begin
    RequestId request;
};
// `conflict`, `not_found`, `cancelled` and `timeout` say that it is not ready any more; anything
// else that the store is in trouble, and is asked again after a pause.
struct ClaimRefused {
    RequestId request;
    Error error;
};
struct JobSettled {  // how the attempt ended is durable; or, with an error, was refused for good
    JobId job;
    std::uint64_t attempt = 0;
    std::optional<Error> error = {};
};
// A user wants a job gone that the store had handed out, or whose head may be here.
struct JobCancelAsked {
    JobId job;
};

// --- time and the end

struct TimePassed {};  // deliver what is due; sent at each turn of the loop after its inputs
struct LoopDelayed {   // the loop came late by this much: nobody could be heard meanwhile
    Duration by;
};
struct ShutdownAsked {  // refuse what waits, let runs finish within `grace`, then end them
    Duration grace;
};
struct ShutdownForced {};  // kill everything at once

using Event =
    std::variant<CallArrived, LoadAsked, RestartAsked, OffloadAsked, UnloadAsked, PauseAsked,
                 ResumeAsked, KillAsked, ClientGone, LeaseAsked, LeaseReturned, ModelConfigured,
                 ModelRemoved, NeedRecalled, LaunchFailed, WorkerHello, WorkerLoaded, LoadFailed,
                 WorkerOffloaded, OffloadFailed, WorkerRestored, RestoreFailed, RunStarted,
                 RunProgressed, RunAnswered, RunFailed, RunRecalled, ChannelLost, WorkerExited,
                 DeviceFound, DeviceSampled, DeviceSilent, DeviceLost, JobStoreOpened, JobsReady,
                 HeadFetched, FetchFailed, JobClaimed, ClaimRefused, JobSettled, JobCancelAsked,
                 TimePassed, LoopDelayed, ShutdownAsked, ShutdownForced>;

}  // namespace windlass::core
