// Device memory as a whole: taking it, giving it back, how much there is, and what a pointer is.
#include "emulator/cuda/address_space.h"
#include "emulator/cuda/entry_points.h"
#include "emulator/cuda/host_memory.h"
#include "emulator/cuda/process.h"
#include "emulator/cuda/streams.h"

namespace windlass::emulator {

using driver_abi::CuMemoryType;
using driver_abi::CuPointerAttribute;

namespace {

constexpr std::uint64_t kSmall = std::uint64_t{1} << 20;
constexpr std::uint64_t kSmallGranularity = std::uint64_t{64} << 10;
constexpr std::uint64_t kAlignment = 4096;

// The driver gives out whole blocks of 2 MiB and shares one among small allocations. Which share
// one is not modelled: small ones are charged for themselves.
std::uint64_t charged(std::uint64_t bytes) {
    const std::uint64_t unit = bytes < kSmall ? kSmallGranularity : kGranularity;
    return (bytes + unit - 1) / unit * unit;
}

CuResult device_attribute(const Range& range, void* value, CuPointerAttribute attribute) {
    const CuContext context = range.context;
    switch (attribute) {
        case CuPointerAttribute::context: *static_cast<CuContext*>(value) = context; break;
        case CuPointerAttribute::memory_type:
            *static_cast<CuMemoryType*>(value) = CuMemoryType::device;
            break;
        case CuPointerAttribute::is_managed: *static_cast<unsigned*>(value) = 0; break;
        case CuPointerAttribute::device_ordinal:
            *static_cast<int*>(value) = context != nullptr ? context->ordinal : 0;
            break;
        case CuPointerAttribute::range_start: *static_cast<CuDevicePtr*>(value) = range.base; break;
        case CuPointerAttribute::range_size: *static_cast<std::size_t*>(value) = range.size; break;
        case CuPointerAttribute::device_pointer:
        case CuPointerAttribute::host_pointer: return CuResult::invalid_value;
    }
    return CuResult::success;
}

}  // namespace

extern "C" {

CuResult cuMemGetInfo_v2(std::size_t* free, std::size_t* total) {
    const Admission admission = admit_current();
    if (!admission) return admission.result;
    if (free == nullptr || total == nullptr) return CuResult::invalid_value;
    const DeviceUse use = Process::get().ledger().use(admission.context->device);
    *free = use.capacity_bytes - use.used_bytes;
    *total = use.capacity_bytes - use.reserved_bytes;
    return CuResult::success;
}

CuResult cuMemAlloc_v2(CuDevicePtr* address, std::size_t bytes) {
    const Admission admission = admit_current();
    if (!admission) return admission.result;
    if (address == nullptr || bytes == 0) return CuResult::invalid_value;
    Process& process = Process::get();
    auto memory = PhysicalMemory::make(process.ledger(), process.slot(), admission.context->device,
                                       charged(bytes));
    if (!memory) return CuResult::out_of_memory;
    const CuDevicePtr base = AddressSpace::reserve(memory->size(), kAlignment);
    if (base == 0) return CuResult::out_of_memory;
    AddressSpace::get().add({.base = base,
                             .size = bytes,
                             .memory = std::move(memory),
                             .context = admission.context,
                             .is_readable = true,
                             .is_writable = true});
    *address = base;
    return CuResult::success;
}

CuResult cuMemFree_v2(CuDevicePtr address) {
    const Admission admission = admit_current();
    if (!admission) return admission.result;
    if (address == 0) return CuResult::success;
    const auto found = AddressSpace::get().find(address);
    if (!found || found->base != address || found->context == nullptr)
        return CuResult::invalid_value;
    Process::get().ledger().wait_while(admission.context->device, Fault::hang_free);
    drain(found->context);  // it waits for what may still use the memory
    const auto range = AddressSpace::get().take(address);
    if (!range) return CuResult::invalid_value;
    AddressSpace::unreserve(range->base, range->memory->size());
    return CuResult::success;
}

CuResult cuMemGetAddressRange_v2(CuDevicePtr* base, std::size_t* size, CuDevicePtr address) {
    const Admission admission = admit_current();
    if (!admission) return admission.result;
    const auto range = AddressSpace::get().find(address);
    if (!range) return CuResult::not_found;
    if (base != nullptr) *base = range->base;
    if (size != nullptr) *size = range->size;
    return CuResult::success;
}

CuResult cuPointerGetAttribute(void* value, CuPointerAttribute attribute, CuDevicePtr address) {
    const CuResult result = Process::get().admit();
    if (result != CuResult::success) return result;
    if (value == nullptr) return CuResult::invalid_value;
    if (const auto range = AddressSpace::get().find(address))
        return device_attribute(*range, value, attribute);
    // NOLINTNEXTLINE(performance-no-int-to-ptr): an address of the host, passed as the API wants it
    if (HostMemory::get().contains(reinterpret_cast<const void*>(address), 1) &&
        attribute == CuPointerAttribute::memory_type) {
        *static_cast<CuMemoryType*>(value) = CuMemoryType::host;
        return CuResult::success;
    }
    return CuResult::invalid_value;
}

}  // extern "C"

}  // namespace windlass::emulator
