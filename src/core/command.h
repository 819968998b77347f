// What the engine asks of the shell. Each command that starts work is answered by exactly one
// event, and the engine holds a deadline for that answer.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "core/event_code.h"
#include "core/ids.h"
#include "core/job.h"

namespace windlass::core {

using base::Bytes;
using base::Duration;
using base::Error;

struct Launch {  // answered by WorkerHello, LoadFailed, LaunchFailed or WorkerExited
    ModelId model;
    Generation generation;
    DeviceId device;  // none: it stands by
};
struct Assign {  // a process that stood by is for this device; Load follows
    ModelId model;
    Generation generation;
    DeviceId device;
};
struct Load {  // answered by WorkerLoaded, LoadFailed or WorkerExited
    ModelId model;
    Generation generation;
    DeviceId device;
};
struct Dispatch {  // send it to the worker; answered by RunAnswered, RunFailed, RunRecalled{true}
                   // or WorkerExited
    Generation generation;
    RequestId request;
    Duration timeout;  // what is left of the client's time
};
struct Recall {  // answered by RunRecalled, or by the end of the run
    Generation generation;
    RequestId request;
};
struct Cancel {  // a wish; answered by the end of the run
    Generation generation;
    RequestId request;
};
struct Offload {  // the weights into the host's memory; answered by WorkerOffloaded, OffloadFailed
                  // or WorkerExited
    Generation generation;
};
struct Restore {  // and back; answered by WorkerRestored, RestoreFailed or WorkerExited
    Generation generation;
};
struct Stop {  // answered by WorkerExited, as are the next two
    Generation generation;
};
struct Terminate {  // SIGTERM to the process group
    Generation generation;
};
struct Kill {  // SIGKILL to the process group
    Generation generation;
};

struct SampleDevice {  // answered by DeviceSampled or DeviceSilent, with this sequence
    DeviceId device;
    std::uint64_t sequence = 0;
};

// What is to outlive us; nobody waits for either.
struct RememberPeak {  // the most that this process used, of a model whose need is not configured
    ModelId model;
    Generation generation;
    DeviceId device;
    Bytes bytes;
};
struct ForgetPeaks {  // what was learned on devices of this make was too small
    ModelId model;
    DeviceId device;
};

// Where the time of a request went.
struct Timings {
    Duration queue{};  // waiting for a place
    Duration load{};   // waiting for the model
    Duration run{};    // from `started` to the answer
    friend bool operator==(const Timings&, const Timings&) = default;
};

// To the store of jobs, which does in this order what concerns one job.
struct FetchHead {  // answered by HeadFetched or FetchFailed
    ModelId model;
    std::uint32_t limit = 0;
};
struct ClaimJob {  // a place is kept for it; answered by JobClaimed or ClaimRefused
    ModelId model;
    JobId job;
    std::uint64_t attempt = 0;
    RequestId request;
    Generation generation;
};
// The attempt is about to be ended: from here on the store takes no success of it. Not answered.
struct StopJob {
    JobId job;
    std::uint64_t attempt = 0;
    JobStopCause cause = JobStopCause::cancel;
};
struct SettleJob {  // exactly once for each claim that was granted; answered by JobSettled
    ModelId model;
    JobId job;
    std::uint64_t attempt = 0;
    RequestId request;
    JobEnd end = JobEnd::returned;
    JobCharge charge = JobCharge::none;
    DeadReason reason = DeadReason::none;
    Duration delay{};                     // of one that is retried
    std::optional<Error> error;           // why it did not succeed, where there is a cause
    Generation generation;                // of the replica that ran it; none if it did not begin
    std::optional<Timings> timings = {};  // of a run that ended by its worker's word
};

struct Respond {  // exactly once for each request
    RequestId request;
    ModelId model;
    Generation generation;       // of the replica that ran it; none if it never ran
    std::optional<Error> error;  // empty: the worker's answer, or "done" for load and unload
    Timings timings;
    DeviceId device = {};  // of a lease that was granted; `generation` holds its claim
};

struct Report {  // an action that people may want to see
    EventCode code;
    ModelId model;
    Generation generation;
    RequestId request;           // none when it is not about one
    std::optional<Error> error;  // the cause, where there is one
    DeviceId device = {};        // none when it is not about one
    std::optional<Bytes> bytes = {};
    std::optional<std::uint64_t> runs = {};  // that its process has made
};

using Command = std::variant<Launch, Assign, Load, Dispatch, Recall, Cancel, Offload, Restore, Stop,
                             Terminate, Kill, SampleDevice, RememberPeak, ForgetPeaks, FetchHead,
                             ClaimJob, StopJob, SettleJob, Respond, Report>;
using Commands = std::vector<Command>;

}  // namespace windlass::core
