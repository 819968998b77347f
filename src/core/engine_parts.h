// What the engine holds for each call, each waiting administrator and each model. Values that
// decide nothing; only the engine changes them.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "core/backoff.h"
#include "core/breaker.h"
#include "core/ids.h"
#include "core/job_book.h"
#include "core/learned_need.h"
#include "core/model_spec.h"
#include "core/placement.h"
#include "core/replica.h"
#include "core/request_queue.h"
#include "core/run_window.h"

namespace windlass::core {

enum class Stage : std::uint8_t {
    queued,    // in the queue of its model
    delayed,   // pauses after a `transient` error
    sent,      // in the worker's channel; the replica holds its lease
    begun,     // the worker said `started`
    claiming,  // a job: the store is asked; as a rule a replica keeps a place for it
    ending,    // a job: over, and to be settled once its process is gone
};

struct Call {  // waits for an answer; or an attempt at a job, with its head in the book of jobs
    ModelId model;
    std::uint8_t priority = 4;
    Stage stage = Stage::queued;
    bool is_job = false;
    std::uint8_t failed_tries = 0;  // `transient` errors so far
    bool was_rerun = false;         // lost once and run again
    bool is_idempotent = false;     // as its model was when it arrived
    Instant arrived;
    Instant deadline;
    friend bool operator==(const Call&, const Call&) = default;
};

enum class AdminGoal : std::uint8_t { ready, offloaded, gone };

struct AdminWait {  // an administrator waits for a residency
    ModelId model;
    AdminGoal goal = AdminGoal::gone;
    Generation after;       // ready in a later process than this one; none: any will do
    bool may_evict = true;  // others may have to make room for it
    friend bool operator==(const AdminWait&, const AdminWait&) = default;
};

struct Promise {  // bytes that nobody may take who began to wait later
    DeviceId device;
    Bytes bytes;
    friend bool operator==(const Promise&, const Promise&) = default;
};

struct Place {  // where one more copy would fit, or weights that come back
    Candidate candidate;
    Need need;
    Generation returning = {};  // whose; none: it is one more copy
};

struct Model {
    ModelId id;
    ModelSpec spec;
    std::vector<Replica> replicas;  // never empty; what is beyond the first may be cold
    std::vector<Replica> standbys;  // processes in advance of their load, or cold places for them
    Backoff standby_backoff;
    bool is_standby_refused = false;  // its import uses a driver
    RequestQueue queue;
    JobSupply jobs = JobSupply{};
    std::set<RequestId> delayed;  // pause after a `transient` error
    Backoff backoff;
    Breaker breaker;
    RunWindow window;
    std::set<RequestId> admins;             // who wait for a residency
    std::size_t load_wanted = 0;            // of them: for `ready`
    std::size_t offload_wanted = 0;         // of them: for its weights to leave the device
    std::size_t unload_wanted = 0;          // of them: for it to be gone
    bool is_paused = false;                 // no further run begins
    bool is_removed = false;                // not in the configuration any more
    std::optional<Shortage> shortage;       // it waits for memory
    std::uint64_t starving_place = 0;       // among those that do
    Instant starved_since;                  // it does so since then
    LearnedNeeds learned = LearnedNeeds{};  // counts while its need is not configured
    std::optional<Promise> promise;         // of that, what is kept for it
    std::uint32_t memory_retries = 0;       // loads in a row that ran out of memory
    DeviceId overfull;                      // where the latest of them did
    Duration load_cost{};                   // what its latest load took; 0: not known
    Duration restore_cost{};                // and its latest restore
    Bytes residue{};                        // what a process keeps whose weights are away
    std::uint64_t last_failed_load = 0;     // the latest whose process counted as a failure
    Generation retired;               // processes up to this one must go: restarted, or changed
    std::set<Generation> unkillable;  // set aside; their exits are still awaited
    // With so many of them there is no further process: it would most likely hang as well.
    static constexpr std::size_t kUnkillableMax = 3;
    std::uint64_t load_count = 0;
    std::uint64_t failure_count = 0;
    std::optional<Error> last_error;

    // The replica that says most of what may be expected of the model: a ready one before one that
    // loads, and so on; of those that pause, the one that pauses longest.
    const Replica& foremost() const;
    std::size_t lease_count() const;
    bool has_process() const;  // but those that stand by
    // One on standby that is up: one that is not may never be, and nobody shall pay for that.
    Replica* find_standby();
    std::size_t count_live() const;  // ready, loading or being restored
    bool has_live() const;           // one of these, or one whose weights can come back
    std::uint32_t count_copies_on(DeviceId device) const;
    // Of the ready replicas that have run before, that with the fewest runs; null: all are full.
    Replica* find_place(const Replica* except = nullptr);
    Replica* find_job_place(const Replica* except = nullptr);  // the same for a job
    bool has_job_place() const;
    Replica* find_empty_place();  // the same for a run that is to be alone
    bool has_idle() const;        // a ready replica that is empty
    bool is_job_waiting() const { return !is_paused && queue.has_jobs(); }
    bool is_first_run_due() const;  // of one of them; and it may run
    bool may_run() const { return !breaker.is_tripped() || lease_count() == 0; }  // one probe
    // Somebody waits for whom neither a ready replica has a place, nor one that loads will have.
    bool wants_place() const;
    bool may_launch() const;  // a failure is followed by a pause, for every copy
    std::size_t& wanted(AdminGoal goal);
    // Weights that lie in the host's memory.
    std::vector<std::uint32_t> offloaded_copies() const;
    // A place for one more copy, if there may be one more.
    std::optional<std::uint32_t> find_cold();
    bool is_retired(const Replica& replica) const { return replica.generation() <= retired; }
    // So many more runs its process may be sent; it is spent when it has made them all.
    std::size_t runs_left(const Replica& replica) const;
    bool is_spent(const Replica& replica) const;
    // All replicas that there are pause after a failure.
    bool is_resting() const { return foremost().residency() == Residency::backoff; }

    friend bool operator==(const Model&, const Model&) = default;
};

}  // namespace windlass::core
