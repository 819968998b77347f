// Looks, once the devices have said how big they are, whether the models have room there, and tells
// of those that do not have it together. Thread: main.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/configuration.h"
#include "daemon/room_check.h"
#include "device/floor.h"

namespace windlass::daemon {

class RoomWatch {
  public:
    // Both outlive it.
    RoomWatch(const device::Floor& floor, const DevicesConfiguration& devices)
        : floor_(floor), devices_(devices) {}

    // Empty: some device that they may use has not said yet how big it is, or nobody has said which
    // there are.
    std::optional<RoomVerdict> judge(const std::vector<ModelConfiguration>& models) const;

    // Logs who is `crowded`, each pair once.
    void tell(const RoomVerdict& verdict);

  private:
    std::optional<std::vector<core::DeviceSpec>> known_devices(bool with_cpu) const;

    const device::Floor& floor_;
    const DevicesConfiguration& devices_;
    std::set<std::vector<std::string>> told_;
};

// Whether a verdict on them could be that they are impossible.
bool may_be_impossible(const std::vector<ModelConfiguration>& models);

}  // namespace windlass::daemon
