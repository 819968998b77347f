// What the core must know of a device, and of the rules for all of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "core/placement.h"

namespace windlass::core {

enum class DeviceKind : std::uint8_t { cpu, gpu };

struct DeviceSpec {
    std::string uuid;  // the driver's own; "cpu" for the CPU
    DeviceKind kind = DeviceKind::cpu;
    std::optional<Bytes> capacity;
    bool is_measured = true;  // false: it cannot say how full it is, and is never asked
    // The CPU: models that may run anywhere go there as long as no GPU was ever found.
    bool stands_in = true;
    // Driver and product, "nvml NVIDIA A10": what a model needs on one it needs on all of a make.
    // Empty: nothing is learned there.
    std::string make = {};

    friend bool operator==(const DeviceSpec&, const DeviceSpec&) = default;
};

struct DeviceSettings {
    UnknownMemory on_unknown_memory = UnknownMemory::admit;
    Bytes headroom;  // of each device, left free
    // From a seen exit until missing bytes are fenced. Source: gpu.md 4.2, K5.
    base::Duration settle_timeout = std::chrono::seconds{30};
    // A device with claims is asked so often, and every 2 s at least.
    base::Duration sample_interval = std::chrono::seconds{2};
    // Then a question counts as unanswered, should nobody say so.
    base::Duration answer_timeout = std::chrono::seconds{5};
    // Those that need no finding; their ids are 1, 2, ...
    std::vector<DeviceSpec> known = {
        {.uuid = "cpu", .kind = DeviceKind::cpu, .capacity = {}, .is_measured = false}};

    friend bool operator==(const DeviceSettings&, const DeviceSettings&) = default;
};

// Where a model may run: on the CPU only, on devices of a list, or anywhere. "Anywhere" is any GPU
// where there are some; the CPU stands in where it is known that there are none.
struct DeviceChoice {
    bool is_cpu = false;
    std::vector<std::string> uuids;  // empty: any

    friend bool operator==(const DeviceChoice&, const DeviceChoice&) = default;
};

}  // namespace windlass::core
