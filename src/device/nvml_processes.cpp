// Lists of processes: three kinds, three versions, and one trap in each.
#include <algorithm>
#include <cstring>
#include <map>

#include "device/nvml_library.h"

namespace windlass::device {
namespace {

using driver_abi::NvmlClass;

constexpr unsigned kRoomFirst = 64;
constexpr unsigned kRoomMax = 1 << 16;
// Wider than any element so far (nvmlProcessInfo_v2_t has 24 bytes, that of 535.43 had 32).
constexpr std::size_t kWidestElement = sizeof(driver_abi::NvmlProcessQuirk);
constexpr unsigned char kUntouched = 0xA5;

struct RawList {
    std::vector<unsigned char> bytes;
    std::size_t count = 0;
};

// Asks with growing room until everything fits. Processes come and go between two tries.
template <class Element>
std::expected<RawList, NvmlReturn> ask_all(const NvmlLibrary& library,
                                           const driver_abi::NvmlProcesses<Element>& symbol,
                                           NvmlDevice device) {
    for (unsigned room = kRoomFirst; room <= kRoomMax;) {
        RawList list;
        list.bytes.assign(room * kWidestElement, kUntouched);
        unsigned count = room;
        const NvmlReturn result =
            library.call(symbol, device, &count, reinterpret_cast<Element*>(list.bytes.data()));
        if (result == NvmlReturn::success) {
            list.count = std::min(count, room);
            return list;
        }
        if (classify(result) != NvmlClass::too_small) return std::unexpected(result);
        room = std::max(room * 2, std::min(count, kRoomMax / 2) + kRoomFirst);
    }
    return std::unexpected(NvmlReturn::insufficient_size);
}

// _v3 of 535.43 to before 535.86 wrote 32 bytes an element. By what was written, not by version
// (found by gpustat and nvitop): 24 bytes each would have left the rest as it was.
std::size_t stride_of(const RawList& list) {
    constexpr std::size_t kUsual = sizeof(driver_abi::NvmlProcess);
    const auto begin = list.bytes.begin() + static_cast<std::ptrdiff_t>(list.count * kUsual);
    const auto end = list.bytes.begin() + static_cast<std::ptrdiff_t>(list.count * kWidestElement);
    const bool is_wide =
        std::any_of(begin, end, [](unsigned char byte) { return byte != kUntouched; });
    return is_wide ? kWidestElement : kUsual;
}

// Pid and memory stand at the same places in all versions.
std::vector<driver_abi::NvmlProcessV1> read_elements(const RawList& list, std::size_t stride) {
    std::vector<driver_abi::NvmlProcessV1> elements(list.count);
    for (std::size_t index = 0; index < list.count; ++index) {
        std::memcpy(&elements[index], &list.bytes[index * stride], sizeof elements[index]);
    }
    return elements;
}

using Elements = std::expected<std::vector<driver_abi::NvmlProcessV1>, NvmlReturn>;

// The three versions of one list.
struct Versions {
    driver_abi::NvmlProcesses<driver_abi::NvmlProcess> newest;
    driver_abi::NvmlProcesses<driver_abi::NvmlProcess> newer;
    driver_abi::NvmlProcesses<driver_abi::NvmlProcessV1> oldest;
};
constexpr Versions kCompute = {driver_abi::nvmlDeviceGetComputeRunningProcesses_v3,
                               driver_abi::nvmlDeviceGetComputeRunningProcesses_v2,
                               driver_abi::nvmlDeviceGetComputeRunningProcesses};
constexpr Versions kMps = {driver_abi::nvmlDeviceGetMPSComputeRunningProcesses_v3,
                           driver_abi::nvmlDeviceGetMPSComputeRunningProcesses_v2,
                           driver_abi::nvmlDeviceGetMPSComputeRunningProcesses};
constexpr Versions kGraphics = {driver_abi::nvmlDeviceGetGraphicsRunningProcesses_v3,
                                driver_abi::nvmlDeviceGetGraphicsRunningProcesses_v2,
                                driver_abi::nvmlDeviceGetGraphicsRunningProcesses};

Elements ask_newest(const NvmlLibrary& library, const Versions& versions, NvmlDevice device) {
    const auto newest = ask_all(library, versions.newest, device);
    if (newest) return read_elements(*newest, stride_of(*newest));
    if (classify(newest.error()) != NvmlClass::other_version) {
        return std::unexpected(newest.error());
    }
    const auto newer = ask_all(library, versions.newer, device);
    if (newer) return read_elements(*newer, sizeof(driver_abi::NvmlProcess));
    if (classify(newer.error()) != NvmlClass::other_version) return std::unexpected(newer.error());
    const auto oldest = ask_all(library, versions.oldest, device);
    if (!oldest) return std::unexpected(oldest.error());
    return read_elements(*oldest, sizeof(driver_abi::NvmlProcessV1));
}

// A kind that a driver or a GPU does not know has no processes.
Elements ask_other(const NvmlLibrary& library, const Versions& versions, NvmlDevice device) {
    Elements list = ask_newest(library, versions, device);
    if (list) return list;
    const NvmlClass why = classify(list.error());
    if (why == NvmlClass::other_version || why == NvmlClass::unsupported) return {};
    return list;
}

}  // namespace

std::expected<NvmlLibrary::Processes, NvmlReturn> NvmlLibrary::processes(NvmlDevice device) const {
    std::map<int, std::optional<base::Bytes>> found;
    Processes processes;
    const Elements kinds[] = {ask_newest(*this, kCompute, device), ask_other(*this, kMps, device),
                              ask_other(*this, kGraphics, device)};
    for (const Elements& kind : kinds) {
        if (!kind && classify(kind.error()) == NvmlClass::device_lost) {
            return std::unexpected(kind.error());
        }
        processes.is_complete &= kind.has_value();
        if (!kind) continue;
        for (const driver_abi::NvmlProcessV1& element : *kind) {
            std::optional<base::Bytes>& bytes = found[static_cast<int>(element.pid)];
            if (element.used_gpu_memory == driver_abi::kNvmlNotAvailable) continue;
            // One that does several kinds of work is in several lists, each with all of its memory.
            bytes = std::max(bytes, std::optional{base::Bytes{element.used_gpu_memory}});
        }
    }
    for (const auto& [pid, bytes] : found) {
        processes.list.push_back({.pid = pid, .bytes = bytes});
        processes.is_complete &= bytes.has_value();
    }
    return processes;
}

}  // namespace windlass::device
