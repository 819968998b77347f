// Device memory of processes by DRM's fdinfo: of those that draw, or compute without ROCm, on the
// GPUs of drivers that write it (amdgpu, i915, xe; never NVIDIA's). Kernel documentation,
// gpu/drm-usage-stats. Thread: the driver host's only one.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace windlass::device {

// What one open file of /dev/dri says.
struct DrmClient {
    std::string bus_id;  // of its device
    std::string id;      // of the open file; those who share it have the same
    std::optional<base::Bytes> vram;
};
// None for the fdinfo of any other file. Pure.
std::optional<DrmClient> parse_fdinfo(std::string_view text);

// Bytes of that device by pid, of processes that may be looked at, but for those in `left_out`.
// What several share counts for the one with the lowest pid.
std::map<int, base::Bytes> find_drm_memory(const std::string& proc, std::string_view bus_id,
                                           const std::set<int>& left_out);

}  // namespace windlass::device
