// An event of the supervisor: a worker was ended for its host memory; see worker/event.h.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"

namespace windlass::worker {

// It held more of the machine's memory than it may, or the machine had none left. Before Exited.
struct HostMemoryExceeded {
    std::uint64_t generation = 0;
    base::Error error;                      // host_out_of_memory
    std::optional<base::Bytes> bytes = {};  // that it held
    std::optional<base::Bytes> limit = {};  // its host_memory; empty: it has none
    bool is_killed = false;                 // SIGKILL was sent; else the kernel has ended it
};

}  // namespace windlass::worker
