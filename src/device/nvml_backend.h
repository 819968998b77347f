// NVIDIA devices through NVML (libnvidia-ml.so.1, or the file that WINDLASS_NVML_LIBRARY names).
// The library is opened here and nowhere else, and only in driver hosts.
#pragma once

#include <memory>
#include <string>

#include "device/backend.h"

namespace windlass::device {

// `bus_id`: of PCI, where known; else empty. `daemon_pid`: strangers do not descend from it; 0:
// they are not looked for.
std::unique_ptr<Backend> make_nvml_backend(std::string uuid, std::string bus_id,
                                           int daemon_pid = 0);
std::unique_ptr<Lister> make_nvml_lister();

}  // namespace windlass::device
