// See host_memory.h.
#include "emulator/cuda/host_memory.h"

#include <sys/mman.h>

#include "emulator/cuda/entry_points.h"
#include "emulator/cuda/process.h"

namespace windlass::emulator {

HostMemory& HostMemory::get() {
    static auto* const it = new HostMemory;
    return *it;
}

bool HostMemory::overlaps(const char* at, std::size_t bytes) const {
    auto next = pieces_.lower_bound(at);
    if (next != pieces_.end() && next->first < at + bytes) return true;
    if (next == pieces_.begin()) return false;
    --next;
    return at < next->first + next->second.bytes;
}

bool HostMemory::add(const void* at, std::size_t bytes, Origin origin) {
    const std::scoped_lock lock{mutex_};
    const auto* start = static_cast<const char*>(at);
    if (overlaps(start, bytes)) return false;
    pieces_[start] = {bytes, origin};
    return true;
}

std::optional<std::size_t> HostMemory::take(const void* at, Origin origin) {
    const std::scoped_lock lock{mutex_};
    const auto it = pieces_.find(static_cast<const char*>(at));
    if (it == pieces_.end() || it->second.origin != origin) return std::nullopt;
    const std::size_t bytes = it->second.bytes;
    pieces_.erase(it);
    return bytes;
}

bool HostMemory::contains(const void* at, std::size_t bytes) {
    const std::scoped_lock lock{mutex_};
    const auto* start = static_cast<const char*>(at);
    auto it = pieces_.upper_bound(start);
    if (it == pieces_.begin()) return false;
    --it;
    return start + bytes <= it->first + it->second.bytes;
}

extern "C" {

CuResult cuMemHostAlloc(void** memory, std::size_t bytes, unsigned /*flags*/) {
    const Admission admission = admit_current();
    if (!admission) return admission.result;
    if (memory == nullptr || bytes == 0) return CuResult::invalid_value;
    void* made = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED) return CuResult::out_of_memory;
    HostMemory::get().add(made, bytes, HostMemory::Origin::allocated);
    *memory = made;
    return CuResult::success;
}

CuResult cuMemFreeHost(void* memory) {
    const CuResult result = Process::get().admit();
    if (result != CuResult::success) return result;
    const auto bytes = HostMemory::get().take(memory, HostMemory::Origin::allocated);
    if (!bytes) return CuResult::invalid_value;
    munmap(memory, *bytes);
    return CuResult::success;
}

CuResult cuMemHostRegister_v2(void* memory, std::size_t bytes, unsigned /*flags*/) {
    const Admission admission = admit_current();
    if (!admission) return admission.result;
    if (memory == nullptr || bytes == 0) return CuResult::invalid_value;
    const bool added = HostMemory::get().add(memory, bytes, HostMemory::Origin::registered);
    return added ? CuResult::success : CuResult::host_memory_already_registered;
}

CuResult cuMemHostUnregister(void* memory) {
    const CuResult result = Process::get().admit();
    if (result != CuResult::success) return result;
    const auto bytes = HostMemory::get().take(memory, HostMemory::Origin::registered);
    return bytes ? CuResult::success : CuResult::host_memory_not_registered;
}

CuResult cuMemHostGetDevicePointer_v2(CuDevicePtr* device, void* memory, unsigned /*flags*/) {
    const Admission admission = admit_current();
    if (!admission) return admission.result;
    if (device == nullptr || !HostMemory::get().contains(memory, 1)) return CuResult::invalid_value;
    *device = reinterpret_cast<CuDevicePtr>(memory);  // one address space, as on 64-bit Linux
    return CuResult::success;
}

}  // extern "C"

}  // namespace windlass::emulator
