// The hidden subcommand `windlass driver-host`: the process that calls drivers, so that a driver
// that hangs takes nobody with it. It loads NVML at most, holds no context, and never calls cuInit;
// AMD's driver it asks by files.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace windlass::device {

// Where it finds the socket to the daemon.
inline constexpr int kHostDescriptor = 3;

struct DriverHostOrder {
    int parent_pid = 0;
    // "cpu" or the UUID of a GPU; empty: it lists the devices instead.
    std::string device;
    // Of that GPU, where known: so that only this one is initialised (nvml.h of 13.3 on
    // nvmlDeviceGetHandleByPciBusId_v2), whatever state the others are in.
    std::string bus_id;

    friend bool operator==(const DriverHostOrder&, const DriverHostOrder&) = default;
};

// `windlass driver-host PARENT_PID --list`, or `... --device UUID [--bus-id ID]`.
std::vector<std::string> driver_host_argv(const DriverHostOrder& order);
// The words after `driver-host`. Error: invalid_input.
base::Result<DriverHostOrder> parse_driver_host(std::span<char* const> arguments);

// Answers the daemon's questions, one after another, until the end of file: the daemon is gone, or
// does not want it any more. It is killed when the daemon dies. Returns the exit status: 0 at the
// end of file, 2 when it was not started by a daemon or was asked what is no question.
int run_driver_host(std::span<char* const> arguments);

}  // namespace windlass::device
