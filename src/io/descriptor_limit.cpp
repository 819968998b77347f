// The system calls behind the limit of descriptors.
#include "io/descriptor_limit.h"

#include <sys/resource.h>

#include <algorithm>

namespace windlass::io {

DescriptorLimit raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {.former = 1024, .present = 1024};
    const rlim_t former = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    const bool is_raised = ::setrlimit(RLIMIT_NOFILE, &limit) == 0;
    return {.former = former, .present = is_raised ? limit.rlim_max : former};
}

void set_descriptor_limit(pid_t child, std::uint64_t soft) {
    rlimit limit{};
    if (::prlimit(child, RLIMIT_NOFILE, nullptr, &limit) != 0) return;  // it is gone already
    limit.rlim_cur = std::min<rlim_t>(soft, limit.rlim_max);
    ::prlimit(child, RLIMIT_NOFILE, &limit, nullptr);
}

}  // namespace windlass::io
