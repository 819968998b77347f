// Reads bytes of a worker or model, now and at most.
#pragma once

#include <cstdint>
#include <optional>

namespace boost::json {
class object;  // NOLINT(readability-identifier-naming): the name that Boost gave it
}

namespace windlass::cli {

struct AmountState {
    std::optional<std::uint64_t> now = {};
    std::optional<std::uint64_t> peak = {};
};

struct MemoryState {
    AmountState claimed = {};
    AmountState used = {};       // as the driver said
    AmountState allocator = {};  // as the workers' own allocators said
};

// "claimed_bytes", "claimed_peak_bytes", "used_bytes", ... of the object.
MemoryState read_memory(const boost::json::object& object);

}  // namespace windlass::cli
