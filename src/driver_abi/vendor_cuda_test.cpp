// Compares our declarations with the vendor's cuda.h, where CMake finds one. Verified 2026-11
// against cuda.h 12.9 (CUDA_VERSION 12090) and 13.5, from the packages nvidia-cuda-runtime of PyPI.
#define __CUDA_API_VERSION_INTERNAL  // the older versions of functions, too
#include <cuda.h>
#include <doctest/doctest.h>

#include "driver_abi/cuda_result_names.h"
#include "driver_abi/cuda_vmm_symbols.h"
#include "driver_abi/same_shape.h"

namespace windlass::driver_abi {

namespace {

namespace abi = windlass::driver_abi;

static_assert(stands_for(abi::cuInit, &::cuInit));
static_assert(stands_for(abi::cuDriverGetVersion, &::cuDriverGetVersion));
static_assert(stands_for(abi::cuGetErrorName, &::cuGetErrorName));
static_assert(stands_for(abi::cuGetErrorString, &::cuGetErrorString));
static_assert(stands_for(abi::cuGetProcAddress_v2, &::cuGetProcAddress_v2));
static_assert(stands_for(abi::cuDeviceGetCount, &::cuDeviceGetCount));
static_assert(stands_for(abi::cuDeviceGet, &::cuDeviceGet));
static_assert(stands_for(abi::cuDeviceGetName, &::cuDeviceGetName));
static_assert(stands_for(abi::cuDeviceGetUuid_v2, &::cuDeviceGetUuid_v2));
static_assert(stands_for(abi::cuDeviceTotalMem_v2, &::cuDeviceTotalMem_v2));
static_assert(stands_for(abi::cuDeviceGetAttribute, &::cuDeviceGetAttribute));
static_assert(stands_for(abi::cuDeviceGetPCIBusId, &::cuDeviceGetPCIBusId));
static_assert(stands_for(abi::cuDeviceGetByPCIBusId, &::cuDeviceGetByPCIBusId));
static_assert(stands_for(abi::cuDevicePrimaryCtxRetain, &::cuDevicePrimaryCtxRetain));
static_assert(stands_for(abi::cuDevicePrimaryCtxRelease_v2, &::cuDevicePrimaryCtxRelease_v2));
static_assert(stands_for(abi::cuDevicePrimaryCtxReset_v2, &::cuDevicePrimaryCtxReset_v2));
static_assert(stands_for(abi::cuDevicePrimaryCtxGetState, &::cuDevicePrimaryCtxGetState));
static_assert(stands_for(abi::cuCtxCreate_v2, &::cuCtxCreate_v2));
static_assert(stands_for(abi::cuCtxDestroy_v2, &::cuCtxDestroy_v2));
static_assert(stands_for(abi::cuCtxSetCurrent, &::cuCtxSetCurrent));
static_assert(stands_for(abi::cuCtxGetCurrent, &::cuCtxGetCurrent));
static_assert(stands_for(abi::cuCtxPushCurrent_v2, &::cuCtxPushCurrent_v2));
static_assert(stands_for(abi::cuCtxPopCurrent_v2, &::cuCtxPopCurrent_v2));
static_assert(stands_for(abi::cuCtxGetDevice, &::cuCtxGetDevice));
static_assert(stands_for(abi::cuCtxSynchronize, &::cuCtxSynchronize));
static_assert(stands_for(abi::cuMemGetInfo_v2, &::cuMemGetInfo_v2));
static_assert(stands_for(abi::cuMemAlloc_v2, &::cuMemAlloc_v2));
static_assert(stands_for(abi::cuMemFree_v2, &::cuMemFree_v2));
static_assert(stands_for(abi::cuMemHostAlloc, &::cuMemHostAlloc));
static_assert(stands_for(abi::cuMemFreeHost, &::cuMemFreeHost));
static_assert(stands_for(abi::cuMemHostRegister_v2, &::cuMemHostRegister_v2));
static_assert(stands_for(abi::cuMemHostUnregister, &::cuMemHostUnregister));
static_assert(stands_for(abi::cuMemHostGetDevicePointer_v2, &::cuMemHostGetDevicePointer_v2));
static_assert(stands_for(abi::cuMemGetAddressRange_v2, &::cuMemGetAddressRange_v2));
static_assert(stands_for(abi::cuPointerGetAttribute, &::cuPointerGetAttribute));
static_assert(stands_for(abi::cuMemcpyHtoD_v2, &::cuMemcpyHtoD_v2));
static_assert(stands_for(abi::cuMemcpyDtoH_v2, &::cuMemcpyDtoH_v2));
static_assert(stands_for(abi::cuMemcpyDtoD_v2, &::cuMemcpyDtoD_v2));
static_assert(stands_for(abi::cuMemcpyHtoDAsync_v2, &::cuMemcpyHtoDAsync_v2));
static_assert(stands_for(abi::cuMemcpyDtoHAsync_v2, &::cuMemcpyDtoHAsync_v2));
static_assert(stands_for(abi::cuMemcpyDtoDAsync_v2, &::cuMemcpyDtoDAsync_v2));
static_assert(stands_for(abi::cuMemsetD8_v2, &::cuMemsetD8_v2));
static_assert(stands_for(abi::cuMemsetD8Async, &::cuMemsetD8Async));
static_assert(stands_for(abi::cuMemsetD32_v2, &::cuMemsetD32_v2));
static_assert(stands_for(abi::cuMemsetD2D8_v2, &::cuMemsetD2D8_v2));
static_assert(stands_for(abi::cuStreamCreate, &::cuStreamCreate));
static_assert(stands_for(abi::cuStreamCreateWithPriority, &::cuStreamCreateWithPriority));
static_assert(stands_for(abi::cuStreamDestroy_v2, &::cuStreamDestroy_v2));
static_assert(stands_for(abi::cuStreamSynchronize, &::cuStreamSynchronize));
static_assert(stands_for(abi::cuStreamQuery, &::cuStreamQuery));
static_assert(stands_for(abi::cuStreamWaitEvent, &::cuStreamWaitEvent));
static_assert(stands_for(abi::cuLaunchHostFunc, &::cuLaunchHostFunc));
static_assert(stands_for(abi::cuEventCreate, &::cuEventCreate));
static_assert(stands_for(abi::cuEventDestroy_v2, &::cuEventDestroy_v2));
static_assert(stands_for(abi::cuEventRecord, &::cuEventRecord));
static_assert(stands_for(abi::cuEventQuery, &::cuEventQuery));
static_assert(stands_for(abi::cuEventSynchronize, &::cuEventSynchronize));
static_assert(stands_for(abi::cuEventElapsedTime, &::cuEventElapsedTime));
static_assert(stands_for(abi::cuMemAddressReserve, &::cuMemAddressReserve));
static_assert(stands_for(abi::cuMemAddressFree, &::cuMemAddressFree));
static_assert(stands_for(abi::cuMemCreate, &::cuMemCreate));
static_assert(stands_for(abi::cuMemRelease, &::cuMemRelease));
static_assert(stands_for(abi::cuMemMap, &::cuMemMap));
static_assert(stands_for(abi::cuMemUnmap, &::cuMemUnmap));
static_assert(stands_for(abi::cuMemSetAccess, &::cuMemSetAccess));
static_assert(stands_for(abi::cuMemGetAccess, &::cuMemGetAccess));
static_assert(stands_for(abi::cuMemExportToShareableHandle, &::cuMemExportToShareableHandle));
static_assert(stands_for(abi::cuMemImportFromShareableHandle, &::cuMemImportFromShareableHandle));
static_assert(stands_for(abi::cuMemGetAllocationGranularity, &::cuMemGetAllocationGranularity));
static_assert(stands_for(abi::cuMemGetAllocationPropertiesFromHandle,
                         &::cuMemGetAllocationPropertiesFromHandle));
static_assert(stands_for(abi::cuMemRetainAllocationHandle, &::cuMemRetainAllocationHandle));

static_assert(sizeof(CuUuid) == sizeof(CUuuid));
static_assert(sizeof(CuAllocationProp) == sizeof(CUmemAllocationProp));
static_assert(offsetof(CuAllocationProp, location) == offsetof(CUmemAllocationProp, location));
static_assert(offsetof(CuAllocationProp, win32_handle_metadata) ==
              offsetof(CUmemAllocationProp, win32HandleMetaData));
static_assert(offsetof(CuAllocationProp, compression) == offsetof(CUmemAllocationProp, allocFlags));
static_assert(sizeof(CuAccessDesc) == sizeof(CUmemAccessDesc));
static_assert(offsetof(CuAccessDesc, flags) == offsetof(CUmemAccessDesc, flags));

// One of ours and the vendor's of the same value.
template <class Ours, class Theirs>
consteval bool same(Ours ours, Theirs theirs) {
    return static_cast<long long>(ours) == static_cast<long long>(theirs);
}
static_assert(same(CuDeviceAttribute::max_threads_per_block,
                   CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK));
static_assert(same(CuDeviceAttribute::total_constant_memory,
                   CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY));
static_assert(same(CuDeviceAttribute::warp_size, CU_DEVICE_ATTRIBUTE_WARP_SIZE));
static_assert(same(CuDeviceAttribute::clock_rate, CU_DEVICE_ATTRIBUTE_CLOCK_RATE));
static_assert(same(CuDeviceAttribute::multiprocessor_count,
                   CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT));
static_assert(same(CuDeviceAttribute::integrated, CU_DEVICE_ATTRIBUTE_INTEGRATED));
static_assert(same(CuDeviceAttribute::can_map_host_memory,
                   CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY));
static_assert(same(CuDeviceAttribute::compute_mode, CU_DEVICE_ATTRIBUTE_COMPUTE_MODE));
static_assert(same(CuDeviceAttribute::pci_bus_id, CU_DEVICE_ATTRIBUTE_PCI_BUS_ID));
static_assert(same(CuDeviceAttribute::pci_device_id, CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID));
static_assert(same(CuDeviceAttribute::async_engine_count, CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT));
static_assert(same(CuDeviceAttribute::unified_addressing, CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING));
static_assert(same(CuDeviceAttribute::pci_domain_id, CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID));
static_assert(same(CuDeviceAttribute::compute_capability_major,
                   CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR));
static_assert(same(CuDeviceAttribute::compute_capability_minor,
                   CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR));
static_assert(same(CuDeviceAttribute::managed_memory, CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY));
static_assert(same(CuDeviceAttribute::host_register_supported,
                   CU_DEVICE_ATTRIBUTE_HOST_REGISTER_SUPPORTED));
static_assert(same(CuDeviceAttribute::virtual_memory_management_supported,
                   CU_DEVICE_ATTRIBUTE_VIRTUAL_MEMORY_MANAGEMENT_SUPPORTED));
static_assert(same(CuDeviceAttribute::handle_type_posix_fd_supported,
                   CU_DEVICE_ATTRIBUTE_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED));
static_assert(same(CuPointerAttribute::context, CU_POINTER_ATTRIBUTE_CONTEXT));
static_assert(same(CuPointerAttribute::memory_type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE));
static_assert(same(CuPointerAttribute::is_managed, CU_POINTER_ATTRIBUTE_IS_MANAGED));
static_assert(same(CuPointerAttribute::device_ordinal, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL));
static_assert(same(CuPointerAttribute::range_start, CU_POINTER_ATTRIBUTE_RANGE_START_ADDR));
static_assert(same(CuPointerAttribute::range_size, CU_POINTER_ATTRIBUTE_RANGE_SIZE));
static_assert(same(CuMemoryType::host, CU_MEMORYTYPE_HOST));
static_assert(same(CuMemoryType::device, CU_MEMORYTYPE_DEVICE));
static_assert(same(CuLocationType::device, CU_MEM_LOCATION_TYPE_DEVICE));
static_assert(same(CuLocationType::host_numa, CU_MEM_LOCATION_TYPE_HOST_NUMA));
static_assert(same(CuHandleType::posix_fd, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR));
static_assert(same(CuHandleType::fabric, CU_MEM_HANDLE_TYPE_FABRIC));
static_assert(same(CuAccess::read, CU_MEM_ACCESS_FLAGS_PROT_READ));
static_assert(same(CuAccess::read_write, CU_MEM_ACCESS_FLAGS_PROT_READWRITE));
static_assert(same(CuGranularity::recommended, CU_MEM_ALLOC_GRANULARITY_RECOMMENDED));
static_assert(same(kCuAllocationPinned, CU_MEM_ALLOCATION_TYPE_PINNED));
static_assert(same(kCuHostPortable, CU_MEMHOSTALLOC_PORTABLE));
static_assert(same(kCuStreamNonBlocking, CU_STREAM_NON_BLOCKING));
static_assert(same(kCuEventDisableTiming, CU_EVENT_DISABLE_TIMING));

// The results, by the vendor's names for them.
static_assert(same(CuResult::success, CUDA_SUCCESS));
static_assert(same(CuResult::invalid_value, CUDA_ERROR_INVALID_VALUE));
static_assert(same(CuResult::out_of_memory, CUDA_ERROR_OUT_OF_MEMORY));
static_assert(same(CuResult::not_initialized, CUDA_ERROR_NOT_INITIALIZED));
static_assert(same(CuResult::deinitialized, CUDA_ERROR_DEINITIALIZED));
static_assert(same(CuResult::profiler_disabled, CUDA_ERROR_PROFILER_DISABLED));
static_assert(same(CuResult::profiler_not_initialized, CUDA_ERROR_PROFILER_NOT_INITIALIZED));
static_assert(same(CuResult::profiler_already_started, CUDA_ERROR_PROFILER_ALREADY_STARTED));
static_assert(same(CuResult::profiler_already_stopped, CUDA_ERROR_PROFILER_ALREADY_STOPPED));
static_assert(same(CuResult::stub_library, CUDA_ERROR_STUB_LIBRARY));
static_assert(same(CuResult::device_unavailable, CUDA_ERROR_DEVICE_UNAVAILABLE));
static_assert(same(CuResult::no_device, CUDA_ERROR_NO_DEVICE));
static_assert(same(CuResult::invalid_device, CUDA_ERROR_INVALID_DEVICE));
static_assert(same(CuResult::device_not_licensed, CUDA_ERROR_DEVICE_NOT_LICENSED));
static_assert(same(CuResult::invalid_image, CUDA_ERROR_INVALID_IMAGE));
static_assert(same(CuResult::invalid_context, CUDA_ERROR_INVALID_CONTEXT));
static_assert(same(CuResult::context_already_current, CUDA_ERROR_CONTEXT_ALREADY_CURRENT));
static_assert(same(CuResult::map_failed, CUDA_ERROR_MAP_FAILED));
static_assert(same(CuResult::unmap_failed, CUDA_ERROR_UNMAP_FAILED));
static_assert(same(CuResult::array_is_mapped, CUDA_ERROR_ARRAY_IS_MAPPED));
static_assert(same(CuResult::already_mapped, CUDA_ERROR_ALREADY_MAPPED));
static_assert(same(CuResult::no_binary_for_gpu, CUDA_ERROR_NO_BINARY_FOR_GPU));
static_assert(same(CuResult::already_acquired, CUDA_ERROR_ALREADY_ACQUIRED));
static_assert(same(CuResult::not_mapped, CUDA_ERROR_NOT_MAPPED));
static_assert(same(CuResult::not_mapped_as_array, CUDA_ERROR_NOT_MAPPED_AS_ARRAY));
static_assert(same(CuResult::not_mapped_as_pointer, CUDA_ERROR_NOT_MAPPED_AS_POINTER));
static_assert(same(CuResult::ecc_uncorrectable, CUDA_ERROR_ECC_UNCORRECTABLE));
static_assert(same(CuResult::unsupported_limit, CUDA_ERROR_UNSUPPORTED_LIMIT));
static_assert(same(CuResult::context_already_in_use, CUDA_ERROR_CONTEXT_ALREADY_IN_USE));
static_assert(same(CuResult::peer_access_unsupported, CUDA_ERROR_PEER_ACCESS_UNSUPPORTED));
static_assert(same(CuResult::invalid_ptx, CUDA_ERROR_INVALID_PTX));
static_assert(same(CuResult::invalid_graphics_context, CUDA_ERROR_INVALID_GRAPHICS_CONTEXT));
static_assert(same(CuResult::nvlink_uncorrectable, CUDA_ERROR_NVLINK_UNCORRECTABLE));
static_assert(same(CuResult::jit_compiler_not_found, CUDA_ERROR_JIT_COMPILER_NOT_FOUND));
static_assert(same(CuResult::unsupported_ptx_version, CUDA_ERROR_UNSUPPORTED_PTX_VERSION));
static_assert(same(CuResult::jit_compilation_disabled, CUDA_ERROR_JIT_COMPILATION_DISABLED));
static_assert(same(CuResult::unsupported_exec_affinity, CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY));
static_assert(same(CuResult::unsupported_devside_sync, CUDA_ERROR_UNSUPPORTED_DEVSIDE_SYNC));
static_assert(same(CuResult::contained, CUDA_ERROR_CONTAINED));
static_assert(same(CuResult::invalid_source, CUDA_ERROR_INVALID_SOURCE));
static_assert(same(CuResult::file_not_found, CUDA_ERROR_FILE_NOT_FOUND));
static_assert(same(CuResult::shared_object_symbol_not_found,
                   CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND));
static_assert(same(CuResult::shared_object_init_failed, CUDA_ERROR_SHARED_OBJECT_INIT_FAILED));
static_assert(same(CuResult::operating_system, CUDA_ERROR_OPERATING_SYSTEM));
static_assert(same(CuResult::invalid_handle, CUDA_ERROR_INVALID_HANDLE));
static_assert(same(CuResult::illegal_state, CUDA_ERROR_ILLEGAL_STATE));
static_assert(same(CuResult::lossy_query, CUDA_ERROR_LOSSY_QUERY));
static_assert(same(CuResult::not_found, CUDA_ERROR_NOT_FOUND));
static_assert(same(CuResult::not_ready, CUDA_ERROR_NOT_READY));
static_assert(same(CuResult::illegal_address, CUDA_ERROR_ILLEGAL_ADDRESS));
static_assert(same(CuResult::launch_out_of_resources, CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES));
static_assert(same(CuResult::launch_timeout, CUDA_ERROR_LAUNCH_TIMEOUT));
static_assert(same(CuResult::launch_incompatible_texturing,
                   CUDA_ERROR_LAUNCH_INCOMPATIBLE_TEXTURING));
static_assert(same(CuResult::peer_access_already_enabled, CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED));
static_assert(same(CuResult::peer_access_not_enabled, CUDA_ERROR_PEER_ACCESS_NOT_ENABLED));
static_assert(same(CuResult::primary_context_active, CUDA_ERROR_PRIMARY_CONTEXT_ACTIVE));
static_assert(same(CuResult::context_is_destroyed, CUDA_ERROR_CONTEXT_IS_DESTROYED));
static_assert(same(CuResult::device_assert, CUDA_ERROR_ASSERT));
static_assert(same(CuResult::too_many_peers, CUDA_ERROR_TOO_MANY_PEERS));
static_assert(same(CuResult::host_memory_already_registered,
                   CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED));
static_assert(same(CuResult::host_memory_not_registered, CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED));
static_assert(same(CuResult::hardware_stack_error, CUDA_ERROR_HARDWARE_STACK_ERROR));
static_assert(same(CuResult::illegal_instruction, CUDA_ERROR_ILLEGAL_INSTRUCTION));
static_assert(same(CuResult::misaligned_address, CUDA_ERROR_MISALIGNED_ADDRESS));
static_assert(same(CuResult::invalid_address_space, CUDA_ERROR_INVALID_ADDRESS_SPACE));
static_assert(same(CuResult::invalid_pc, CUDA_ERROR_INVALID_PC));
static_assert(same(CuResult::launch_failed, CUDA_ERROR_LAUNCH_FAILED));
static_assert(same(CuResult::cooperative_launch_too_large,
                   CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE));
static_assert(same(CuResult::tensor_memory_leak, CUDA_ERROR_TENSOR_MEMORY_LEAK));
static_assert(same(CuResult::not_permitted, CUDA_ERROR_NOT_PERMITTED));
static_assert(same(CuResult::not_supported, CUDA_ERROR_NOT_SUPPORTED));
static_assert(same(CuResult::system_not_ready, CUDA_ERROR_SYSTEM_NOT_READY));
static_assert(same(CuResult::system_driver_mismatch, CUDA_ERROR_SYSTEM_DRIVER_MISMATCH));
static_assert(same(CuResult::compat_not_supported_on_device,
                   CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE));
static_assert(same(CuResult::mps_connection_failed, CUDA_ERROR_MPS_CONNECTION_FAILED));
static_assert(same(CuResult::mps_rpc_failure, CUDA_ERROR_MPS_RPC_FAILURE));
static_assert(same(CuResult::mps_server_not_ready, CUDA_ERROR_MPS_SERVER_NOT_READY));
static_assert(same(CuResult::mps_max_clients_reached, CUDA_ERROR_MPS_MAX_CLIENTS_REACHED));
static_assert(same(CuResult::mps_max_connections_reached, CUDA_ERROR_MPS_MAX_CONNECTIONS_REACHED));
static_assert(same(CuResult::mps_client_terminated, CUDA_ERROR_MPS_CLIENT_TERMINATED));
static_assert(same(CuResult::cdp_not_supported, CUDA_ERROR_CDP_NOT_SUPPORTED));
static_assert(same(CuResult::cdp_version_mismatch, CUDA_ERROR_CDP_VERSION_MISMATCH));
static_assert(same(CuResult::stream_capture_unsupported, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED));
static_assert(same(CuResult::stream_capture_invalidated, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED));
static_assert(same(CuResult::stream_capture_merge, CUDA_ERROR_STREAM_CAPTURE_MERGE));
static_assert(same(CuResult::stream_capture_unmatched, CUDA_ERROR_STREAM_CAPTURE_UNMATCHED));
static_assert(same(CuResult::stream_capture_unjoined, CUDA_ERROR_STREAM_CAPTURE_UNJOINED));
static_assert(same(CuResult::stream_capture_isolation, CUDA_ERROR_STREAM_CAPTURE_ISOLATION));
static_assert(same(CuResult::stream_capture_implicit, CUDA_ERROR_STREAM_CAPTURE_IMPLICIT));
static_assert(same(CuResult::captured_event, CUDA_ERROR_CAPTURED_EVENT));
static_assert(same(CuResult::stream_capture_wrong_thread, CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD));
static_assert(same(CuResult::timeout, CUDA_ERROR_TIMEOUT));
static_assert(same(CuResult::graph_exec_update_failure, CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE));
static_assert(same(CuResult::external_device, CUDA_ERROR_EXTERNAL_DEVICE));
static_assert(same(CuResult::invalid_cluster_size, CUDA_ERROR_INVALID_CLUSTER_SIZE));
static_assert(same(CuResult::function_not_loaded, CUDA_ERROR_FUNCTION_NOT_LOADED));
static_assert(same(CuResult::invalid_resource_type, CUDA_ERROR_INVALID_RESOURCE_TYPE));
static_assert(same(CuResult::invalid_resource_configuration,
                   CUDA_ERROR_INVALID_RESOURCE_CONFIGURATION));
static_assert(same(CuResult::key_rotation, CUDA_ERROR_KEY_ROTATION));
static_assert(same(CuResult::unknown, CUDA_ERROR_UNKNOWN));

}  // namespace

TEST_CASE("our declarations of the CUDA driver API are those of cuda.h") {
    MESSAGE("compared at compile time with CUDA_VERSION " << CUDA_VERSION);
    CHECK(kCuResultNames.size() > 90);
}

}  // namespace windlass::driver_abi
