// What somebody who asked was told would happen next, until it did or something else happened.
#pragma once

#include <cstdint>

#include "core/explanation.h"
#include "world/flat_map.h"

namespace windlass::world {

struct Forecast {
    core::RequestId request;  // of whom it was asked why it waits
    core::Change change;
    core::DeviceId device;                  // of a wait for memory
    FlatSet<core::Generation> movers = {};  // who will make room, all of them
    std::uint64_t print = 0;                // of all that it depends on, as that was then
};

enum class Verdict : std::uint8_t { open, kept, broken };

}  // namespace windlass::world
