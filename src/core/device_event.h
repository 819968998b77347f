// What may happen to the engine's devices; part of event.h.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/device_claim.h"
#include "core/device_spec.h"
#include "core/ids.h"

namespace windlass::core {

struct DeviceFound {  // new, back again, answering again, or with other numbers than before
    DeviceId device;
    DeviceSpec spec;
};
struct DeviceSampled {  // answers SampleDevice; all numbers belong together
    DeviceId device;
    std::uint64_t sequence = 0;  // of the question
    std::optional<Bytes> used;   // by everybody
    std::vector<OwnMemory> own;  // whoever is not listed uses nothing
    bool own_known = false;      // false: the driver does not tell processes apart
    Bytes strangers = {};        // see MemorySample
};
struct DeviceSilent {  // answers SampleDevice: the device did not, in time
    DeviceId device;
    std::uint64_t sequence = 0;
};
struct DeviceLost {  // it is not there any more
    DeviceId device;
};

}  // namespace windlass::core
