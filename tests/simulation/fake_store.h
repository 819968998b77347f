// The store of learned needs, and how much of what it was given survives the daemon.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/event.h"

namespace windlass::simulation {

class FakeStore {
  public:
    using Key = std::pair<core::ModelId, std::string>;  // the model, the make of the device

    // What is written takes a moment to last.
    void remember(const Key& key, core::Bytes peak, core::Instant now);
    void forget(const Key& key, core::Instant now);

    // The daemon died: what does not last yet is lost. The rest is told to the next one.
    std::vector<core::NeedRecalled> crash(core::Instant now);

  private:
    struct Write {
        core::Instant at;
        Key key;
        core::Bytes peak;  // 0: all peaks of the key are forgotten
    };
    std::vector<Write> writes_;
};

}  // namespace windlass::simulation
