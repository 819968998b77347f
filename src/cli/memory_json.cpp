// Fields of amounts.
#include "cli/memory_json.h"

#include <boost/json.hpp>

#include "cli/json_fields.h"

namespace windlass::cli {

MemoryState read_memory(const boost::json::object& object) {
    return {.claimed = {.now = read_count(object, "claimed_bytes"),
                        .peak = read_count(object, "claimed_peak_bytes")},
            .used = {.now = read_count(object, "used_bytes"),
                     .peak = read_count(object, "used_peak_bytes")},
            .allocator = {.now = read_count(object, "allocator_bytes"),
                          .peak = read_count(object, "allocator_peak_bytes")}};
}

}  // namespace windlass::cli
