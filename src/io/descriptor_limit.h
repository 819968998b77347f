// How many descriptors a process may have open (RLIMIT_NOFILE). Thread: any.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace windlass::io {

struct DescriptorLimit {
    std::uint64_t former = 0;   // what held until now
    std::uint64_t present = 0;  // what holds from now on
};

// Raises the soft limit of this process to its hard limit. The soft one is low by tradition, for
// programs that use select(), which cannot name a descriptor of 1024 or above.
DescriptorLimit raise_descriptor_limit();

// Sets the soft limit of a child, which inherited ours. Its program may be one that uses select().
void set_descriptor_limit(pid_t child, std::uint64_t soft);

}  // namespace windlass::io
