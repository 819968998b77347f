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

namespace windlass::simulation {

using core::Bytes;
using core::DeviceId;

class FakeMemory {
  public:
    FakeMemory(const core::DeviceSettings& settings, Random& random, const WorldHooks& hooks);

    // `claim`: what an unknown need turns out to take at most.
    void launch(const core::Launch& order, const core::ModelSpec& spec, Bytes claim);
    // A load takes its memory. False: there is not enough.
    bool take(Generation generation);
    void end(Generation generation, Instant now);
    // Plans the answer, if there is to be one.
    void ask(const core::SampleDevice& question, Instant now);
    void lose(DeviceId id) { devices_.at(id).is_lost = true; }
    void find(DeviceId id) { devices_.at(id).is_lost = false; }
    void heal(Instant now);  // all that was left behind comes back, strangers go

    // Empty: whatever still lies there is claimed or fenced.
    std::optional<std::string> find_forgotten(const core::Engine& engine, Instant now) const;

  private:
    struct Left {
        Bytes bytes;
        Instant until;
    };
    struct Device {
        core::DeviceSpec spec;
        Bytes foreign;
        bool is_lost = false;
        // A stranger that shrinks while memory is on its way back cannot be told from it.
        bool is_blurred = false;
        bool is_estimated = false;  // processes were hidden once: claims may be estimates
        std::map<Generation, Bytes> own;
        std::map<Generation, Left> left;
    };
    struct Plan {
        DeviceId device;
        Bytes need;
    };

    Bytes used(const Device& device, Instant now) const;
    void move_stranger(Device& device, Instant now);

    Random& random_;
    const WorldHooks& hooks_;
    std::map<DeviceId, Device> devices_;
    std::map<Generation, Plan> plans_;
    Instant now_;
};

}  // namespace windlass::simulation
