// What the form of a device's UUID tells of its maker. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace windlass::wire {

// AMD's is "GPU-" and the 16 hexadecimal digits of `unique_id`, as ROCR_VISIBLE_DEVICES takes it
// (ROCm documentation, GPU isolation techniques); NVIDIA's has the groups of RFC 4122.
inline bool is_amd_uuid(std::string_view uuid) {
    constexpr std::string_view kPrefix = "GPU-";
    constexpr std::size_t kDigits = 16;
    if (!uuid.starts_with(kPrefix) || uuid.size() != kPrefix.size() + kDigits) return false;
    uuid.remove_prefix(kPrefix.size());
    return uuid.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

// What shows a process these devices and no others. Where both are set HIP takes the former for
// indices, or for UUIDs of its own, and an older one finds no device by a UUID (ROCclr's
// Device::init): of AMD's devices the former is empty, which HIP passes over.
struct VisibleDevices {
    std::string cuda;
    std::string rocr;
};
inline VisibleDevices divide(std::string_view uuids) {  // with commas between
    VisibleDevices visible;
    while (!uuids.empty()) {
        const std::size_t end = std::min(uuids.find(','), uuids.size());
        const std::string_view uuid = uuids.substr(0, end);
        std::string& list = is_amd_uuid(uuid) ? visible.rocr : visible.cuda;
        if (!list.empty()) list += ',';
        list += uuid;
        uuids.remove_prefix(std::min(end + 1, uuids.size()));
    }
    return visible;
}

}  // namespace windlass::wire
