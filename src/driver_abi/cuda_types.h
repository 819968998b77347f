// Types of the CUDA driver API, declared here so that no vendor header is needed to build. Layouts
// and values are those of cuda.h 12.9 and 13.5, x86-64; vendor_test.cpp compares them where the
// vendor's headers are at hand.
#pragma once

#include <cstddef>
#include <cstdint>

#include "driver_abi/cuda_result.h"

namespace windlass::driver_abi {

using CuDevice = std::int32_t;          // ordinal among the visible devices
using CuDevicePtr = std::uint64_t;      // not an address of the host
using CuMemoryHandle = std::uint64_t;   // physical memory of cuMemCreate
using CuContext = struct CuContextSt*;  // opaque
using CuStream = struct CuStreamSt*;
using CuEvent = struct CuEventSt*;
using CuHostFunction = void (*)(void* data);

struct CuUuid {
    unsigned char bytes[16];
};
static_assert(sizeof(CuUuid) == 16);

enum class CuDeviceAttribute : std::int32_t {
    max_threads_per_block = 1,
    total_constant_memory = 9,
    warp_size = 10,
    clock_rate = 13,  // kHz
    multiprocessor_count = 16,
    integrated = 18,
    can_map_host_memory = 19,
    compute_mode = 20,
    pci_bus_id = 33,
    pci_device_id = 34,
    async_engine_count = 40,
    unified_addressing = 41,
    pci_domain_id = 50,
    compute_capability_major = 75,
    compute_capability_minor = 76,
    managed_memory = 83,
    host_register_supported = 99,
    virtual_memory_management_supported = 102,
    handle_type_posix_fd_supported = 103,
};

enum class CuPointerAttribute : std::int32_t {
    context = 1,
    memory_type = 2,
    device_pointer = 3,
    host_pointer = 4,
    is_managed = 8,
    device_ordinal = 9,
    range_start = 11,
    range_size = 12,
};

enum class CuMemoryType : std::uint32_t { host = 1, device = 2, array = 3, unified = 4 };

inline constexpr unsigned kCuHostPortable = 1;  // for cuMemHostAlloc and cuMemHostRegister
inline constexpr unsigned kCuStreamNonBlocking = 1;
inline constexpr unsigned kCuEventDisableTiming = 2;

// Virtual memory management.
enum class CuLocationType : std::int32_t { invalid = 0, device = 1, host = 2, host_numa = 3 };
enum class CuHandleType : std::int32_t { none = 0, posix_fd = 1, fabric = 8 };
enum class CuAccess : std::int32_t { none = 0, read = 1, read_write = 3 };
enum class CuGranularity : std::int32_t { minimum = 0, recommended = 1 };

struct CuMemoryLocation {
    CuLocationType type;
    std::int32_t id;
};
static_assert(sizeof(CuMemoryLocation) == 8);

inline constexpr std::int32_t kCuAllocationPinned = 1;

struct CuAllocationProp {
    std::int32_t type;  // kCuAllocationPinned
    CuHandleType requested_handle_types;
    CuMemoryLocation location;
    void* win32_handle_metadata;
    unsigned char compression;
    unsigned char rdma_capable;
    std::uint16_t usage;
    unsigned char reserved[4];
};
static_assert(sizeof(CuAllocationProp) == 32);
static_assert(offsetof(CuAllocationProp, requested_handle_types) == 4);
static_assert(offsetof(CuAllocationProp, location) == 8);
static_assert(offsetof(CuAllocationProp, win32_handle_metadata) == 16);
static_assert(offsetof(CuAllocationProp, compression) == 24);
static_assert(offsetof(CuAllocationProp, rdma_capable) == 25);
static_assert(offsetof(CuAllocationProp, usage) == 26);

struct CuAccessDesc {
    CuMemoryLocation location;
    CuAccess flags;
};
static_assert(sizeof(CuAccessDesc) == 12 && offsetof(CuAccessDesc, flags) == 8);

}  // namespace windlass::driver_abi
