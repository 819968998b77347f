// Between the device floor and the engine: UUIDs become ids, samples become events, and the
// engine's questions become the floor's. Decides nothing. Thread: main.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/engine.h"
#include "daemon/device_floor.h"

namespace windlass::daemon {

class DeviceBridge {
  public:
    struct Hooks {
        std::function<void(const core::Event&)> handle;            // the engine's
        std::function<std::map<int, core::Generation>()> workers;  // by pid
    };
    explicit DeviceBridge(Hooks hooks) : hooks_(std::move(hooks)) {}

    // `floor` outlives it.
    void use(device::Floor& floor) { floor_ = &floor; }

    // What the floor found or lost since the last turn.
    void end_turn();
    void ask(const core::SampleDevice& question);
    // What is shown of a device has changed: it is measured once more, and nobody waits for that.
    void refresh(const std::string& uuid) const {
        floor_->sample(uuid, [](const base::Result<device::Sample>&) {});
    }

    // "cpu", or a GPU's UUID.
    const std::string& uuid_of(core::DeviceId id) const { return uuids_[id.value - 1]; }
    std::optional<core::DeviceId> find(std::string_view uuid) const;
    // The UUIDs of the GPUs that are there and may be chosen, with commas between; "cpu": none.
    std::string visible_to(const core::DeviceChoice& choice) const;
    // Its driver and product; empty: what is learned there holds for no other.
    const std::string& make_of(core::DeviceId id) const { return known_.at(id).make; }

  private:
    struct Known {
        std::optional<base::Bytes> capacity;
        bool is_lost = false;
        bool is_in_trouble = false;  // did not answer, or with an error
        bool stands_in = false;      // see core::DeviceSpec
        std::string make = {};       // likewise
    };

    void answer(const core::SampleDevice& question, const base::Result<device::Sample>& sample);
    void tell(core::DeviceId id, const device::Device& device, std::optional<base::Bytes> capacity);

    const Hooks hooks_;
    device::Floor* floor_ = nullptr;
    std::optional<std::uint64_t> seen_revision_;  // of the floor
    std::vector<std::string> uuids_;              // by id
    std::map<core::DeviceId, Known> known_;
};

}  // namespace windlass::daemon
