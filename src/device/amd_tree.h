// AMD's GPUs as the kernel's amdgpu and KFD drivers show them in sysfs. Reads files, and nothing
// else: ROCm's libraries open /dev/kfd for such questions, which makes their caller a process of
// the GPU (ROCm issue 4411). Reading may hang where the driver does: for driver hosts only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "wire/host_message.h"

namespace windlass::device {

struct AmdRoots {
    std::string sys = "/sys";
    std::string proc = "/proc";
    // Tests have a tree of their own, whose pids are those of our namespace.
    bool is_copy = false;
};
// Those of the machine, or the sysfs that WINDLASS_AMD_SYSFS names.
AmdRoots find_amd_roots();

struct AmdCard {
    std::string folder;  // .../class/drm/card0/device
    std::string uuid;    // "GPU-" and its unique_id
    std::string bus_id;  // "0000:03:00.0"
    std::string name;
    std::string gpu_id;  // KFD's, as it stands in the names of its files
};

struct AmdCards {
    std::vector<AmdCard> usable;
    std::vector<std::string> unusable;  // why, one for each
};
// Of PCI's vendor 0x1002. Usable is what has a unique_id, by which a worker can be shown it alone,
// and a node of KFD, without which ROCm does not run.
AmdCards find_amd_cards(const AmdRoots& roots);

// The number that the file is; none where it cannot be read, or is no number.
std::optional<std::uint64_t> read_amd_number(const std::string& path);

}  // namespace windlass::device
