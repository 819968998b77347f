// A worker process that exists only as a plan: it takes the engine's commands and says which events
// come back and when. It may be late, silent, dead, or answer twice, as the faults have it.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <set>

#include "core/engine.h"
#include "simulation/faults.h"

namespace windlass::simulation {

using core::Generation;
using core::Instant;
using core::RequestId;

// How a fake worker reaches its world.
struct WorldHooks {
    std::function<void(base::Duration, core::Event)> schedule;  // deliver it so much later
    std::function<bool(Fault)> strikes;  // whether a fault happens; counts it
    std::function<base::Duration(base::Duration, base::Duration)> between;
    std::function<bool(Generation)> take_memory;   // false: there is not enough for the load
    std::function<bool(Generation)> grow_memory;   // false: there is not enough for the first run
    std::function<void(Generation)> leave_device;  // its weights are in the host's memory now
    std::function<bool(Generation)> come_back;     // false: there is not enough on the device
};

class FakeWorker {
  public:
    FakeWorker(Generation generation, const core::ModelSpec& spec, const WorldHooks& hooks,
               bool is_standby);

    // Commands. The constructor is Launch.
    void load();
    void offload();
    void restore();
    void dispatch(RequestId request);
    void recall(RequestId request);
    void cancel(RequestId request);
    void stop();
    void terminate();
    void kill();

    // Whether an event that this worker planned earlier really happens now; keeps its own state.
    bool happens(const core::Event& event);

  private:
    void begin_next();
    void plan_run(RequestId request);
    // An offload or a restore; empty: it is not answered as it should be.
    std::optional<base::Duration> plan_move(base::Duration limit, const core::Event& failed);
    void die(base::Duration after);

    Generation generation_;
    core::ModelSpec spec_;  // as it was at the launch
    const WorldHooks* hooks_;
    std::deque<RequestId> held_;    // sent, not begun
    std::set<RequestId> starting_;  // `started` is on its way
    std::set<RequestId> begun_;
    bool is_deaf_ = false;
    bool is_dead_ = false;
    bool is_dying_ = false;
    bool is_lazy_ = false;  // never begins what it holds
};

}  // namespace windlass::simulation
