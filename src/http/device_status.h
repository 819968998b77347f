// What GET /api/devices says, as plain structs. What is not known is absent, never 0.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace windlass::http {

// A number with where it comes from and how old it is at the moment of the question.
struct Measured {
    base::Bytes bytes;
    std::string source;  // "nvml", "cgroup v2", "/proc/meminfo", "smaps_rollup", "ledger"
    base::Duration age = {};
};

// A process that holds memory of the device.
struct DeviceHolder {
    int pid = 0;
    std::optional<std::string> name = {};
    std::optional<Measured> bytes = {};
    std::optional<Measured> peak = {};  // the most, and when that was seen
    std::string model = {};             // whose worker it is or belongs to; empty: it is not ours
    std::optional<std::uint64_t> generation = {};
};

struct DeviceStatus {
    std::string uuid;
    std::string kind;                 // "gpu" or "cpu"
    std::string driver = {};          // "nvml" or "amd"; of the CPU "linux"
    std::string state;                // "unknown", "ok", "failing", "unresponsive" or "lost"
    base::Duration state_since = {};  // for how long
    std::string trouble = {};         // why it is not ok
    std::optional<std::string> name = {};
    std::optional<std::string> bus_id = {};
    std::optional<std::string> compute_capability = {};
    std::optional<std::string> driver_version = {};
    std::optional<std::string> cuda_version = {};
    std::optional<Measured> capacity = {};
    std::optional<Measured> used = {};
    std::optional<Measured> free = {};
    std::optional<Measured> used_peak = {};  // since the daemon's start, and when that was seen
    std::optional<std::uint32_t> busy_percent = {};  // of the driver's own last period
    // Of the ledger.
    std::optional<Measured> claimed = {};
    std::optional<Measured> claimed_peak = {};
    std::optional<Measured> foreign = {};
    std::optional<Measured> fenced = {};
    std::vector<DeviceHolder> holders = {};
    bool holders_known = false;  // whether these are all
    std::optional<int> host_pid = {};
};

struct DriverStatus {
    std::string name;   // of the library: "nvml"
    std::string state;  // "usable", "absent" or "broken"
    std::optional<std::string> version = {};
    std::string message = {};
};

struct DevicesStatus {
    std::vector<DeviceStatus> devices;  // GPUs
    std::optional<DeviceStatus> cpu = {};
    std::vector<DriverStatus> drivers = {};
    std::optional<base::Duration> listed = {};  // how long ago the drivers were asked last
    std::string listing_trouble = {};           // why that is not as it should be
};

}  // namespace windlass::http
