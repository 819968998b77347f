/// A model in C++ that can say how much of the device's memory it has handed out; whoever calls it
/// is told. Derive a model from this beside windlass::worker::Model:
///
///     class Digits : public worker::Model, public worker::DeviceAllocator { ... };
#pragma once

#include <cstdint>

namespace windlass::worker {

/// In bytes.
struct DeviceMemory {
    std::uint64_t peak = 0;           ///< the most that was handed out since the last reset
    std::uint64_t reserved = 0;       ///< held of the device now, handed out or kept for later
    std::uint64_t reserved_peak = 0;  ///< the most of that since the last reset
};

/// Called after load() and around each run(), one call at a time, by the threads that run. What a
/// hook throws is as if the model had none.
class DeviceAllocator {
  public:
    virtual ~DeviceAllocator() = default;

    /// Both peaks are from now on those of what follows. Called when no run is on.
    virtual void reset_device_peak() = 0;
    /// Also while other runs go on.
    virtual DeviceMemory read_device_memory() = 0;
};

}  // namespace windlass::worker
