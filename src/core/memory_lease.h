// What the engine holds for each lease on the raw memory of a device: it waits, or was granted.
#pragma once

#include <cstdint>
#include <optional>

#include "core/device_spec.h"
#include "core/ids.h"
#include "core/placement.h"

namespace windlass::core {

struct MemoryLease {
    Bytes bytes;
    DeviceChoice devices;
    base::Duration duration{};           // from the grant on
    std::uint64_t place = 0;             // among those who wait for memory
    std::optional<Shortage> shortage{};  // why it waits, as it was found last
    Generation generation{};             // holds the claim; none: it waits
    DeviceId device{};
    friend bool operator==(const MemoryLease&, const MemoryLease&) = default;
};

}  // namespace windlass::core
