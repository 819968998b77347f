// A sample in which who holds memory and how much is used belong together.
#pragma once

#include "base/result.h"
#include "wire/host_message.h"

namespace windlass::device {

// Drivers are asked for one after the other. Who takes memory in between would seem to be a
// stranger, and what it leaves when it dies before the next answer would seem to be that
// stranger's: the list counts if nothing rose meanwhile. Where something always does, what is used
// is at least what the list was true of. Each reads its part into a sample: a Result<void>.
template <class ReadMemory, class ReadProcesses>
base::Result<wire::HostSample> read_steadily(ReadMemory read_memory, ReadProcesses read_processes) {
    constexpr int kTries = 3;
    wire::HostSample sample;
    wire::HostSample later;
    for (int tries = 0; tries < kTries && (tries == 0 || later.used > sample.used); ++tries) {
        sample = {};
        WL_TRY(read_memory(sample));
        WL_TRY(read_processes(sample));
        WL_TRY(read_memory(later));
    }
    if (later.used > sample.used) {
        sample.used = later.used;
        sample.free = later.free;
    }
    return sample;
}

}  // namespace windlass::device
