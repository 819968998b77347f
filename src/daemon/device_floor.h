// The device floor within the daemon: what it finds becomes log events, and what clients see of
// devices is put together from it. Thread: main.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/configuration.h"
#include "device/floor.h"
#include "http/api.h"

namespace windlass::daemon {

// A process that was started as a worker and is not reaped.
struct WorkerProcess {
    int pid = 0;
    std::string model;
    std::uint64_t generation = 0;
};

// Of one device, where the engine keeps a ledger of it.
struct LedgerNumbers {
    std::optional<base::Bytes> claimed = {};
    std::optional<base::Bytes> foreign = {};
    std::optional<base::Bytes> fenced = {};
    // Nobody of ours has or had anything there: the engine is told of it no more.
    bool is_empty = false;
};

struct DeviceFloorHooks {
    std::function<std::vector<WorkerProcess>()> workers;
    // Empty, or empty for a device: there is none.
    std::function<LedgerNumbers(const std::string& uuid)> ledger = {};
    // Hears of everything that happens to devices, after it was logged.
    std::function<void(const device::Event&)> on_event = {};
};

// When the devices have said how big they are, or something is wrong with one.
base::Duration first_answer_limit(const DevicesConfiguration& configuration);

class DeviceFloor {
  public:
    // `environment`: of the driver hosts.
    DeviceFloor(io::Loop& loop, const DevicesConfiguration& configuration,
                const Environment& environment, DeviceFloorHooks hooks);

    device::Floor& devices() { return floor_; }

    http::DevicesStatus status() const;
    // What was said of a device and of one worker there, lately.
    http::DeviceActivityHistory activity(const std::string& uuid, int worker) const;
    std::vector<http::Trouble> troubles() const;

  private:
    // A busy device is asked about once a second.
    static constexpr std::size_t kRecentMax = 16;

    void keep(const device::Event& event);
    void log(const device::Event& event) const;
    void log(const device::ConditionChanged& changed) const;
    http::DeviceStatus status_of(const device::Device& device,
                                 const std::map<int, WorkerProcess>& workers) const;

    io::Loop& loop_;
    const DeviceFloorHooks hooks_;
    std::map<std::string, std::deque<device::Sample>> recent_;  // by UUID, the latest first
    device::Floor floor_;
};

}  // namespace windlass::daemon
