// One copy of a model: the life of its worker process, and the leases on it. Decides
// nothing about requests; knows neither the queue nor the engine.
// lint: long file, one state with one writer: all moves of a replica
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "base/time.h"
#include "core/command.h"
#include "core/ids.h"
#include "core/model_spec.h"
#include "core/residency.h"
#include "core/state_encoder.h"

namespace windlass::core {

// The right of one request to use the replica, from being sent to the worker to its end there.
// While there is one, nothing moves the model.
struct Lease {
    bool begun = false;     // the worker said `started`
    bool is_held = false;   // a place for a job whose store is being asked; nothing was sent
    bool is_alone = false;  // nothing else may be here
    bool recall_sent = false;
    bool cancel_sent = false;
    Instant sent;
    Instant started;        // once begun
    Instant last_progress;  // as which the sending counts, and the start

    friend bool operator==(const Lease&, const Lease&) = default;
};
using Leases = std::map<RequestId, Lease>;

// How far the kill ladder has gone.
enum class StopStep : std::uint8_t { none, asked, cancelled, terminated, killed };

// Whether the end of the process is a failure of the model, to be followed by a pause.
// `limit` is one whose culprit is known: a run broke a limit.
enum class StopCause : std::uint8_t { wanted, failure, limit };

class Replica {
  public:
    explicit Replica(ModelId model) : model_(model) {}

    ModelId model() const { return model_; }
    Residency residency() const { return residency_; }
    Generation generation() const { return generation_; }
    DeviceId device() const { return device_; }  // of its process; none while it stands by
    StopStep stop_step() const { return stop_step_; }
    StopCause stop_cause() const { return stop_cause_; }  // while it stops
    bool has_process() const;
    bool said_hello() const { return said_hello_; }
    bool is_untried() const { return is_untried_; }  // its first run is to be made alone
    bool is_first_run_due() const;
    // Placed by what others of its model taught, and has not run itself.
    bool is_unproven() const { return is_unproven_; }
    bool can_offload() const { return can_offload_; }  // as its `hello` said
    bool will_back_off() const;  // asked before on_exit(): true when the exit is a failure
    const Leases& leases() const { return leases_; }
    std::size_t begun_count() const;
    std::uint64_t run_count() const { return run_count_; }      // begun and over, in this process
    std::uint32_t concurrency() const { return concurrency_; }  // that of its process
    Instant loading_since() const { return loading_since_; }    // of the latest load or restore
    Instant ready_since() const { return ready_since_; }
    Instant used_at() const { return place_free_since_; }  // a run ended, or it became ready

    // When step_due() must be called; belongs to the present state.
    std::optional<Instant> deadline() const { return deadline_; }

    // --- moves
    // The limits of the process are those that `spec` has now, for all of its life.
    void launch(const Launch& order, const ModelSpec& spec, Instant now, Commands& out);
    void mark_unproven() { is_unproven_ = true; }  // once launched
    void mark_untried() { is_untried_ = true; }    // once launched: nobody knows what it needs
    // First sign of the process: send `load`.
    void on_hello(bool can_offload, Instant now, Commands& out);
    void stand_by(const Launch& order, const ModelSpec& spec, Instant now, Commands& out);
    void take_up(DeviceId device, const ModelSpec& spec, Instant now, Commands& out);
    bool was_standby() const { return was_standby_; }
    void mark_load(std::uint64_t number) { load_number_ = number; }  // of its model
    std::uint64_t load_number() const { return load_number_; }
    void on_loaded(Instant now, Commands& out);
    void drain(Commands& out);  // ready only; recalls what has not begun
    // Starts the ladder at `first`: asked (a worker that can hear), cancelled (a run broke a
    // limit), terminated (it does not hear any more) or killed.
    void stop(StopCause cause, StopStep first, Instant now, Commands& out);
    void escalate(StopStep at_least, Instant now, Commands& out);
    void step_due(Instant now, Commands& out);  // stopping: the next rung; backoff: cold
    void on_exit(Instant backoff_until, Commands& out);
    void start_in_backoff(Instant until, Commands& out);  // takes over from an unkillable one
    void end_backoff(Commands& out);

    // --- leases
    void send(RequestId request, Duration timeout, Instant now, Commands& out);
    // A place for a job, until it is known whether it may begin; then it is sent, or ended.
    void hold(RequestId request, bool is_alone, Instant now);
    void send_held(RequestId request, Duration timeout, Instant now, Commands& out);
    bool is_closed() const { return is_closed_; }  // what is here wants to be alone
    Lease* find_lease(RequestId request);
    void recall(RequestId request, Commands& out);
    void cancel(RequestId request, Commands& out);
    void end_lease(RequestId request, Instant now);
    // Shifts the signs of life of what has begun, up to the present.
    void forgive(Duration delay, Instant now);

    // --- idleness and what it leads to (replica_moves.cpp)
    void note_idle(Instant now);  // nobody uses it; keeps the first such instant
    void forget_idle();           // somebody does, or the count begins anew
    std::optional<Instant> idle_since() const { return idle_since_; }
    void await_room(bool awaits) { awaits_room_ = awaits; }  // the host is asked how full it is
    bool awaits_room() const { return awaits_room_; }
    void offload(Instant now, Commands& out);
    void on_offloaded(Commands& out);
    void on_offload_failed(Instant retry_at, Instant now, Commands& out);
    std::uint32_t failed_offloads() const { return failed_offloads_; }  // in a row
    Instant offload_retry_at() const { return offload_retry_at_; }
    void restore(Instant now, Commands& out);
    void on_restored(Instant now, Commands& out);
    void on_restore_failed(Commands& out);
    std::uint32_t failed_restores() const { return failed_restores_; }  // in a row

    // Since when a run ought to have begun and has not: places are free, and it was sent before.
    std::optional<Instant> begin_due_since() const;

    void encode(StateEncoder& encoder) const;
    friend bool operator==(const Replica&, const Replica&) = default;

  private:
    void enter(Residency next, Commands& out);  // the one writer of residency_
    void begin(const Launch& order, const ModelSpec& spec);
    void climb(StopStep step, Instant now, Commands& out);
    void report(EventCode code, Commands& out) const;

    ModelId model_;
    ReplicaLimits limits_;
    std::uint32_t concurrency_ = 1;
    Residency residency_ = Residency::cold;
    Generation generation_;
    DeviceId device_;
    StopStep stop_step_ = StopStep::none;
    StopCause stop_cause_ = StopCause::wanted;
    std::uint64_t load_number_ = 0;
    bool was_standby_ = false;
    bool said_hello_ = false;
    bool is_untried_ = false;
    bool is_unproven_ = false;
    bool can_offload_ = false;
    bool awaits_room_ = false;
    bool is_closed_ = false;
    std::uint64_t run_count_ = 0;
    std::uint32_t failed_offloads_ = 0;
    std::uint32_t failed_restores_ = 0;
    Instant offload_retry_at_;
    std::optional<Instant> idle_since_;
    std::optional<Instant> deadline_;
    Instant loading_since_;
    Instant ready_since_;
    Instant place_free_since_;  // when a run last ended
    Leases leases_;
};

}  // namespace windlass::core
