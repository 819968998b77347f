// Bytes of a worker or a model on their device. What is not known is absent, never 0.
#pragma once

#include <optional>

#include "base/bytes.h"

namespace windlass::http {

class JsonWriter;

struct Amount {
    std::optional<base::Bytes> now = {};
    std::optional<base::Bytes> peak = {};  // the most that was seen
};

struct MemoryStatus {
    Amount claimed = {};
    Amount used = {};       // by its processes, as the driver said
    Amount allocator = {};  // held by the workers' own allocators, as they said
};

// "claimed_bytes", "claimed_peak_bytes", "used_bytes", ... of the object that is open.
void write_memory(JsonWriter& json, const MemoryStatus& memory);

}  // namespace windlass::http
