// Virtual memory management: addresses, physical memory and access apart, and memory shared between
// processes by descriptor.
#include <map>
#include <mutex>
#include <utility>

#include "emulator/cuda/address_space.h"
#include "emulator/cuda/entry_points.h"
#include "emulator/cuda/process.h"

namespace windlass::emulator {

using driver_abi::CuAccess;
using driver_abi::CuAccessDesc;
using driver_abi::CuAllocationProp;
using driver_abi::CuHandleType;
using driver_abi::CuLocationType;
using driver_abi::CuMemoryLocation;
using driver_abi::ULongLong;

namespace {

// A handle of cuMemCreate. The memory is also kept by whatever maps it.
struct Handle {
    std::shared_ptr<PhysicalMemory> memory;
    CuAllocationProp properties;
    int references = 1;
};

struct Tables {
    std::mutex mutex;
    CuMemoryHandle next = 1;
    std::map<CuMemoryHandle, Handle> handles;
    std::map<CuDevicePtr, std::uint64_t> reservations;  // base -> size
};

Tables& tables() {
    static auto* const it = new Tables;
    return *it;
}

bool is_granular(std::uint64_t bytes) { return bytes != 0 && bytes % kGranularity == 0; }

// Whether [at, at + size) lies in one reservation. With the mutex.
bool is_reserved(CuDevicePtr at, std::uint64_t size) {
    auto it = tables().reservations.upper_bound(at);
    if (it == tables().reservations.begin()) return false;
    --it;
    return at + size <= it->first + it->second;
}

CuMemoryHandle add(std::shared_ptr<PhysicalMemory> memory, const CuAllocationProp& properties) {
    const std::scoped_lock lock{tables().mutex};
    const CuMemoryHandle handle = tables().next++;
    tables().handles[handle] = {std::move(memory), properties};
    return handle;
}

// Memory is null for a handle that does not exist.
Handle find(CuMemoryHandle handle) {
    const std::scoped_lock lock{tables().mutex};
    const auto it = tables().handles.find(handle);
    return it == tables().handles.end() ? Handle{} : it->second;
}

CuAllocationProp properties_of(int ordinal) {
    CuAllocationProp properties = {};
    properties.type = driver_abi::kCuAllocationPinned;
    properties.requested_handle_types = CuHandleType::posix_fd;
    properties.location = {.type = CuLocationType::device, .id = ordinal};
    return properties;
}

// The ordinal here of a device of the node; -1 when this process does not see it.
CuDevice ordinal_of(int device) {
    const Process& process = Process::get();
    for (CuDevice ordinal = 0; ordinal < process.visible_count(); ++ordinal) {
        if (process.device_of(ordinal) == device) return ordinal;
    }
    return -1;
}

bool is_valid(const CuAllocationProp* properties) {
    return properties != nullptr && properties->type == driver_abi::kCuAllocationPinned &&
           properties->location.type == CuLocationType::device &&
           Process::get().is_visible(properties->location.id);
}

}  // namespace

extern "C" {

CuResult cuMemAddressReserve(CuDevicePtr* address, std::size_t size, std::size_t alignment,
                             CuDevicePtr /*wish*/, ULongLong flags) {
    if (const CuResult result = Process::get().admit(); result != CuResult::success) return result;
    if (address == nullptr || flags != 0 || !is_granular(size)) return CuResult::invalid_value;
    if ((alignment & (alignment - 1)) != 0) return CuResult::invalid_value;
    const CuDevicePtr base =
        AddressSpace::reserve(size, std::max<std::uint64_t>(alignment, kGranularity));
    if (base == 0) return CuResult::out_of_memory;
    const std::scoped_lock lock{tables().mutex};
    tables().reservations[base] = size;
    *address = base;
    return CuResult::success;
}

CuResult cuMemAddressFree(CuDevicePtr address, std::size_t size) {
    if (const CuResult result = Process::get().admit(); result != CuResult::success) return result;
    const std::scoped_lock lock{tables().mutex};
    const auto it = tables().reservations.find(address);
    if (it == tables().reservations.end() || it->second != size) return CuResult::invalid_value;
    if (AddressSpace::get().overlaps(address, size)) return CuResult::invalid_value;
    AddressSpace::unreserve(address, size);
    tables().reservations.erase(it);
    return CuResult::success;
}

// Needs cuInit and no context: who only creates is in no list of NVML.
CuResult cuMemCreate(CuMemoryHandle* handle, std::size_t size, const CuAllocationProp* properties,
                     ULongLong flags) {
    Process& process = Process::get();
    if (const CuResult result = process.admit(); result != CuResult::success) return result;
    if (handle == nullptr || flags != 0 || !is_granular(size) || !is_valid(properties))
        return CuResult::invalid_value;
    const int device = process.device_of(properties->location.id);
    const CuResult sound = process.admit_device(device);
    if (sound != CuResult::success) return sound;
    auto memory = PhysicalMemory::make(process.ledger(), process.slot(), device, size);
    if (!memory) return CuResult::out_of_memory;
    *handle = add(std::move(memory), *properties);
    return CuResult::success;
}

CuResult cuMemRelease(CuMemoryHandle handle) {
    if (const CuResult result = Process::get().admit(); result != CuResult::success) return result;
    Handle last;  // the memory is given back after the lock
    const std::scoped_lock lock{tables().mutex};
    const auto it = tables().handles.find(handle);
    if (it == tables().handles.end()) return CuResult::invalid_value;
    if (--it->second.references != 0) return CuResult::success;
    last = std::move(it->second);
    tables().handles.erase(it);
    return CuResult::success;
}

CuResult cuMemMap(CuDevicePtr address, std::size_t size, std::size_t offset, CuMemoryHandle handle,
                  ULongLong flags) {
    if (const CuResult result = Process::get().admit(); result != CuResult::success) return result;
    Handle found = find(handle);
    if (!found.memory || offset != 0 || flags != 0 || !is_granular(size) ||
        size > found.memory->size())
        return CuResult::invalid_value;
    const std::scoped_lock lock{tables().mutex};
    if (address % kGranularity != 0 || !is_reserved(address, size) ||
        AddressSpace::get().overlaps(address, size))
        return CuResult::invalid_value;
    AddressSpace::get().add({.base = address, .size = size, .memory = std::move(found.memory)});
    return CuResult::success;
}

// Does not wait for work that still uses the memory: such work breaks the process, as on hardware.
CuResult cuMemUnmap(CuDevicePtr address, std::size_t size) {
    if (const CuResult result = Process::get().admit(); result != CuResult::success) return result;
    {
        const std::scoped_lock lock{tables().mutex};
        if (!is_reserved(address, size)) return CuResult::invalid_value;
    }
    const auto taken = AddressSpace::get().take_exactly(address, size);
    return taken.empty() ? CuResult::invalid_value : CuResult::success;
}

CuResult cuMemSetAccess(CuDevicePtr address, std::size_t size, const CuAccessDesc* access,
                        std::size_t count) {
    if (const CuResult result = Process::get().admit(); result != CuResult::success) return result;
    if (access == nullptr || count == 0 || !is_granular(size)) return CuResult::invalid_value;
    for (std::size_t i = 0; i < count; ++i) {
        const CuMemoryLocation& place = access[i].location;
        if (place.type != CuLocationType::device || !Process::get().is_visible(place.id))
            return CuResult::invalid_value;
        const bool readable = access[i].flags != CuAccess::none;
        const bool writable = access[i].flags == CuAccess::read_write;
        if (!AddressSpace::get().set_access(address, size, readable, writable))
            return CuResult::invalid_value;
    }
    return CuResult::success;
}

CuResult cuMemGetAccess(ULongLong* flags, const CuMemoryLocation* /*location*/,
                        CuDevicePtr address) {
    if (const CuResult result = Process::get().admit(); result != CuResult::success) return result;
    const auto range = AddressSpace::get().find(address);
    if (flags == nullptr || !range) return CuResult::invalid_value;
    const CuAccess access = range->is_writable   ? CuAccess::read_write
                            : range->is_readable ? CuAccess::read
                                                 : CuAccess::none;
    *flags = static_cast<ULongLong>(access);
    return CuResult::success;
}

CuResult cuMemExportToShareableHandle(void* shared, CuMemoryHandle handle, CuHandleType type,
                                      ULongLong flags) {
    if (const CuResult result = Process::get().admit(); result != CuResult::success) return result;
    if (type == CuHandleType::fabric) return CuResult::not_supported;
    const Handle found = find(handle);
    if (shared == nullptr || !found.memory || type != CuHandleType::posix_fd || flags != 0 ||
        found.properties.requested_handle_types != CuHandleType::posix_fd)
        return CuResult::invalid_value;
    const int descriptor = found.memory->share();
    if (descriptor < 0) return CuResult::operating_system;
    *static_cast<int*>(shared) = descriptor;
    return CuResult::success;
}

CuResult cuMemImportFromShareableHandle(CuMemoryHandle* handle, void* shared, CuHandleType type) {
    Process& process = Process::get();
    if (const CuResult result = process.admit(); result != CuResult::success) return result;
    if (handle == nullptr || type != CuHandleType::posix_fd) return CuResult::invalid_value;
    const auto descriptor = static_cast<int>(reinterpret_cast<std::intptr_t>(shared));
    auto memory = PhysicalMemory::import(process.ledger(), descriptor);
    if (!memory) return CuResult::invalid_value;
    const CuDevice ordinal = ordinal_of(memory->device());
    if (ordinal < 0) return CuResult::invalid_device;
    *handle = add(std::move(memory), properties_of(ordinal));
    return CuResult::success;
}

CuResult cuMemGetAllocationGranularity(std::size_t* granularity, const CuAllocationProp* properties,
                                       driver_abi::CuGranularity /*which*/) {
    if (const CuResult result = Process::get().admit(); result != CuResult::success) return result;
    if (granularity == nullptr || !is_valid(properties)) return CuResult::invalid_value;
    *granularity = kGranularity;
    return CuResult::success;
}

CuResult cuMemGetAllocationPropertiesFromHandle(CuAllocationProp* properties,
                                                CuMemoryHandle handle) {
    if (const CuResult result = Process::get().admit(); result != CuResult::success) return result;
    const Handle found = find(handle);
    if (properties == nullptr || !found.memory) return CuResult::invalid_value;
    *properties = found.properties;
    return CuResult::success;
}

CuResult cuMemRetainAllocationHandle(CuMemoryHandle* handle, void* address) {
    if (const CuResult result = Process::get().admit(); result != CuResult::success) return result;
    const auto range = AddressSpace::get().find(reinterpret_cast<CuDevicePtr>(address));
    if (handle == nullptr || !range || range->context != nullptr) return CuResult::invalid_value;
    {
        const std::scoped_lock lock{tables().mutex};
        for (auto& [number, it] : tables().handles) {
            if (it.memory != range->memory) continue;
            ++it.references;
            *handle = number;
            return CuResult::success;
        }
    }
    // It was released, and the mapping keeps the memory.
    *handle = add(range->memory, properties_of(ordinal_of(range->memory->device())));
    return CuResult::success;
}

}  // extern "C"

}  // namespace windlass::emulator
