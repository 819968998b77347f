// One model, a few requests and every worker that could be: all that may happen next, as moves. The
// real engine inside, the oracle beside it.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/engine.h"
#include "world/ledger.h"

namespace windlass::exploration {

using core::Generation;
using core::RequestId;

// What a story tells of a move; the text is made only when it is told.
struct MoveName {
    const char* what = "";
    Generation worker;  // none: not done by a worker
    RequestId request;  // none: not about one
};
std::string to_text(const MoveName& name);

struct Move {
    MoveName name;
    core::Event event;
};

// What this world contains beside the calls.
struct WorldOptions {
    core::ModelSpec model;
    int call_count = 2;
    bool has_load = false;      // an administrator's load
    bool has_unload = false;    // an administrator's unload
    bool has_restart = false;   // an administrator's restart
    bool has_pause = false;     // paused, then resumed
    bool has_reload = false;    // the model changes, is removed, comes back
    bool has_shutdown = false;  // asked, then forced
};

class SmallWorld {
  public:
    explicit SmallWorld(const WorldOptions& options);

    std::vector<Move> moves() const;
    void apply(const Move& move);

    std::string canonical() const;
    const std::optional<std::string>& violation() const { return ledger_.violation(); }
    const core::Engine& engine() const { return engine_; }
    // Nothing is owed to anybody: no request waits, no process lives.
    bool is_quiet() const { return ledger_.unanswered_count() == 0 && workers_.empty(); }

  private:
    struct Worker {
        bool said_hello = false;
        bool got_load = false;
        bool is_loaded = false;
        bool has_failed = false;
        bool is_deaf = false;
        std::set<RequestId> held;  // sent and not begun
        std::set<RequestId> begun;
        std::set<RequestId> recalls;  // asked, not answered
        int signals = 0;              // stop 1, SIGTERM 2, SIGKILL 4
    };

    void add_client_moves(std::vector<Move>& moves) const;
    void add_administrator_moves(std::vector<Move>& moves) const;
    void add_worker_moves(std::vector<Move>& moves, Generation generation,
                          const Worker& worker) const;
    void add_run_moves(std::vector<Move>& moves, Generation generation, const Worker& worker) const;
    void note_event(const core::Event& event);
    void note_commands(const core::Commands& commands);

    WorldOptions options_;
    core::Engine engine_;
    world::Ledger ledger_;
    core::Instant now_;
    std::map<Generation, Worker> workers_;
    std::set<RequestId> made_;  // requests that have been made
    std::set<RequestId> gone_;  // whose client left
    int shutdown_step_ = 0;
    int pause_step_ = 0;
    int reload_step_ = 0;
};

}  // namespace windlass::exploration
