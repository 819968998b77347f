// What answers a driver host's two questions. Implementations call drivers, which may hang: only a
// driver host may have one. Thread: the driver host's only one.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "wire/host_message.h"

namespace windlass::device {

// One device.
class Backend {
  public:
    Backend() = default;
    Backend(const Backend&) = delete;
    Backend& operator=(const Backend&) = delete;
    virtual ~Backend() = default;

    // How full it is and who holds what, now. Errors: device_lost when the driver says that the
    // device is gone; driver_missing, permission_denied or transient when it cannot be asked.
    virtual base::Result<wire::HostSample> sample(const wire::SampleOrder& order) = 0;
};

// All devices of all drivers.
class Lister {
  public:
    Lister() = default;
    Lister(const Lister&) = delete;
    Lister& operator=(const Lister&) = delete;
    virtual ~Lister() = default;

    // A driver that is not there or does not work is part of the answer, not an error.
    virtual wire::HostListing list() = 0;
};

}  // namespace windlass::device
