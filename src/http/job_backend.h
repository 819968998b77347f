// What the HTTP surface asks of the daemon about jobs. Thread: main.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "http/job_status.h"
#include "http/queue_status.h"

namespace windlass::http {

using JobSubmitted = std::move_only_function<void(base::Result<JobTicket>)>;
using JobShown = std::move_only_function<void(base::Result<JobStatus>)>;
using JobResultRead = std::move_only_function<void(base::Result<JobResult>)>;
using JobsListed = std::move_only_function<void(base::Result<JobPage>)>;
using JobsCounted = std::move_only_function<void(base::Result<std::uint64_t>)>;
using QueuesShown = std::move_only_function<void(base::Result<std::vector<QueueStatus>>)>;

enum class JobAction : std::uint8_t {
    cancel,   // waiting: it is over at once; running: its worker is told, and ended if it must be
    retry,    // failed or cancelled: begins anew, with nothing charged
    hold,     // waiting: it does not begin
    release,  // held: it may
    remove,   // over: it is forgotten, with its result
};

// Implemented by the daemon. Each reply function is called at most once, from the loop; calling one
// after its client or its server has gone is allowed and does nothing. Errors of all: not_found;
// conflict where the job's state does not allow it; unavailable with the store's reasons.
class JobBackend {
  public:
    JobBackend() = default;
    JobBackend(const JobBackend&) = delete;
    JobBackend& operator=(const JobBackend&) = delete;
    virtual ~JobBackend() = default;

    // Answered once it is on disk. Also: queue_full; conflict for a key that came with another
    // body; disk_full as the reason of unavailable.
    virtual void submit(JobSubmission submission, JobSubmitted reply) = 0;
    // Answered once it is over, or after `wait`: returns a number, under which the wait can be
    // withdrawn; 0 when nothing is waited for.
    virtual std::uint64_t show(std::string id, base::Duration wait, JobShown reply) = 0;
    virtual void withdraw(std::uint64_t wait) = 0;
    // conflict: it is not over; of one that failed or was cancelled, its error.
    virtual void read_result(std::string id, JobResultRead reply) = 0;
    virtual void list(JobQuery query, JobsListed reply) = 0;
    virtual void order(JobAction action, std::string id, JobShown reply) = 0;
    // Of all that the filter admits and whose state allows it: how many there were.
    virtual void order_all(JobAction action, JobFilter filter, JobsCounted reply) = 0;
    // All models' together first, then each; with reports of what ended within `since`, if given.
    virtual void queues(std::optional<base::Duration> since, QueuesShown reply) = 0;
};

}  // namespace windlass::http
