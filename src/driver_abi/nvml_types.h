// Types of NVML, declared here so that no vendor header is needed to build. Layouts are those of
// nvml.h 12.9, x86-64; vendor_test.cpp compares them where the vendor's header is at hand.
#pragma once

#include <cstddef>
#include <cstdint>

#include "driver_abi/nvml_return.h"

namespace windlass::driver_abi {

using NvmlDevice = struct NvmlDeviceSt*;      // opaque
using NvmlEventSet = struct NvmlEventSetSt*;  // opaque

struct NvmlPciInfo {
    char bus_id_legacy[16];
    std::uint32_t domain;
    std::uint32_t bus;
    std::uint32_t device;
    std::uint32_t pci_device_id;
    std::uint32_t pci_subsystem_id;
    char bus_id[32];  // "00000000:3B:00.0"
};
static_assert(sizeof(NvmlPciInfo) == 68);
static_assert(offsetof(NvmlPciInfo, domain) == 16 && offsetof(NvmlPciInfo, bus_id) == 36);

struct NvmlMemory {
    std::uint64_t total;
    std::uint64_t free;
    std::uint64_t used;  // what the driver reserves is in it
};
static_assert(sizeof(NvmlMemory) == 24 && offsetof(NvmlMemory, used) == 16);

inline constexpr std::uint32_t kNvmlMemoryV2 = 0x02000028;  // size | version << 24

struct NvmlMemoryV2 {
    std::uint32_t version;  // kNvmlMemoryV2, set by the caller
    std::uint64_t total;
    std::uint64_t reserved;
    std::uint64_t free;
    std::uint64_t used;  // with `reserved`, says nvml.h; total - free is safe either way
};
static_assert(sizeof(NvmlMemoryV2) == 40 && offsetof(NvmlMemoryV2, total) == 8);
static_assert(offsetof(NvmlMemoryV2, reserved) == 16 && offsetof(NvmlMemoryV2, used) == 32);

struct NvmlBar1Memory {
    std::uint64_t total;
    std::uint64_t free;
    std::uint64_t used;
};
static_assert(sizeof(NvmlBar1Memory) == 24);

// usedGpuMemory of a process when the driver cannot tell (WSL, some vGPU, no permission).
inline constexpr std::uint64_t kNvmlNotAvailable = ~std::uint64_t{0};
inline constexpr std::uint32_t kNvmlNoInstance = 0xFFFFFFFF;

struct NvmlProcessV1 {
    std::uint32_t pid;
    std::uint64_t used_gpu_memory;
};
static_assert(sizeof(NvmlProcessV1) == 16 && offsetof(NvmlProcessV1, used_gpu_memory) == 8);

// Of the functions _v2 and _v3. Drivers 535.43 to before 535.86 wrote 32 bytes for each element in
// _v3: NvmlProcessQuirk. Both are told apart by what was written, not by the driver's version.
struct NvmlProcess {
    std::uint32_t pid;
    std::uint64_t used_gpu_memory;
    std::uint32_t gpu_instance_id;
    std::uint32_t compute_instance_id;
};
static_assert(sizeof(NvmlProcess) == 24 && offsetof(NvmlProcess, gpu_instance_id) == 16);

struct NvmlProcessQuirk {
    NvmlProcess process;
    std::uint64_t protected_memory;
};
static_assert(sizeof(NvmlProcessQuirk) == 32);

struct NvmlUtilization {
    std::uint32_t gpu_percent;
    std::uint32_t memory_percent;
};
static_assert(sizeof(NvmlUtilization) == 8);

struct NvmlProcessUtilization {
    std::uint32_t pid;
    std::uint64_t timestamp_us;
    std::uint32_t sm_percent;
    std::uint32_t memory_percent;
    std::uint32_t encoder_percent;
    std::uint32_t decoder_percent;
};
static_assert(sizeof(NvmlProcessUtilization) == 32);
static_assert(offsetof(NvmlProcessUtilization, sm_percent) == 16);

inline constexpr std::uint64_t kNvmlEventDoubleBitEcc = 0x2;
inline constexpr std::uint64_t kNvmlEventXid = 0x8;

struct NvmlEventData {
    NvmlDevice device;
    std::uint64_t event_type;
    std::uint64_t event_data;  // the Xid; 999 when unknown
    std::uint32_t gpu_instance_id;
    std::uint32_t compute_instance_id;
};
static_assert(sizeof(NvmlEventData) == 32 && offsetof(NvmlEventData, event_data) == 16);

inline constexpr unsigned kNvmlMigEnabled = 1;  // of nvmlDeviceGetMigMode

inline constexpr std::uint32_t kNvmlFieldRecoveryAction = 230;  // 0: none, 1: reset, 2: reboot, ...

enum class NvmlValueType : std::int32_t {
    floating = 0,
    unsigned_int = 1,
    unsigned_long = 2,
    unsigned_long_long = 3,
    signed_long_long = 4,
    signed_int = 5,
};

struct NvmlFieldValue {
    std::uint32_t field_id;
    std::uint32_t scope_id;
    std::int64_t timestamp_us;
    std::int64_t latency_us;
    NvmlValueType value_type;
    NvmlReturn result;
    std::uint64_t value;  // a union at the vendor's; an unsigned int is in the low half
};
static_assert(sizeof(NvmlFieldValue) == 40 && offsetof(NvmlFieldValue, value_type) == 24);
static_assert(offsetof(NvmlFieldValue, result) == 28 && offsetof(NvmlFieldValue, value) == 32);

}  // namespace windlass::driver_abi
