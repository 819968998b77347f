// Devices as the rest of the daemon sees them: plain structs. Every number that is measured is
// optional, and has its source and the instant at which it was asked for.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "wire/device_uuid.h"
#include "wire/host_message.h"

namespace windlass::device {

inline constexpr std::string_view kCpu = "cpu";  // the UUID of the CPU

enum class Kind : std::uint8_t { cpu, gpu };

// Whose device it is, as `Driver` calls it; of the CPU it is the kernel.
inline std::string_view driver_of(std::string_view uuid) {
    if (uuid == kCpu) return "linux";
    return wire::is_amd_uuid(uuid) ? "amd" : "nvml";
}

// {pid, session?, branch?, name?, bytes?}; bytes on this device.
using Process = wire::HostProcess;

// The pids among which that of a worker is if the process is one, of its session, or descended from
// it; 0 is nobody's.
inline std::array<int, 3> worker_candidates(const Process& process) {
    return {process.pid, process.session.value_or(0), process.branch.value_or(0)};
}
// Whose process it is, of workers by their pids; null: of none.
template <class Worker>
const Worker* find_worker(const Process& process, const std::map<int, Worker>& workers) {
    for (const int pid : worker_candidates(process)) {
        const auto found = workers.find(pid);
        if (found != workers.end()) return &found->second;
    }
    return nullptr;
}
// Alive, and surely nothing that a worker, living or dead, has left.
inline bool is_stranger(const Process& process) { return process.branch == 0; }

struct Sample {
    std::string uuid;
    base::Instant taken_at{};  // when it was asked for: it shows nothing older
    std::optional<base::Bytes> capacity = {};
    std::optional<base::Bytes> used = {};  // by anybody, driver included
    std::optional<base::Bytes> free = {};
    std::string source = {};
    bool processes_known = false;  // whether `processes` are all that hold something
    std::string processes_source = {};
    std::vector<Process> processes = {};
    std::optional<std::uint32_t> busy_percent = {};  // of the driver's own last period
};

enum class Condition : std::uint8_t {
    unknown,       // nobody has answered for it yet
    sound,         // the last question was answered with numbers
    failing,       // the driver answers, but with an error
    unresponsive,  // the last question was not answered in time, or its driver host died of it
    lost,          // the driver says that it is gone, or does not list it any more
};
std::string_view to_text(Condition condition);

struct Device {
    std::string uuid;
    Kind kind = Kind::gpu;
    wire::HostDevice description = {};  // what the last listing said; of the CPU only its name
    Condition condition = Condition::unknown;
    std::string trouble = {};          // why it is not sound
    base::Instant condition_since{};   // since when the condition is what it is
    std::optional<Sample> last = {};   // the last numbers, whatever the condition is now
    std::optional<int> host_pid = {};  // of its driver host, while there is one
};

// A driver library, as the last listing found it.
using Driver = wire::HostDriver;

struct DeviceFound {
    std::string uuid;
};
struct DeviceSampled {
    Sample sample;
};
// One that may be used by its UUID is not there; told once.
struct DeviceMissing {
    std::string uuid;
};
// Its condition changed, but not to `unknown`.
struct ConditionChanged {
    std::string uuid;
    Condition before = Condition::unknown;
    Condition now = Condition::unknown;
    std::string trouble;      // empty when it is sound
    base::Duration lasted{};  // how long the one before had held
};
// Whether a driver can be used, for the first time and when that changes.
struct DriverChanged {
    Driver driver;
};
// The lister did not answer (`trouble`), or does again (empty). What is known stays.
struct ListingChanged {
    std::string trouble;
};
using Event = std::variant<DeviceFound, DeviceMissing, DeviceSampled, ConditionChanged,
                           DriverChanged, ListingChanged>;

}  // namespace windlass::device
