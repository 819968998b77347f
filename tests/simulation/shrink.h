// From a life that breaks a law, a smaller one that does: without the faults that it does not take,
// with fewer models, over sooner.
#pragma once

#include <functional>
#include <optional>

#include "simulation/life.h"

namespace windlass::simulation {

// The number of the event at which a law was broken; none: it was kept.
using Trial = std::function<std::optional<std::size_t>(const Life&)>;

// Each thing that is left is needed: without it alone the life would break no law, or later. What
// is broken may be another law than at first. Calls `trial` some hundred times. `life` breaks one.
Life shrink(Life life, const Trial& trial);

}  // namespace windlass::simulation
