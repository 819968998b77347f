// The identities that the core speaks of. None is ever reused.
#pragma once

#include "base/id.h"

namespace windlass::core {

using ModelId = base::Id<struct ModelTag>;          // 1 for the first model of the configuration
using RequestId = base::Id<struct RequestTag>;      // a call, or an administrator's load or unload
using Generation = base::Id<struct GenerationTag>;  // one worker process of one replica
using DeviceId = base::Id<struct DeviceTag>;        // a GPU, or the CPU standing in for one

}  // namespace windlass::core
