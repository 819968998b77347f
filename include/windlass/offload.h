/// A model in C++ whose weights can go to host memory and come back; served as any other.
#pragma once

#include <string>

#include "windlass/worker.h"

namespace windlass::worker {

/// Both hooks are called from the thread that called serve(), and only while no run waits or has
/// begun. One that fails may be called again: offload() should undo what it has begun before it
/// fails, for then the model counts as loaded and may be run; after a failed restore() it counts as
/// offloaded. unload() may come while the model is offloaded.
class OffloadableModel : public Model {
  public:
    /// Moves everything that takes memory of the device to the host, and gives that memory back.
    /// What was given to the device to do must have ended before: synchronise with it first.
    virtual Outcome<void> offload() = 0;
    /// Moves it back onto the device that load() was given. The answers are as before.
    virtual Outcome<void> restore(const std::string& device) = 0;
};

}  // namespace windlass::worker
