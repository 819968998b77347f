// What runs take of the device's memory, where the model's allocator can say. Thread: any.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

#include "base/bytes.h"
#include "windlass/device_allocator.h"

namespace windlass::sdk {

class Gauge {
  public:
    // Null: nobody can say, and nothing is told.
    explicit Gauge(worker::DeviceAllocator* allocator) : allocator_(allocator) {}

    // No run is on, and what the allocator holds may have changed.
    void settle();
    std::optional<base::Bytes> reserved();

    // Which run it is; 0: one that overlaps others.
    struct Begun {
        std::uint64_t number = 0;
    };
    // See wire::Answer.
    struct Told {
        std::optional<base::Bytes> peak = {};
        std::optional<base::Bytes> reserved = {};
    };
    Begun begin();
    Told end(Begun begun);

  private:
    std::optional<worker::DeviceMemory> read();
    bool reset();

    worker::DeviceAllocator* const allocator_;
    std::mutex mutex_;  // guards all below
    std::uint64_t begun_count_ = 0;
    std::uint64_t running_count_ = 0;
    bool is_reset_ = false;                 // for those that run
    std::optional<std::uint64_t> at_rest_;  // what was reserved when it was last looked at
};

}  // namespace windlass::sdk
