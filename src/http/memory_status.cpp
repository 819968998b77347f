// The JSON of amounts.
#include "http/memory_status.h"

#include "http/json_writer.h"

namespace windlass::http {
namespace {

void write(JsonWriter& json, std::string_view name, const std::optional<base::Bytes>& bytes) {
    json.key(name);
    bytes ? json.number(bytes->count()) : json.null();
}

}  // namespace

void write_memory(JsonWriter& json, const MemoryStatus& memory) {
    write(json, "claimed_bytes", memory.claimed.now);
    write(json, "claimed_peak_bytes", memory.claimed.peak);
    write(json, "used_bytes", memory.used.now);
    write(json, "used_peak_bytes", memory.used.peak);
    write(json, "allocator_bytes", memory.allocator.now);
    write(json, "allocator_peak_bytes", memory.allocator.peak);
}

}  // namespace windlass::http
