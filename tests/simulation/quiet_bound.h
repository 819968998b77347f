// How long a world may take to come to rest once nothing goes wrong any more, from its own limits.
#pragma once

#include <vector>

#include "core/device_spec.h"
#include "core/model_spec.h"

namespace windlass::simulation {

// What is under way when the faults end, or when the shutdown begins.
struct UnderWay {
    base::Duration planned = {};   // until the last of what workers, devices, clients do already
    base::Duration promised = {};  // until the last deadline of the requests that are open
    bool has_wear = false;         // processes are replaced, and loaded again for nobody
};

// From the end of the faults until everybody has an answer and no memory of the dead is missed.
base::Duration rest_bound(const std::vector<core::ModelSpec>& specs,
                          const core::DeviceSettings& devices, const UnderWay& under_way);

// From the shutdown until the daemon has nothing left.
base::Duration end_bound(const std::vector<core::ModelSpec>& specs, base::Duration grace,
                         const UnderWay& under_way);

}  // namespace windlass::simulation
