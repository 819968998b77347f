// The machine's time of day. Somebody may step it by an hour: it says when something happened, or
// when a job may begin, and no limit is measured by it. Thread: any.
#pragma once

#include <cstdint>

namespace windlass::io {

// Milliseconds since 1970, as base::utc_text() writes them.
std::int64_t wall_clock_ms();

}  // namespace windlass::io
