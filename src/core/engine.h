// The one owner of every decision: which model is loaded, which request runs where, what is ended
// when. Four kinds of methods: handle() takes what happened and appends what to do, next_deadline()
// tells when to send TimePassed, status getters, and the walks over the state. A value: copy it,
// compare it, hash it. No clock, no I/O, no randomness. Thread: main.
// lint: long file, a table of what the engine hears: one line for each event
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/command.h"
#include "core/deadlines.h"
#include "core/devices.h"
#include "core/engine_parts.h"
#include "core/event.h"
#include "core/eviction.h"
#include "core/job_book.h"
#include "core/memory_lease.h"
#include "core/view.h"

namespace windlass::core {

struct Explanation;  // explanation.h
struct ModelExplanation;

class Engine {
  public:
    // The ids of the models are 1, 2, ... in this order.
    explicit Engine(std::vector<ModelSpec> specs, DeviceSettings devices = {});

    // Appends to `out`, in order, what the shell must now do. `now` never decreases between calls.
    void handle(const Event& event, Instant now, Commands& out);

    // When TimePassed has work to do; empty: nothing is timed.
    std::optional<Instant> next_deadline() const { return deadlines_.next(); }

    std::optional<ModelId> find_model(std::string_view name) const;  // not those that were removed
    const Devices& devices() const { return devices_; }
    ModelView view(ModelId model) const;
    std::optional<WaitReason> wait_reason(RequestId request) const;  // empty: it does not wait
    std::vector<WaitingView> waiting(ModelId model, std::size_t count_max) const;
    std::optional<RequestId> find_job(JobId job) const;  // of those that are held
    // A job without a past that becomes ready now is claimed at once: nobody waits before it.
    bool would_claim(ModelId model) const;
    std::vector<WorkerView> workers() const;  // processes that are not reaped
    // Why it waits, or where it runs; empty: it has its answer, or there never was one.
    std::optional<Explanation> explain(RequestId request) const;
    ModelExplanation explain(ModelId model) const;
    bool is_shutting_down() const { return shutting_down_; }
    bool is_finished() const;  // shutting down, and no process is left that could be ended

    void encode(StateEncoder& encoder) const;
    std::uint64_t hash() const;
    void check_invariants() const;  // asserts; linear in the state
    friend bool operator==(const Engine&, const Engine&) = default;

  private:
    friend class Explainer;  // engine_explain.cpp: reads, and changes nothing

    // engine.cpp: clients, time, shutdown, and the one place that moves a model on
    void on(const CallArrived& event, Instant now, Commands& out);
    void on(const ClientGone& event, Instant now, Commands& out);
    void on(const TimePassed& event, Instant now, Commands& out);
    void on(const LoopDelayed& event, Instant now, Commands& out);
    void on(const ShutdownAsked& event, Instant now, Commands& out);
    void on(const ShutdownForced& event, Instant now, Commands& out);
    void on_timer(TimerKey key, Instant now, Commands& out);
    void on_replica_step(ReplicaId id, Instant now, Commands& out);
    void on_shutdown_step(TimerKind kind, Instant now, Commands& out);
    void set_aside(ReplicaId id, bool failed, Instant now, Commands& out);
    void advance(ModelId id, Instant now, Commands& out);
    void move_along(ReplicaId id, Instant now, Commands& out);
    void dispatch(ModelId id, Instant now, Commands& out);
    bool send_next(Model& model, Instant now, Commands& out);
    void launch_wanted(ModelId id, Instant now, Commands& out);
    void launch(ReplicaId id, const Placed& placed, Instant now, Commands& out);
    void arm_replica_timers(ReplicaId id);

    // engine_moves.cpp: idle models, and the way of their weights to the host's memory and back
    void on(const WorkerOffloaded& event, Instant now, Commands& out);
    void on(const OffloadFailed& event, Instant now, Commands& out);
    void on(const WorkerRestored& event, Instant now, Commands& out);
    void on(const RestoreFailed& event, Instant now, Commands& out);
    void settle_idle(ReplicaId id, Instant now, Commands& out);
    void arm_idle_timers(ReplicaId id);
    bool can_offload(const Replica& replica) const;
    void on_idle_timer(TimerKey key, Instant now, Commands& out);
    void begin_offload(ReplicaId id, Instant now, Commands& out);
    void go_on_offloading(Instant now, Commands& out);
    void grant_offload(ReplicaId id, Instant now, Commands& out);
    void refuse_offloads(ModelId id, const Error& error, Commands& out);
    void fail_offload(ReplicaId id, const Error& error, Commands& out);
    void on_move_limit(ReplicaId id, Instant now, Commands& out);
    bool restore_copy(Model& model, Instant now, Commands& out);
    void seek_place(Model& model, Instant now, Commands& out);
    bool may_restart(const Model& model) const;
    std::optional<bool> fits_elsewhere(const Model& model, const Replica& replica, Instant now,
                                       Commands& out);
    bool retry_restore(ReplicaId id, const Error& error, Instant now, Commands& out);

    // engine_standby.cpp: processes that are started ahead of their load
    void keep_standbys(Model& model, Instant now, Commands& out);
    bool may_stand_by(const Model& model) const;
    void stand_by(Model& model, Instant now, Commands& out);
    static Error bound_error(const Model& model);
    void refuse_standby(ReplicaId id, const Error& error, Instant now, Commands& out);
    void keep_all_standbys(Instant now, Commands& out);
    void on_standby_limit(ReplicaId id, Instant now, Commands& out);
    void fail_standby(ReplicaId id, const Error& error, StopStep first, Instant now, Commands& out);
    void pause_standbys(ReplicaId id, const Error& error, Instant now, Commands& out);
    void forgive_standbys(Model& model);

    // engine_recycling.cpp: processes that are replaced before they do harm
    bool is_worn_out(const Replica& replica) const;
    static void report_recycled(const Replica& replica, std::optional<Bytes> growth, Commands& out);
    void note_rest(const Replica& replica);
    void note_growth(const DeviceSampled& event, Instant now, Commands& out);

    // engine_administration.cpp: administrators, and a configuration that changes
    void on(const LoadAsked& event, Instant now, Commands& out);
    void on(const RestartAsked& event, Instant now, Commands& out);
    void on(const OffloadAsked& event, Instant now, Commands& out);
    void on(const UnloadAsked& event, Instant now, Commands& out);
    void on(const PauseAsked& event, Instant now, Commands& out);
    void on(const ResumeAsked& event, Instant now, Commands& out);
    void on(const KillAsked& event, Instant now, Commands& out);
    void on(const ModelConfigured& event, Instant now, Commands& out);
    void on(const ModelRemoved& event, Instant now, Commands& out);
    void kill_replica(ReplicaId id, Instant now, Commands& out);
    void add_model(ModelSpec spec);
    void add_admin(RequestId request, AdminWait wait, Duration timeout, Instant now, Commands& out);
    void settle_admins(ModelId id, Commands& out);

    // engine_workers.cpp: what workers say and how they end
    void on(const LaunchFailed& event, Instant now, Commands& out);
    void on(const WorkerHello& event, Instant now, Commands& out);
    void on(const WorkerLoaded& event, Instant now, Commands& out);
    void on(const LoadFailed& event, Instant now, Commands& out);
    void on(const RunStarted& event, Instant now, Commands& out);
    void on(const RunProgressed& event, Instant now, Commands& out);
    void on(const RunAnswered& event, Instant now, Commands& out);
    void on(const RunFailed& event, Instant now, Commands& out);
    void on(const RunRecalled& event, Instant now, Commands& out);
    void on(const ChannelLost& event, Instant now, Commands& out);
    void on(const WorkerExited& event, Instant now, Commands& out);
    void fail_load(ReplicaId id, const Error& error, Instant now, Commands& out);
    void report_dropped(Generation generation, RequestId request, Commands& out) const;
    void end_lease(ReplicaId id, RequestId request, Instant now, Commands& out);
    void arm_run_limit(ReplicaId id, RequestId request);
    Instant run_limit_end(const Model& model, RequestId request, const Lease& lease) const;
    void on_run_limit(RequestId request, Instant now, Commands& out);
    void on_begin_limit(ReplicaId id, Instant now, Commands& out);
    void break_limit(ReplicaId id, RequestId culprit, const Error& error, Instant now,
                     Commands& out);
    void end_generation(Generation generation, const Error& error, Instant now, Commands& out);
    Error explain_end(ReplicaId id, const WorkerExited& event) const;
    Error explain_cut(const Replica& replica, Error error) const;
    void lose_leases(ReplicaId id, const Error& error, Commands& out);
    bool rerun(RequestId request, Commands& out);
    Replica* find_generation(Generation generation);
    Duration count_failure(ReplicaId id, JobId culprit, Instant now, Commands& out);
    void count_success(ReplicaId id, Commands& out);
    static Timings timings_of(const Replica& replica, const Call& call, Instant started,
                              Instant now);

    // engine_memory.cpp: who may load where, and when bytes are free again
    void on(const DeviceFound& event, Instant now, Commands& out);
    void on(const DeviceSampled& event, Instant now, Commands& out);
    void on(const DeviceSilent& event, Instant now, Commands& out);
    void on(const DeviceLost& event, Instant now, Commands& out);
    void on_device_timer(TimerKey key, Instant now, Commands& out);
    void on_settle_limit(Generation generation, Instant now, Commands& out);
    void arm_device_timers();
    std::optional<Placed> admit(Model& model, Instant now, Commands& out);
    void starve(Model& model, const Shortage& shortage, Instant now, Commands& out);
    void end_starving(Model& model);
    void feed_starving(Instant now, Commands& out);
    WaitReason short_reason(const Model& model) const;
    std::optional<Instant> oldest_arrival(const Model& model) const;
    Error memory_error(const Model& model) const;
    Bytes held_by_models(const Device& device) const;
    std::vector<base::MemoryHolder> holders_on(const Device& device) const;
    void depart(Generation generation, Instant now, Commands& out);
    void disarm_settled();
    void shrink_copies(DeviceId id, Instant now, Commands& out);
    Replica* begin_first_run(Model& model, Replica* place, Instant now, Commands& out);
    std::optional<DeviceId> forgo_first_runs(const Model& model);
    bool retry_load(ReplicaId id, const Error& error, Instant now, Commands& out);

    // engine_leases.cpp: clients who use a device's memory themselves
    void on(const LeaseAsked& event, Instant now, Commands& out);
    void on(const LeaseReturned& event, Instant now, Commands& out);
    void try_lease(RequestId request, Instant now, Commands& out);
    void try_leases(std::uint64_t from, std::uint64_t to, Instant now, Commands& out);
    Bytes kept_from(const MemoryLease& lease, const Candidate& candidate) const;
    bool may_lend(const MemoryLease& lease, const Device& device) const;
    void grant_lease(RequestId request, const Placed& placed, Instant now, Commands& out);
    void refuse_lease(RequestId request, Error error, Commands& out);
    void close_lease(RequestId request, std::optional<Error> error, Instant now, Commands& out);
    void withdraw_lease(RequestId request, const Error& error, Instant now, Commands& out);
    void end_lease_time(RequestId request, Instant now, Commands& out);
    void close_leases_on(DeviceId id, const Error& error, Instant now, Commands& out);
    void close_all_leases(Instant now, Commands& out);
    WaitReason lease_wait_reason(const MemoryLease& lease) const;
    Error lease_error(const MemoryLease& lease) const;
    void encode_leases(StateEncoder& encoder) const;
    void check_leases() const;

    // engine_jobs.cpp: heads, and which of them begins. Calls are first, because somebody waits on
    // a connection; but once none of a model's jobs was chosen for `max_wait` the first of them is
    // next. One that is to be alone waits for an empty replica, and others pass it; but once it is
    // the first and has waited for `max_wait` no other job passes it, and at the turn of the jobs
    // no call either, where no job runs. So that whatever waits begins once what runs has ended.
    void on(const JobStoreOpened& event, Instant now, Commands& out);
    void on(const JobsReady& event, Instant now, Commands& out);
    void on(const HeadFetched& event, Instant now, Commands& out);
    void on(const FetchFailed& event, Instant now, Commands& out);
    void on(const JobClaimed& event, Instant now, Commands& out);
    void on(const ClaimRefused& event, Instant now, Commands& out);
    void on(const JobSettled& event, Instant now, Commands& out);
    void on(const JobCancelAsked& event, Instant now, Commands& out);
    void fetch_heads(Model& model, Commands& out);
    void note_ready(Model& model, const JobHead& head, Instant told);
    void take_head(Model& model, const JobHead& head, Instant told);
    void drop_missing_heads(Model& model, const std::set<JobId>& heads);
    void drop_heads(Model& model);
    void forget_job(RequestId request);
    void pause_store(Instant now);
    void on_store_pause(Instant now, Commands& out);
    bool may_claim() const { return !shutting_down_ && jobs_.may_claim(); }
    static bool is_job_turn(const Model& model, Instant now);
    bool has_waited(const Model& model, RequestId job, Instant now) const;
    bool claim_next(Model& model, Instant now, Commands& out);
    void claim(Model& model, RequestId request, Replica& replica, Instant now, Commands& out);
    void charge_load(Model& model, const Error& error, Instant now, Commands& out);
    void ask_store(Model& model, RequestId request, Instant now, Commands& out);
    Replica* find_call_place(Model& model, Instant now);
    const Replica* find_reserved(const Model& model, Instant now) const;
    bool give_up_place(RequestId request, Instant now, Commands& out);
    void give_up_places(ReplicaId id, Instant now, Commands& out);
    void on_claim_limit(RequestId request, Instant now, Commands& out);

    // engine_job_ends.cpp: how an attempt ends, and that it does so once
    void on_job_deadline(RequestId request, Instant now, Commands& out);
    void on_job_grace(RequestId request, Instant now, Commands& out);
    void stop_job(RequestId request, JobStopCause cause, Instant now, Commands& out);
    void ask_to_end(RequestId request, Instant now, Commands& out);
    void condemn_job(RequestId request, JobStopCause cause, const Error& error, Commands& out);
    void begin_job(RequestId request, Instant now, Commands& out);
    void end_job_run(RequestId request, std::optional<Error> error, bool was_cancelled,
                     Timings timings, Commands& out);
    void end_unbegun_job(RequestId request, Commands& out);
    bool is_condemned(RequestId request) const;
    static bool is_ended_by_us(const Replica& replica);
    void await_end(RequestId request);
    void lose_job(RequestId request, const Error& error, bool is_wanted);
    void settle_ended(Generation generation, Commands& out);
    void settle_crash(RequestId request, Commands& out);
    void settle_failure(RequestId request, Error error, std::optional<Timings> timings,
                        Commands& out);
    void settle_verdict(RequestId request, std::optional<Timings> timings, Commands& out);
    void settle(RequestId request, SettleJob ending, Commands& out);
    bool holds_only_overdue(const Replica& replica) const;
    JobId sole_job(const Replica& replica) const;
    Duration run_limit_of(const Model& model, RequestId request) const;
    Duration stall_limit_of(const Model& model, RequestId request) const;
    void check_jobs() const;

    // engine_learning.cpp: needs that nobody configured
    void on(const NeedRecalled& event, Instant now, Commands& out);
    std::optional<Bytes> learned_need(const Model& model) const;
    void add_learned(const Model& model, std::vector<Candidate>& candidates) const;
    static bool is_doubted(const Model& model, Instant now);
    void learn_from(DeviceId id, Commands& out);
    void learn(Generation generation, bool is_last, Commands& out);
    void learn_last(Generation generation, const Error& error, Commands& out);
    void unlearn(const Replica& replica, const Error& error, Commands& out);
    void unlearn_all(Model& model, Commands& out);
    void forget_need(Model& model, DeviceId id, Commands& out);

    // engine_eviction.cpp: who makes room for whom
    bool may_evict(const Model& model) const;
    std::vector<Place> places_for(const Model& model, std::span<const Candidate> candidates,
                                  Instant now, Commands& out);
    bool make_room(Model& model, std::span<const Place> places, Instant now, Commands& out);
    std::optional<Room> room_on(const Model& model, const Place& place, Way way, Instant now) const;
    bool ask_neighbour(const Model& model, Generation generation, const Claim& claim, bool is_retry,
                       Way way, Instant now, Room& room) const;
    static Instant patience_end(const Model& model);
    Instant mover_due(const Model& model, const Replica& mover, bool may_drain,
                      Duration cost) const;
    static std::array<Instant, 2> turn_ends(const Replica& replica, Duration cost);
    const Replica* find_mover(const Model& model, Generation generation) const;
    static void keep_room(Model& model, const Room& room);
    void forgo_room(Model& model);
    bool may_step_aside(const Replica& mover) const;
    void note_residues(DeviceId id);
    Devices::Parking ask_host(std::span<const ReplicaId> movers, Instant now, Commands& out);
    void make_way(ReplicaId id, Way way, Instant now, Commands& out);
    Bytes promised_to_others(const Model& model, DeviceId device) const;
    void note_promised(const Model& model, Candidate& candidate) const;
    Bytes promised_on_hosts() const;

    // engine_requests.cpp: a call on its way to its one answer
    void respond(RequestId request, std::optional<Error> error, Generation generation,
                 Timings timings, Commands& out);
    void refuse(RequestId request, Error error, Commands& out);
    static Error hopeless_error(const Model& model, Duration left);
    bool refuse_if_hopeless(RequestId request, Instant now, Commands& out);
    void refuse_hopeless(ModelId id, Instant now, Commands& out);
    void refuse_waiting(ModelId id, const Error& error, Commands& out);
    void refuse_copy(Model& model, Commands& out);
    void withdraw(RequestId request, Error error, Instant now, Commands& out);
    void take_from_wait(RequestId request, const Call& call);
    void requeue(RequestId request, Commands& out);
    bool retry_later(RequestId request, const RunFailed& event, Instant now, Commands& out);
    void on_retry_due(RequestId request, Instant now, Commands& out);
    Instant wait_end(RequestId request) const;
    Error timeout_error(RequestId request, TimerKind kind) const;
    bool is_closing(const Model& model) const { return shutting_down_ || model.is_removed; }
    Error closing_error(const Model& model) const;
    static Error shutdown_error();

    Model& model_of(ModelId id);
    const Model& model_of(ModelId id) const;
    template <class Visit>
    void for_each_replica(Visit visit) {
        for (Model& model : models_) {
            for (std::uint32_t copy = 0; copy < model.replicas.size(); ++copy)
                visit(ReplicaId{model.id, copy}, model.replicas[copy]);
            for (std::uint32_t place = 0; place < model.standbys.size(); ++place) {
                visit(ReplicaId{model.id, ReplicaId::kFirstStandby + place}, model.standbys[place]);
            }
        }
    }
    std::optional<NextMove> next_move(ReplicaId id) const;
    void encode_model(const Model& model, StateEncoder& encoder) const;
    void encode_wait(const Model& model, StateEncoder& encoder) const;
    static void encode_shortage(const std::optional<Shortage>& shortage, StateEncoder& encoder);
    static void encode_replica(const Model& model, const Replica& replica, StateEncoder& encoder);
    void check_replicas(const Model& model) const;
    void check_standbys(const Model& model) const;
    void check_memory() const;
    Replica& replica_of(ReplicaId id);
    const Replica& replica_of(ReplicaId id) const;

    std::vector<Model> models_;  // never fewer: what was removed may come back
    std::map<std::string, ModelId, std::less<>> names_;  // removed ones too
    std::map<RequestId, Call> calls_;                    // not answered yet
    std::map<RequestId, AdminWait> admins_;              // not answered yet
    std::map<Generation, ReplicaId> generations_;        // alive, or not known to be dead
    std::map<RequestId, ReplicaId> runs_;  // sent to a worker and not ended there, answered or not
    std::map<std::uint64_t, ModelId> starving_;  // by when they began to wait for memory
    std::map<RequestId, MemoryLease> leases_;    // that wait, or were granted and are not over
    std::map<std::uint64_t, RequestId> waiting_leases_;  // in one order with `starving_`
    JobBook jobs_;
    Devices devices_;
    Deadlines deadlines_;
    std::uint64_t last_generation_ = 0;
    std::uint64_t last_starving_place_ = 0;
    bool shutting_down_ = false;
    bool may_make_room_ = false;  // within handle(): somebody idles, and others wait for memory
};

}  // namespace windlass::core
