// What the frames of driver hosts say, as typed values, to and from JSON. A number that is unknown
// is absent, never 0. What breaks a limit or has the wrong type is data_corrupt, never a throw.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace windlass::wire {

inline constexpr std::size_t kHostDevicesMax = 128;
inline constexpr std::size_t kHostProcessesMax = 4096;
inline constexpr std::size_t kHostTextSizeMax = 1024;  // of any text; longer ones are cut

// A driver library, and whether it can be used.
struct HostDriver {
    enum class State : std::uint8_t { usable, absent, broken };

    std::string name;  // of the library: "nvml"
    State state = State::absent;
    std::string message;                 // why it is not usable, and what to do
    std::optional<std::string> version;  // of the driver: "580.126.09"

    friend bool operator==(const HostDriver&, const HostDriver&) = default;
};

struct HostDevice {
    std::string uuid;  // "GPU-..."
    std::optional<std::string> name;
    std::optional<std::string> bus_id;              // PCI: "00000000:01:00.0"
    std::optional<std::string> compute_capability;  // "9.0"
    std::optional<std::string> driver_version;
    std::optional<std::string> cuda_version;  // "13.0": the newest that the driver can do
    std::optional<base::Bytes> capacity;

    friend bool operator==(const HostDevice&, const HostDevice&) = default;
};

struct HostListing {
    std::vector<HostDevice> devices;
    std::vector<HostDriver> drivers;
    // False when a device is there but could not be named: then one that is missing may be that.
    bool is_complete = true;

    friend bool operator==(const HostListing&, const HostListing&) = default;
};

// Whose processes are to be measured on a device whose driver does not tell by itself: those of the
// sessions that these processes lead.
struct SampleOrder {
    std::vector<int> pids;

    friend bool operator==(const SampleOrder&, const SampleOrder&) = default;
};

struct HostProcess {
    int pid = 0;
    std::optional<int> session = {};  // the pid of its session's leader
    // The daemon's child that it is or descends from; 0: it is a stranger, who descends from none.
    std::optional<int> branch = {};
    std::optional<std::string> name = {};
    std::optional<base::Bytes> bytes = {};

    friend bool operator==(const HostProcess&, const HostProcess&) = default;
};

struct HostSample {
    std::optional<base::Bytes> capacity;
    std::optional<base::Bytes> used;  // what the driver itself holds included
    std::optional<base::Bytes> free;
    std::string source;            // of these: "nvml", "cgroup v2", "/proc/meminfo"
    bool processes_known = false;  // whether `processes` is all there is to know
    std::string processes_source;
    std::vector<HostProcess> processes;  // by pid; at most kHostProcessesMax are written
    // How much of the driver's last period something ran in; 0 to 100.
    std::optional<std::uint32_t> busy_percent = {};

    friend bool operator==(const HostSample&, const HostSample&) = default;
};

std::string to_json(const HostListing& listing);
std::string to_json(const SampleOrder& order);
std::string to_json(const HostSample& sample);

base::Result<HostListing> parse_host_listing(std::string_view json);
base::Result<SampleOrder> parse_sample_order(std::string_view json);
base::Result<HostSample> parse_host_sample(std::string_view json);

}  // namespace windlass::wire
