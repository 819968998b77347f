// The memory of simulated devices as it really is: what workers and strangers hold, and what the
// dead have left. The engine sees only the answers to its questions.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "core/engine.h"
#include "simulation/fake_worker.h"
#include "simulation/random.h"
#include "world/true_memory.h"

namespace windlass::simulation {

using core::Bytes;
using core::DeviceId;

class FakeMemory {
  public:
    FakeMemory(const core::DeviceSettings& settings, Random& random, const WorldHooks& hooks);

    // `claim`: a need that is configured takes no more.
    void launch(const core::Launch& order, const core::ModelSpec& spec, const core::Claim& claim);
    // A load takes its memory. False: there is not enough.
    bool take(Generation generation);
    // So does the first run of an unknown need, beyond that of its load; and any that leaks.
    bool grow(Generation generation);
    // Its weights go to the host's memory; what its context needs stays.
    void leave(Generation generation);
    bool come_back(Generation generation);  // false: there is not enough
    void end(Generation generation, const core::Engine& engine, Instant now);
    // Plans the answer, if there is to be one.
    void ask(const core::SampleDevice& question, Instant now);
    void lose(DeviceId id) { devices_.at(id).is_lost = true; }
    void find(DeviceId id) { devices_.at(id).is_lost = false; }
    void on_answer(const core::DeviceSampled& answer, const core::Engine& engine);
    // The daemon died, and every worker with it: whoever comes next takes what they have left for a
    // stranger's, until it is back.
    void orphan(Instant now);
    void heal(Instant now);  // all that was left behind comes back, strangers go

    std::optional<std::string> find_forgotten(const core::Engine& engine, Instant now) const {
        return world::find_forgotten(devices_, engine, now);
    }

  private:
    struct Plan {
        DeviceId device;
        Bytes need;
        Bytes growth;
        Bytes leak;  // of each run
        Bytes leaked;
    };

    void leak(Generation generation, Plan& plan);
    void forget_host(Generation generation);
    void return_orphaned(DeviceId id, Instant now);
    void move_stranger(world::TrueDevice& device, Instant now);

    Random& random_;
    const WorldHooks& hooks_;
    world::TrueMemory devices_;
    // When the answer under way was measured, with nothing left behind by anybody.
    std::map<DeviceId, std::optional<Bytes>> clean_foreign_;
    std::map<Generation, Plan> plans_;
    std::map<Generation, Bytes> away_;  // what it has when its weights are there
    struct Orphaned {
        Bytes bytes;
        Instant until;
    };
    std::map<DeviceId, Orphaned> orphaned_;
    Instant now_;
};

}  // namespace windlass::simulation
