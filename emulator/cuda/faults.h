// The faults that strike work on a device.
#pragma once

#include "emulator/cuda/types.h"

namespace windlass::emulator {

// After a wait for the device: hangs, breaks, or says how the process is.
CuResult after_wait(int device);

// Before work on the device begins, on a stream's thread: false when it must not be done.
bool may_work(int device);

}  // namespace windlass::emulator
