// What a function of NVML returns. Values of nvml.h 12.9.
#pragma once

#include <cstdint>

namespace windlass::driver_abi {

enum class NvmlReturn : std::int32_t {
    success = 0,
    uninitialized = 1,
    invalid_argument = 2,
    not_supported = 3,
    no_permission = 4,
    already_initialized = 5,
    not_found = 6,
    insufficient_size = 7,
    insufficient_power = 8,
    driver_not_loaded = 9,
    timeout = 10,
    irq_issue = 11,
    library_not_found = 12,
    function_not_found = 13,
    corrupted_inforom = 14,
    gpu_is_lost = 15,
    reset_required = 16,
    operating_system = 17,
    lib_rm_version_mismatch = 18,
    in_use = 19,
    memory = 20,
    no_data = 21,
    vgpu_ecc_not_supported = 22,
    insufficient_resources = 23,
    freq_not_supported = 24,
    argument_version_mismatch = 25,
    deprecated = 26,
    not_ready = 27,
    gpu_not_found = 28,
    invalid_state = 29,
    unknown = 999,
};

// What a return means for the device, whatever call it came from (reference: docs/emulator.md).
enum class NvmlClass : std::uint8_t {
    ok,
    no_driver,         // no NVIDIA driver or no GPU here
    driver_mismatch,   // the driver was upgraded under a library that is still the old one
    blocked,           // this process may not; in a container its device cgroup may be gone
    unsupported,       // this value does not exist on this device
    device_lost,       // drain it, and admit nothing
    other_version,     // ask the function's predecessor
    too_small,         // give a larger buffer
    nothing_happened,  // the normal end of a wait for events
    misuse,            // a defect of ours
};

constexpr NvmlClass classify(NvmlReturn result) {
    switch (result) {
        case NvmlReturn::success: return NvmlClass::ok;
        case NvmlReturn::driver_not_loaded:
        case NvmlReturn::library_not_found:
        case NvmlReturn::gpu_not_found: return NvmlClass::no_driver;
        case NvmlReturn::lib_rm_version_mismatch: return NvmlClass::driver_mismatch;
        case NvmlReturn::not_supported:
        case NvmlReturn::no_data:
        case NvmlReturn::vgpu_ecc_not_supported:
        case NvmlReturn::not_found: return NvmlClass::unsupported;
        case NvmlReturn::gpu_is_lost:
        case NvmlReturn::reset_required:
        case NvmlReturn::irq_issue: return NvmlClass::device_lost;
        case NvmlReturn::function_not_found:
        case NvmlReturn::deprecated:
        case NvmlReturn::argument_version_mismatch: return NvmlClass::other_version;
        case NvmlReturn::insufficient_size: return NvmlClass::too_small;
        case NvmlReturn::timeout: return NvmlClass::nothing_happened;
        case NvmlReturn::uninitialized:
        case NvmlReturn::invalid_argument:
        case NvmlReturn::already_initialized: return NvmlClass::misuse;
        case NvmlReturn::no_permission:
        case NvmlReturn::insufficient_power:
        case NvmlReturn::corrupted_inforom:
        case NvmlReturn::operating_system:
        case NvmlReturn::in_use:
        case NvmlReturn::memory:
        case NvmlReturn::insufficient_resources:
        case NvmlReturn::freq_not_supported:
        case NvmlReturn::not_ready:
        case NvmlReturn::invalid_state:
        case NvmlReturn::unknown: return NvmlClass::blocked;
    }
    return NvmlClass::blocked;
}

}  // namespace windlass::driver_abi
