// Reads what the daemon says of devices.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace windlass::cli {

struct HolderState {
    std::uint64_t pid = 0;
    std::string name;  // empty: unknown
    std::optional<std::uint64_t> used_bytes;
    std::optional<std::uint64_t> used_peak_bytes;
    std::string model;                        // empty: it is nobody's worker
    std::optional<std::uint64_t> generation;  // of that worker
};

// Fields as in GET /api/devices; what is missing there is unknown here.
struct DeviceState {
    std::string uuid;
    std::string kind;  // "gpu" or "cpu"
    std::string name;
    std::string compute_capability;
    std::string driver_version;
    std::string state;
    std::string trouble;
    std::optional<std::uint64_t> capacity_bytes;
    std::optional<std::uint64_t> used_bytes;
    std::optional<std::uint64_t> used_peak_bytes;
    std::optional<std::uint64_t> free_bytes;
    std::optional<std::uint64_t> claimed_bytes;
    std::optional<std::uint64_t> claimed_peak_bytes;
    std::optional<std::uint64_t> foreign_bytes;
    std::optional<std::uint64_t> fenced_bytes;
    std::optional<double> used_age_s;
    std::optional<std::uint64_t> busy_percent;
    std::vector<HolderState> holders;
};

struct DevicesState {
    std::vector<DeviceState> devices;  // the CPU last
    std::vector<std::string> notes;    // of drivers that cannot be used, and of the listing
};

// data_corrupt when it is not what a daemon says.
base::Result<DevicesState> parse_devices(std::string_view json);

}  // namespace windlass::cli
