// What a CUresult means for whoever got it: one class for each thing that is done differently.
// Which errors end the process is said in cuda.h 12.9 ("must be terminated and relaunched"); rows
// marked (ours) are our reading.
#pragma once

#include <array>
#include <cstdint>

#include "driver_abi/cuda_result.h"

namespace windlass::driver_abi {

enum class CuClass : std::uint8_t {
    ok,
    pending,
    out_of_memory,  // the context is fine: make room and try again
    transient,      // try again after a while
    context_lost,   // every later call fails likewise; only a new process helps
    device_lost,    // the same, and look at the device before it is used again
    driver,         // this driver or machine cannot do it; a retry is useless
    shutdown,       // the process is ending
    unsupported,
    not_permitted,
    misuse,  // a defect of the caller
};

struct CuClassOf {
    CuResult result;
    CuClass kind;
};

// What is in no row is `misuse`.
inline constexpr auto kCuClasses = std::to_array<CuClassOf>({
    {CuResult::success, CuClass::ok},
    {CuResult::not_ready, CuClass::pending},
    {CuResult::out_of_memory, CuClass::out_of_memory},
    {CuResult::device_unavailable, CuClass::transient},
    {CuResult::timeout, CuClass::transient},
    {CuResult::system_not_ready, CuClass::transient},  // the fabric manager starts
    {CuResult::mps_connection_failed, CuClass::transient},
    {CuResult::mps_server_not_ready, CuClass::transient},
    {CuResult::mps_max_clients_reached, CuClass::transient},
    {CuResult::mps_max_connections_reached, CuClass::transient},
    {CuResult::illegal_address, CuClass::context_lost},
    {CuResult::launch_timeout, CuClass::context_lost},
    {CuResult::device_assert, CuClass::context_lost},
    {CuResult::hardware_stack_error, CuClass::context_lost},
    {CuResult::illegal_instruction, CuClass::context_lost},
    {CuResult::misaligned_address, CuClass::context_lost},
    {CuResult::invalid_address_space, CuClass::context_lost},
    {CuResult::invalid_pc, CuClass::context_lost},
    {CuResult::launch_failed, CuClass::context_lost},
    {CuResult::tensor_memory_leak, CuClass::context_lost},
    {CuResult::contained, CuClass::context_lost},
    {CuResult::external_device, CuClass::context_lost},
    {CuResult::mps_client_terminated, CuClass::context_lost},
    {CuResult::mps_rpc_failure, CuClass::context_lost},       // (ours)
    {CuResult::context_is_destroyed, CuClass::context_lost},  // (ours)
    {CuResult::ecc_uncorrectable, CuClass::device_lost},
    {CuResult::nvlink_uncorrectable, CuClass::device_lost},
    {CuResult::unknown, CuClass::device_lost},       // (ours)
    {CuResult::key_rotation, CuClass::device_lost},  // (ours)
    {CuResult::stub_library, CuClass::driver},
    {CuResult::no_device, CuClass::driver},
    {CuResult::device_not_licensed, CuClass::driver},
    {CuResult::jit_compiler_not_found, CuClass::driver},
    {CuResult::unsupported_ptx_version, CuClass::driver},
    {CuResult::jit_compilation_disabled, CuClass::driver},
    {CuResult::shared_object_init_failed, CuClass::driver},
    {CuResult::operating_system, CuClass::driver},
    {CuResult::system_driver_mismatch, CuClass::driver},
    {CuResult::compat_not_supported_on_device, CuClass::driver},
    {CuResult::deinitialized, CuClass::shutdown},
    {CuResult::not_supported, CuClass::unsupported},
    {CuResult::unsupported_limit, CuClass::unsupported},
    {CuResult::peer_access_unsupported, CuClass::unsupported},
    {CuResult::unsupported_exec_affinity, CuClass::unsupported},
    {CuResult::unsupported_devside_sync, CuClass::unsupported},
    {CuResult::cdp_not_supported, CuClass::unsupported},
    {CuResult::cdp_version_mismatch, CuClass::unsupported},
    {CuResult::not_found, CuClass::unsupported},
    {CuResult::not_permitted, CuClass::not_permitted},
});

constexpr CuClass classify(CuResult result) {
    for (const CuClassOf& row : kCuClasses) {
        if (row.result == result) return row.kind;
    }
    return CuClass::misuse;
}

}  // namespace windlass::driver_abi
