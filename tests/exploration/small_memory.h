// The memory of a small world's devices: what lies there, in coarse amounts, and all that may
// happen to it, as moves.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/engine.h"
#include "exploration/move.h"
#include "world/true_memory.h"

namespace windlass::exploration {

using core::Bytes;
using core::DeviceId;
using core::Generation;
using core::Instant;

struct MemoryOptions {
    core::DeviceSettings devices;  // as it is: a CPU of which nothing is known
    bool has_leftovers = false;    // memory may stay after an exit, and come back later
    bool has_silence = false;      // a device may say nothing
    bool has_loss = false;         // the first device is lost, and found again
    Bytes stranger;                // takes so much on the first device, and gives it back
};

class SmallMemory {
  public:
    explicit SmallMemory(std::shared_ptr<const MemoryOptions> options);

    void add_moves(std::vector<Move>& moves, const core::Engine& engine) const;
    bool may_stay(Generation generation) const;  // its memory, after its exit
    bool has_room(DeviceId id, Bytes bytes) const;

    // Before the engine hears of the move.
    void perform(const Move& move, const core::Engine& engine);
    void take(DeviceId id, Generation generation, Bytes bytes);
    // Whose memory may stay after that. As the engine hears of it, before or after.
    void end(const core::Engine& engine, Generation generation, bool stays);
    void note_question(const core::SampleDevice& question);
    // Strangers are gone, memory is back, lost devices are there. Returns what the engine must
    // hear.
    std::vector<core::Event> heal(const core::Engine& engine);
    // To every open question, as things are now.
    std::vector<core::Event> answers(const core::Engine& engine) const;

    std::optional<std::string> find_forgotten(const core::Engine& engine) const {
        return world::find_forgotten(devices_, engine, Instant{});
    }
    void encode(core::StateEncoder& encoder, const core::Engine& engine) const;

  private:
    struct Measured {  // at the time of the question; the answer may be as old as that
        Bytes used;
        std::vector<core::OwnMemory> own;
        std::optional<Bytes> clean_foreign;
        friend bool operator==(const Measured&, const Measured&) = default;
    };
    Measured measure(const world::TrueDevice& device) const;
    static core::DeviceSampled answer(DeviceId id, const core::Device& asked,
                                      const Measured& measured);

    std::shared_ptr<const MemoryOptions> options_;  // of all copies
    world::TrueMemory devices_;
    std::map<DeviceId, Measured> asked_;
    int stranger_step_ = 0;  // took, gave back
    int loss_step_ = 0;      // lost, found
};

}  // namespace windlass::exploration
