// The models and devices of a simulated world, drawn from its seed.
#pragma once

#include <cstddef>
#include <vector>

#include "core/device_spec.h"
#include "core/model_spec.h"
#include "simulation/random.h"

namespace windlass::simulation {

// All that a reload may change while runs go on.
void draw_limits(Random& random, core::ModelSpec& spec);
core::ModelSpec draw_model(Random& random, std::size_t number);
std::vector<core::ModelSpec> draw_models(Random& random, const core::DeviceSettings& settings);

// Processes that are replaced after some runs, or when they have grown. Drawn by itself, so that
// other worlds stay as they are.
void draw_wear(Random& random, core::ModelSpec& spec);

// Half of the worlds have a CPU that says nothing of its memory, as where no driver host is.
core::DeviceSettings draw_devices(Random& random);

}  // namespace windlass::simulation
