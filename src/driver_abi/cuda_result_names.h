// The vendor's names of the results, as cuGetErrorName gives them and people search for them.
#pragma once

#include <array>
#include <string_view>

#include "driver_abi/cuda_result.h"

namespace windlass::driver_abi {

struct CuResultName {
    CuResult result;
    const char* name;
};

// Sorted by value.
inline constexpr auto kCuResultNames = std::to_array<CuResultName>({
    {CuResult::success, "CUDA_SUCCESS"},
    {CuResult::invalid_value, "CUDA_ERROR_INVALID_VALUE"},
    {CuResult::out_of_memory, "CUDA_ERROR_OUT_OF_MEMORY"},
    {CuResult::not_initialized, "CUDA_ERROR_NOT_INITIALIZED"},
    {CuResult::deinitialized, "CUDA_ERROR_DEINITIALIZED"},
    {CuResult::profiler_disabled, "CUDA_ERROR_PROFILER_DISABLED"},
    {CuResult::profiler_not_initialized, "CUDA_ERROR_PROFILER_NOT_INITIALIZED"},
    {CuResult::profiler_already_started, "CUDA_ERROR_PROFILER_ALREADY_STARTED"},
    {CuResult::profiler_already_stopped, "CUDA_ERROR_PROFILER_ALREADY_STOPPED"},
    {CuResult::stub_library, "CUDA_ERROR_STUB_LIBRARY"},
    {CuResult::device_unavailable, "CUDA_ERROR_DEVICE_UNAVAILABLE"},
    {CuResult::no_device, "CUDA_ERROR_NO_DEVICE"},
    {CuResult::invalid_device, "CUDA_ERROR_INVALID_DEVICE"},
    {CuResult::device_not_licensed, "CUDA_ERROR_DEVICE_NOT_LICENSED"},
    {CuResult::invalid_image, "CUDA_ERROR_INVALID_IMAGE"},
    {CuResult::invalid_context, "CUDA_ERROR_INVALID_CONTEXT"},
    {CuResult::context_already_current, "CUDA_ERROR_CONTEXT_ALREADY_CURRENT"},
    {CuResult::map_failed, "CUDA_ERROR_MAP_FAILED"},
    {CuResult::unmap_failed, "CUDA_ERROR_UNMAP_FAILED"},
    {CuResult::array_is_mapped, "CUDA_ERROR_ARRAY_IS_MAPPED"},
    {CuResult::already_mapped, "CUDA_ERROR_ALREADY_MAPPED"},
    {CuResult::no_binary_for_gpu, "CUDA_ERROR_NO_BINARY_FOR_GPU"},
    {CuResult::already_acquired, "CUDA_ERROR_ALREADY_ACQUIRED"},
    {CuResult::not_mapped, "CUDA_ERROR_NOT_MAPPED"},
    {CuResult::not_mapped_as_array, "CUDA_ERROR_NOT_MAPPED_AS_ARRAY"},
    {CuResult::not_mapped_as_pointer, "CUDA_ERROR_NOT_MAPPED_AS_POINTER"},
    {CuResult::ecc_uncorrectable, "CUDA_ERROR_ECC_UNCORRECTABLE"},
    {CuResult::unsupported_limit, "CUDA_ERROR_UNSUPPORTED_LIMIT"},
    {CuResult::context_already_in_use, "CUDA_ERROR_CONTEXT_ALREADY_IN_USE"},
    {CuResult::peer_access_unsupported, "CUDA_ERROR_PEER_ACCESS_UNSUPPORTED"},
    {CuResult::invalid_ptx, "CUDA_ERROR_INVALID_PTX"},
    {CuResult::invalid_graphics_context, "CUDA_ERROR_INVALID_GRAPHICS_CONTEXT"},
    {CuResult::nvlink_uncorrectable, "CUDA_ERROR_NVLINK_UNCORRECTABLE"},
    {CuResult::jit_compiler_not_found, "CUDA_ERROR_JIT_COMPILER_NOT_FOUND"},
    {CuResult::unsupported_ptx_version, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"},
    {CuResult::jit_compilation_disabled, "CUDA_ERROR_JIT_COMPILATION_DISABLED"},
    {CuResult::unsupported_exec_affinity, "CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY"},
    {CuResult::unsupported_devside_sync, "CUDA_ERROR_UNSUPPORTED_DEVSIDE_SYNC"},
    {CuResult::contained, "CUDA_ERROR_CONTAINED"},
    {CuResult::invalid_source, "CUDA_ERROR_INVALID_SOURCE"},
    {CuResult::file_not_found, "CUDA_ERROR_FILE_NOT_FOUND"},
    {CuResult::shared_object_symbol_not_found, "CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND"},
    {CuResult::shared_object_init_failed, "CUDA_ERROR_SHARED_OBJECT_INIT_FAILED"},
    {CuResult::operating_system, "CUDA_ERROR_OPERATING_SYSTEM"},
    {CuResult::invalid_handle, "CUDA_ERROR_INVALID_HANDLE"},
    {CuResult::illegal_state, "CUDA_ERROR_ILLEGAL_STATE"},
    {CuResult::lossy_query, "CUDA_ERROR_LOSSY_QUERY"},
    {CuResult::not_found, "CUDA_ERROR_NOT_FOUND"},
    {CuResult::not_ready, "CUDA_ERROR_NOT_READY"},
    {CuResult::illegal_address, "CUDA_ERROR_ILLEGAL_ADDRESS"},
    {CuResult::launch_out_of_resources, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"},
    {CuResult::launch_timeout, "CUDA_ERROR_LAUNCH_TIMEOUT"},
    {CuResult::launch_incompatible_texturing, "CUDA_ERROR_LAUNCH_INCOMPATIBLE_TEXTURING"},
    {CuResult::peer_access_already_enabled, "CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED"},
    {CuResult::peer_access_not_enabled, "CUDA_ERROR_PEER_ACCESS_NOT_ENABLED"},
    {CuResult::primary_context_active, "CUDA_ERROR_PRIMARY_CONTEXT_ACTIVE"},
    {CuResult::context_is_destroyed, "CUDA_ERROR_CONTEXT_IS_DESTROYED"},
    {CuResult::device_assert, "CUDA_ERROR_ASSERT"},
    {CuResult::too_many_peers, "CUDA_ERROR_TOO_MANY_PEERS"},
    {CuResult::host_memory_already_registered, "CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED"},
    {CuResult::host_memory_not_registered, "CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED"},
    {CuResult::hardware_stack_error, "CUDA_ERROR_HARDWARE_STACK_ERROR"},
    {CuResult::illegal_instruction, "CUDA_ERROR_ILLEGAL_INSTRUCTION"},
    {CuResult::misaligned_address, "CUDA_ERROR_MISALIGNED_ADDRESS"},
    {CuResult::invalid_address_space, "CUDA_ERROR_INVALID_ADDRESS_SPACE"},
    {CuResult::invalid_pc, "CUDA_ERROR_INVALID_PC"},
    {CuResult::launch_failed, "CUDA_ERROR_LAUNCH_FAILED"},
    {CuResult::cooperative_launch_too_large, "CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE"},
    {CuResult::tensor_memory_leak, "CUDA_ERROR_TENSOR_MEMORY_LEAK"},
    {CuResult::not_permitted, "CUDA_ERROR_NOT_PERMITTED"},
    {CuResult::not_supported, "CUDA_ERROR_NOT_SUPPORTED"},
    {CuResult::system_not_ready, "CUDA_ERROR_SYSTEM_NOT_READY"},
    {CuResult::system_driver_mismatch, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"},
    {CuResult::compat_not_supported_on_device, "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE"},
    {CuResult::mps_connection_failed, "CUDA_ERROR_MPS_CONNECTION_FAILED"},
    {CuResult::mps_rpc_failure, "CUDA_ERROR_MPS_RPC_FAILURE"},
    {CuResult::mps_server_not_ready, "CUDA_ERROR_MPS_SERVER_NOT_READY"},
    {CuResult::mps_max_clients_reached, "CUDA_ERROR_MPS_MAX_CLIENTS_REACHED"},
    {CuResult::mps_max_connections_reached, "CUDA_ERROR_MPS_MAX_CONNECTIONS_REACHED"},
    {CuResult::mps_client_terminated, "CUDA_ERROR_MPS_CLIENT_TERMINATED"},
    {CuResult::cdp_not_supported, "CUDA_ERROR_CDP_NOT_SUPPORTED"},
    {CuResult::cdp_version_mismatch, "CUDA_ERROR_CDP_VERSION_MISMATCH"},
    {CuResult::stream_capture_unsupported, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"},
    {CuResult::stream_capture_invalidated, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"},
    {CuResult::stream_capture_merge, "CUDA_ERROR_STREAM_CAPTURE_MERGE"},
    {CuResult::stream_capture_unmatched, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED"},
    {CuResult::stream_capture_unjoined, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED"},
    {CuResult::stream_capture_isolation, "CUDA_ERROR_STREAM_CAPTURE_ISOLATION"},
    {CuResult::stream_capture_implicit, "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT"},
    {CuResult::captured_event, "CUDA_ERROR_CAPTURED_EVENT"},
    {CuResult::stream_capture_wrong_thread, "CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD"},
    {CuResult::timeout, "CUDA_ERROR_TIMEOUT"},
    {CuResult::graph_exec_update_failure, "CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE"},
    {CuResult::external_device, "CUDA_ERROR_EXTERNAL_DEVICE"},
    {CuResult::invalid_cluster_size, "CUDA_ERROR_INVALID_CLUSTER_SIZE"},
    {CuResult::function_not_loaded, "CUDA_ERROR_FUNCTION_NOT_LOADED"},
    {CuResult::invalid_resource_type, "CUDA_ERROR_INVALID_RESOURCE_TYPE"},
    {CuResult::invalid_resource_configuration, "CUDA_ERROR_INVALID_RESOURCE_CONFIGURATION"},
    {CuResult::key_rotation, "CUDA_ERROR_KEY_ROTATION"},
    {CuResult::unknown, "CUDA_ERROR_UNKNOWN"},
});

// Null for a value that this table does not know.
constexpr const char* find_name(CuResult result) {
    for (const CuResultName& row : kCuResultNames) {
        if (row.result == result) return row.name;
    }
    return nullptr;
}

}  // namespace windlass::driver_abi
