// What the oracle has written down of each lease on the memory of a device.
#pragma once

#include "core/ids.h"
#include "core/model_spec.h"
#include "world/flat_map.h"

namespace windlass::world {

struct MemoryLease {
    core::ModelSpec like;  // what a model with the same need may have, it may have
    base::Duration duration{};
    core::Generation generation{};  // none: it was not granted
    core::DeviceId device{};
    base::Instant end{};       // when it must be over, if it was granted
    bool is_unwanted = false;  // given back, or its client is gone
    bool is_ended = false;
    // Calls that waited for memory when it was asked for, and still do.
    FlatSet<core::RequestId> behind{};
};

}  // namespace windlass::world
