// The identities that the core speaks of. None is ever reused.
#pragma once

#include "base/id.h"

namespace windlass::core {

using ModelId = base::Id<struct ModelTag>;      // 1 for the first model of the configuration
using RequestId = base::Id<struct RequestTag>;  // a call, an administrator's load, a lease, ...
using JobId = base::Id<struct JobTag>;          // a durable job, in the numbers of the store
// One worker process of one replica; or one lease on a device's memory.
using Generation = base::Id<struct GenerationTag>;
using DeviceId = base::Id<struct DeviceTag>;  // a GPU, or the CPU standing in for one

// A place for one copy of a model; generations come and go in it.
struct ReplicaId {
    // From here on they are those of processes that stand by; there are never so many copies.
    static constexpr std::uint32_t kFirstStandby = 128;

    ModelId model;
    std::uint32_t copy = 0;  // counts from 0
    bool is_standby() const { return copy >= kFirstStandby; }
    friend auto operator<=>(const ReplicaId&, const ReplicaId&) = default;
};

}  // namespace windlass::core
