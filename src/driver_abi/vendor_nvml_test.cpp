// Compares our declarations with the vendor's nvml.h, where CMake finds one. Verified 2026-11
// against nvml.h 12.9, from the package nvidia-nvml-dev-cu12 of PyPI.
#define NVML_NO_UNVERSIONED_FUNC_DEFS  // the oldest versions of functions, too
#include <doctest/doctest.h>
#include <nvml.h>

#include "driver_abi/nvml_symbols.h"
#include "driver_abi/same_shape.h"

namespace windlass::driver_abi {

namespace {

namespace abi = windlass::driver_abi;

static_assert(stands_for(abi::nvmlInit_v2, &::nvmlInit_v2));
static_assert(stands_for(abi::nvmlShutdown, &::nvmlShutdown));
static_assert(stands_for(abi::nvmlErrorString, &::nvmlErrorString));
static_assert(stands_for(abi::nvmlDeviceGetCount_v2, &::nvmlDeviceGetCount_v2));
static_assert(stands_for(abi::nvmlDeviceGetHandleByIndex_v2, &::nvmlDeviceGetHandleByIndex_v2));
static_assert(stands_for(abi::nvmlDeviceGetUUID, &::nvmlDeviceGetUUID));
static_assert(stands_for(abi::nvmlInitWithFlags, &::nvmlInitWithFlags));
static_assert(stands_for(abi::nvmlSystemGetDriverVersion, &::nvmlSystemGetDriverVersion));
static_assert(stands_for(abi::nvmlSystemGetNVMLVersion, &::nvmlSystemGetNVMLVersion));
static_assert(stands_for(abi::nvmlSystemGetCudaDriverVersion_v2,
                         &::nvmlSystemGetCudaDriverVersion_v2));
static_assert(stands_for(abi::nvmlDeviceGetHandleByUUID, &::nvmlDeviceGetHandleByUUID));
static_assert(stands_for(abi::nvmlDeviceGetHandleByPciBusId_v2,
                         &::nvmlDeviceGetHandleByPciBusId_v2));
static_assert(stands_for(abi::nvmlDeviceGetIndex, &::nvmlDeviceGetIndex));
static_assert(stands_for(abi::nvmlDeviceGetName, &::nvmlDeviceGetName));
static_assert(stands_for(abi::nvmlDeviceGetPciInfo_v3, &::nvmlDeviceGetPciInfo_v3));
static_assert(stands_for(abi::nvmlDeviceGetMinorNumber, &::nvmlDeviceGetMinorNumber));
static_assert(stands_for(abi::nvmlDeviceGetCudaComputeCapability,
                         &::nvmlDeviceGetCudaComputeCapability));
static_assert(stands_for(abi::nvmlDeviceGetMemoryInfo, &::nvmlDeviceGetMemoryInfo));
static_assert(stands_for(abi::nvmlDeviceGetMemoryInfo_v2, &::nvmlDeviceGetMemoryInfo_v2));
static_assert(stands_for(abi::nvmlDeviceGetBAR1MemoryInfo, &::nvmlDeviceGetBAR1MemoryInfo));
static_assert(stands_for(abi::nvmlDeviceGetUtilizationRates, &::nvmlDeviceGetUtilizationRates));
static_assert(stands_for(abi::nvmlDeviceGetCurrPcieLinkGeneration,
                         &::nvmlDeviceGetCurrPcieLinkGeneration));
static_assert(stands_for(abi::nvmlDeviceGetCurrPcieLinkWidth, &::nvmlDeviceGetCurrPcieLinkWidth));
static_assert(stands_for(abi::nvmlDeviceGetPersistenceMode, &::nvmlDeviceGetPersistenceMode));
static_assert(stands_for(abi::nvmlDeviceGetComputeMode, &::nvmlDeviceGetComputeMode));
static_assert(stands_for(abi::nvmlDeviceGetMigMode, &::nvmlDeviceGetMigMode));
static_assert(stands_for(abi::nvmlDeviceGetMaxMigDeviceCount, &::nvmlDeviceGetMaxMigDeviceCount));
static_assert(stands_for(abi::nvmlDeviceGetFieldValues, &::nvmlDeviceGetFieldValues));
static_assert(stands_for(abi::nvmlDeviceGetComputeRunningProcesses_v3,
                         &::nvmlDeviceGetComputeRunningProcesses_v3));
static_assert(stands_for(abi::nvmlDeviceGetComputeRunningProcesses_v2,
                         &::nvmlDeviceGetComputeRunningProcesses_v2));
static_assert(stands_for(abi::nvmlDeviceGetComputeRunningProcesses,
                         &::nvmlDeviceGetComputeRunningProcesses));
static_assert(stands_for(abi::nvmlDeviceGetGraphicsRunningProcesses_v3,
                         &::nvmlDeviceGetGraphicsRunningProcesses_v3));
static_assert(stands_for(abi::nvmlDeviceGetGraphicsRunningProcesses_v2,
                         &::nvmlDeviceGetGraphicsRunningProcesses_v2));
static_assert(stands_for(abi::nvmlDeviceGetGraphicsRunningProcesses,
                         &::nvmlDeviceGetGraphicsRunningProcesses));
static_assert(stands_for(abi::nvmlDeviceGetMPSComputeRunningProcesses_v3,
                         &::nvmlDeviceGetMPSComputeRunningProcesses_v3));
static_assert(stands_for(abi::nvmlDeviceGetMPSComputeRunningProcesses_v2,
                         &::nvmlDeviceGetMPSComputeRunningProcesses_v2));
static_assert(stands_for(abi::nvmlDeviceGetMPSComputeRunningProcesses,
                         &::nvmlDeviceGetMPSComputeRunningProcesses));
static_assert(stands_for(abi::nvmlDeviceGetProcessUtilization, &::nvmlDeviceGetProcessUtilization));
static_assert(stands_for(abi::nvmlEventSetCreate, &::nvmlEventSetCreate));
static_assert(stands_for(abi::nvmlDeviceGetSupportedEventTypes,
                         &::nvmlDeviceGetSupportedEventTypes));
static_assert(stands_for(abi::nvmlDeviceRegisterEvents, &::nvmlDeviceRegisterEvents));
static_assert(stands_for(abi::nvmlEventSetWait_v2, &::nvmlEventSetWait_v2));
static_assert(stands_for(abi::nvmlEventSetFree, &::nvmlEventSetFree));

static_assert(sizeof(NvmlPciInfo) == sizeof(nvmlPciInfo_t));
static_assert(offsetof(NvmlPciInfo, domain) == offsetof(nvmlPciInfo_t, domain));
static_assert(offsetof(NvmlPciInfo, bus_id) == offsetof(nvmlPciInfo_t, busId));
static_assert(sizeof(NvmlMemory) == sizeof(nvmlMemory_t));
static_assert(offsetof(NvmlMemory, used) == offsetof(nvmlMemory_t, used));
static_assert(sizeof(NvmlMemoryV2) == sizeof(nvmlMemory_v2_t));
static_assert(offsetof(NvmlMemoryV2, reserved) == offsetof(nvmlMemory_v2_t, reserved));
static_assert(offsetof(NvmlMemoryV2, free) == offsetof(nvmlMemory_v2_t, free));
static_assert(offsetof(NvmlMemoryV2, used) == offsetof(nvmlMemory_v2_t, used));
static_assert(sizeof(NvmlBar1Memory) == sizeof(nvmlBAR1Memory_t));
static_assert(sizeof(NvmlProcessV1) == sizeof(nvmlProcessInfo_v1_t));
static_assert(offsetof(NvmlProcessV1, used_gpu_memory) ==
              offsetof(nvmlProcessInfo_v1_t, usedGpuMemory));
static_assert(sizeof(NvmlProcess) == sizeof(nvmlProcessInfo_t));
static_assert(offsetof(NvmlProcess, used_gpu_memory) == offsetof(nvmlProcessInfo_t, usedGpuMemory));
static_assert(offsetof(NvmlProcess, gpu_instance_id) == offsetof(nvmlProcessInfo_t, gpuInstanceId));
static_assert(sizeof(NvmlUtilization) == sizeof(nvmlUtilization_t));
static_assert(offsetof(NvmlUtilization, memory_percent) == offsetof(nvmlUtilization_t, memory));
static_assert(sizeof(NvmlProcessUtilization) == sizeof(nvmlProcessUtilizationSample_t));
static_assert(offsetof(NvmlProcessUtilization, timestamp_us) ==
              offsetof(nvmlProcessUtilizationSample_t, timeStamp));
static_assert(offsetof(NvmlProcessUtilization, sm_percent) ==
              offsetof(nvmlProcessUtilizationSample_t, smUtil));
static_assert(offsetof(NvmlProcessUtilization, decoder_percent) ==
              offsetof(nvmlProcessUtilizationSample_t, decUtil));
static_assert(sizeof(NvmlEventData) == sizeof(nvmlEventData_t));
static_assert(offsetof(NvmlEventData, event_type) == offsetof(nvmlEventData_t, eventType));
static_assert(offsetof(NvmlEventData, event_data) == offsetof(nvmlEventData_t, eventData));
static_assert(sizeof(NvmlFieldValue) == sizeof(nvmlFieldValue_t));
static_assert(offsetof(NvmlFieldValue, timestamp_us) == offsetof(nvmlFieldValue_t, timestamp));
static_assert(offsetof(NvmlFieldValue, value_type) == offsetof(nvmlFieldValue_t, valueType));
static_assert(offsetof(NvmlFieldValue, result) == offsetof(nvmlFieldValue_t, nvmlReturn));
static_assert(offsetof(NvmlFieldValue, value) == offsetof(nvmlFieldValue_t, value));

template <class Ours, class Theirs>
consteval bool equals(Ours ours, Theirs theirs) {
    return static_cast<long long>(ours) == static_cast<long long>(theirs);
}
static_assert(equals(kNvmlMemoryV2, nvmlMemory_v2));
static_assert(equals(kNvmlNotAvailable, NVML_VALUE_NOT_AVAILABLE));
static_assert(equals(kNvmlEventXid, nvmlEventTypeXidCriticalError));
static_assert(equals(kNvmlEventDoubleBitEcc, nvmlEventTypeDoubleBitEccError));
static_assert(equals(kNvmlFieldRecoveryAction, NVML_FI_DEV_GET_GPU_RECOVERY_ACTION));
static_assert(equals(NvmlValueType::unsigned_long_long, NVML_VALUE_TYPE_UNSIGNED_LONG_LONG));
static_assert(equals(NvmlValueType::signed_int, NVML_VALUE_TYPE_SIGNED_INT));
static_assert(equals(NvmlReturn::success, NVML_SUCCESS));
static_assert(equals(NvmlReturn::uninitialized, NVML_ERROR_UNINITIALIZED));
static_assert(equals(NvmlReturn::invalid_argument, NVML_ERROR_INVALID_ARGUMENT));
static_assert(equals(NvmlReturn::not_supported, NVML_ERROR_NOT_SUPPORTED));
static_assert(equals(NvmlReturn::no_permission, NVML_ERROR_NO_PERMISSION));
static_assert(equals(NvmlReturn::already_initialized, NVML_ERROR_ALREADY_INITIALIZED));
static_assert(equals(NvmlReturn::not_found, NVML_ERROR_NOT_FOUND));
static_assert(equals(NvmlReturn::insufficient_size, NVML_ERROR_INSUFFICIENT_SIZE));
static_assert(equals(NvmlReturn::insufficient_power, NVML_ERROR_INSUFFICIENT_POWER));
static_assert(equals(NvmlReturn::driver_not_loaded, NVML_ERROR_DRIVER_NOT_LOADED));
static_assert(equals(NvmlReturn::timeout, NVML_ERROR_TIMEOUT));
static_assert(equals(NvmlReturn::irq_issue, NVML_ERROR_IRQ_ISSUE));
static_assert(equals(NvmlReturn::library_not_found, NVML_ERROR_LIBRARY_NOT_FOUND));
static_assert(equals(NvmlReturn::function_not_found, NVML_ERROR_FUNCTION_NOT_FOUND));
static_assert(equals(NvmlReturn::corrupted_inforom, NVML_ERROR_CORRUPTED_INFOROM));
static_assert(equals(NvmlReturn::gpu_is_lost, NVML_ERROR_GPU_IS_LOST));
static_assert(equals(NvmlReturn::reset_required, NVML_ERROR_RESET_REQUIRED));
static_assert(equals(NvmlReturn::operating_system, NVML_ERROR_OPERATING_SYSTEM));
static_assert(equals(NvmlReturn::lib_rm_version_mismatch, NVML_ERROR_LIB_RM_VERSION_MISMATCH));
static_assert(equals(NvmlReturn::in_use, NVML_ERROR_IN_USE));
static_assert(equals(NvmlReturn::memory, NVML_ERROR_MEMORY));
static_assert(equals(NvmlReturn::no_data, NVML_ERROR_NO_DATA));
static_assert(equals(NvmlReturn::vgpu_ecc_not_supported, NVML_ERROR_VGPU_ECC_NOT_SUPPORTED));
static_assert(equals(NvmlReturn::insufficient_resources, NVML_ERROR_INSUFFICIENT_RESOURCES));
static_assert(equals(NvmlReturn::freq_not_supported, NVML_ERROR_FREQ_NOT_SUPPORTED));
static_assert(equals(NvmlReturn::argument_version_mismatch, NVML_ERROR_ARGUMENT_VERSION_MISMATCH));
static_assert(equals(NvmlReturn::deprecated, NVML_ERROR_DEPRECATED));
static_assert(equals(NvmlReturn::not_ready, NVML_ERROR_NOT_READY));
static_assert(equals(NvmlReturn::gpu_not_found, NVML_ERROR_GPU_NOT_FOUND));
static_assert(equals(NvmlReturn::invalid_state, NVML_ERROR_INVALID_STATE));
static_assert(equals(NvmlReturn::unknown, NVML_ERROR_UNKNOWN));

}  // namespace

TEST_CASE("our declarations of NVML are those of nvml.h") {
    MESSAGE("compared at compile time with NVML_API_VERSION " << NVML_API_VERSION);
    CHECK(equals(NvmlReturn::unknown, NVML_ERROR_UNKNOWN));
}

}  // namespace windlass::driver_abi
