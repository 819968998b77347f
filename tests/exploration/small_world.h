// One model or two, a few requests and every worker that could be, on a device whose memory is told
// or is not: all that may happen next, as moves. The real engine inside, the oracle beside it.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/engine.h"
#include "exploration/canonical.h"
#include "exploration/small_jobs.h"
#include "exploration/small_memory.h"
#include "world/ledger.h"

namespace windlass::exploration {

using core::ModelId;
using core::RequestId;

// What this world contains beside the calls.
struct WorldOptions {
    core::ModelSpec model;
    int call_count = 2;
    core::Duration call_timeout = std::chrono::seconds{40};
    bool has_load = false;      // an administrator's load
    bool has_unload = false;    // an administrator's unload
    bool has_restart = false;   // an administrator's restart
    bool has_pause = false;     // paused, then resumed
    bool has_reload = false;    // the model changes, is removed, comes back
    bool has_shutdown = false;  // asked, then forced
    bool has_offload = false;   // an administrator's offload
    bool can_offload = false;   // workers have the hooks; what they keep is 1 GiB
    bool has_cancel = false;    // clients may go, also where all else is calm
    bool has_kill = false;      // an administrator kills a process, once
    core::LeaseAsked lease;     // of so many bytes; 0: nobody asks for one
    // Workers load where there is room, and answer; or die. All else that they may do is explored
    // in worlds without memory.
    bool is_calm = false;
    bool is_steady = false;               // no worker exits unless it is told to
    bool is_mortal = false;               // who is killed exits before any time passes
    std::vector<core::ModelSpec> others;  // calls take turns with the models
    MemoryOptions memory;
    JobOptions jobs;
};

class SmallWorld {
  public:
    explicit SmallWorld(const WorldOptions& options);

    void list_moves(std::vector<Move>& moves) const;  // all, instead of what was in there
    void apply(const Move& move);

    Digest canonical(CanonicalEncoder& encoder) const;
    const std::optional<std::string>& violation() const { return violation_; }
    const core::Engine& engine() const { return engine_; }
    // Nothing is owed to anybody: no request waits, no process lives but on standby.
    bool is_quiet() const {
        const auto is_on_standby = [](const auto& entry) {
            return !entry.second.device && entry.second.signals == 0;
        };
        return ledger_.unanswered_count() == 0 && !lease_ &&
               jobs_.is_quiet(engine_.is_shutting_down()) &&
               std::ranges::all_of(workers_, is_on_standby);
    }
    // A law for quiet states: once all faults are over, no claim and no fence is left.
    std::optional<std::string> find_leftover() const;
    // What the engine reported of the last move.
    const std::vector<core::EventCode>& reports() const { return reports_; }
    bool is_anybody_waiting(core::WaitReason reason) const;
    bool is_any_silent() const;

  private:
    struct Worker {
        ModelId model;
        DeviceId device;
        bool said_hello = false;
        bool got_load = false;
        bool is_loaded = false;
        bool has_failed = false;
        bool is_moving = false;  // offload or restore is ordered
        bool is_away = false;    // its weights are in the host's memory
        bool is_deaf = false;
        std::set<RequestId> held;  // sent and not begun
        std::set<RequestId> begun;
        std::set<RequestId> recalls;  // asked, not answered
        int signals = 0;              // stop 1, SIGTERM 2, SIGKILL 4
    };

    static constexpr RequestId kLease{104};
    // On its device, by weights that are away.
    static constexpr Bytes kKept{std::uint64_t{1} << 30};

    void add_client_moves(std::vector<Move>& moves) const;
    void add_lease_moves(std::vector<Move>& moves) const;
    void add_administrator_moves(std::vector<Move>& moves) const;
    void add_worker_moves(std::vector<Move>& moves, Generation generation,
                          const Worker& worker) const;
    void add_calm_moves(std::vector<Move>& moves, Generation generation,
                        const Worker& worker) const;
    void add_weight_moves(std::vector<Move>& moves, Generation generation,
                          const Worker& worker) const;
    void add_run_moves(std::vector<Move>& moves, Generation generation, const Worker& worker) const;
    std::vector<core::ModelSpec> specs() const;
    ModelId model_of(RequestId call) const;
    bool is_blind() const;  // no device tells how full it is
    Bytes need_of(const Worker& worker) const;
    // Returns whether the engine did more than to ask devices.
    bool deliver(const core::Event& event);
    bool hear(const core::Event& event);
    bool answer_all();
    void pass_while();
    void fail(const std::string& sentence);
    void note_event(const core::Event& event);
    void end_lease();
    void end_worker(Generation generation);
    void move_weights(Generation generation, bool is_away);
    void note_commands(const core::Commands& commands);

    std::shared_ptr<const WorldOptions> options_;  // of all copies
    core::Engine engine_;
    world::Ledger ledger_;
    SmallMemory memory_;
    SmallJobs jobs_;
    core::Instant now_;
    std::map<Generation, Worker> workers_;
    std::set<RequestId> made_;  // requests that have been made
    std::set<RequestId> gone_;  // whose client left
    int shutdown_step_ = 0;
    int pause_step_ = 0;
    int reload_step_ = 0;
    bool has_killed_ = false;
    struct HeldLease {
        Generation generation;
        DeviceId device;
        bool has_taken = false;
        bool is_free = false;  // its client has freed the memory
    };
    std::optional<HeldLease> lease_;
    bool stays_ = false;  // in this move: the memory of whoever ends
    std::vector<core::EventCode> reports_;
    core::Commands commands_;  // empty between events; what it allocated is used again
    std::optional<std::string> violation_;
};

}  // namespace windlass::exploration
