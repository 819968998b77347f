// Whether this process has used a GPU's driver, asked without waking it.
#pragma once

namespace windlass::guard {

// CUDA's or ROCm's is initialised, and has read from the environment which devices it shows: too
// late to choose one. False as well where it was never opened. Thread: any.
bool has_used_driver();

}  // namespace windlass::guard
