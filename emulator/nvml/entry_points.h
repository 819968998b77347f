// The functions of libnvidia-ml.so.1, declared with the types that src/driver_abi gives them: a
// definition that differs does not compile.
#pragma once

#include "driver_abi/nvml_symbols.h"

namespace windlass::emulator {

extern "C" {
decltype(driver_abi::nvmlInit_v2)::Function nvmlInit_v2;
decltype(driver_abi::nvmlShutdown)::Function nvmlShutdown;
decltype(driver_abi::nvmlErrorString)::Function nvmlErrorString;
decltype(driver_abi::nvmlDeviceGetCount_v2)::Function nvmlDeviceGetCount_v2;
decltype(driver_abi::nvmlDeviceGetHandleByIndex_v2)::Function nvmlDeviceGetHandleByIndex_v2;
decltype(driver_abi::nvmlDeviceGetUUID)::Function nvmlDeviceGetUUID;
decltype(driver_abi::nvmlInitWithFlags)::Function nvmlInitWithFlags;
decltype(driver_abi::nvmlSystemGetDriverVersion)::Function nvmlSystemGetDriverVersion;
decltype(driver_abi::nvmlSystemGetNVMLVersion)::Function nvmlSystemGetNVMLVersion;
decltype(driver_abi::nvmlSystemGetCudaDriverVersion_v2)::Function nvmlSystemGetCudaDriverVersion_v2;
decltype(driver_abi::nvmlDeviceGetHandleByUUID)::Function nvmlDeviceGetHandleByUUID;
decltype(driver_abi::nvmlDeviceGetHandleByPciBusId_v2)::Function nvmlDeviceGetHandleByPciBusId_v2;
decltype(driver_abi::nvmlDeviceGetIndex)::Function nvmlDeviceGetIndex;
decltype(driver_abi::nvmlDeviceGetName)::Function nvmlDeviceGetName;
decltype(driver_abi::nvmlDeviceGetPciInfo_v3)::Function nvmlDeviceGetPciInfo_v3;
decltype(driver_abi::nvmlDeviceGetMinorNumber)::Function nvmlDeviceGetMinorNumber;
decltype(driver_abi::nvmlDeviceGetCudaComputeCapability)::Function
    nvmlDeviceGetCudaComputeCapability;
decltype(driver_abi::nvmlDeviceGetMemoryInfo)::Function nvmlDeviceGetMemoryInfo;
decltype(driver_abi::nvmlDeviceGetMemoryInfo_v2)::Function nvmlDeviceGetMemoryInfo_v2;
decltype(driver_abi::nvmlDeviceGetBAR1MemoryInfo)::Function nvmlDeviceGetBAR1MemoryInfo;
decltype(driver_abi::nvmlDeviceGetUtilizationRates)::Function nvmlDeviceGetUtilizationRates;
decltype(driver_abi::nvmlDeviceGetCurrPcieLinkGeneration)::Function
    nvmlDeviceGetCurrPcieLinkGeneration;
decltype(driver_abi::nvmlDeviceGetCurrPcieLinkWidth)::Function nvmlDeviceGetCurrPcieLinkWidth;
decltype(driver_abi::nvmlDeviceGetPersistenceMode)::Function nvmlDeviceGetPersistenceMode;
decltype(driver_abi::nvmlDeviceGetComputeMode)::Function nvmlDeviceGetComputeMode;
decltype(driver_abi::nvmlDeviceGetMigMode)::Function nvmlDeviceGetMigMode;
decltype(driver_abi::nvmlDeviceGetMaxMigDeviceCount)::Function nvmlDeviceGetMaxMigDeviceCount;
decltype(driver_abi::nvmlDeviceGetFieldValues)::Function nvmlDeviceGetFieldValues;
decltype(driver_abi::nvmlDeviceGetComputeRunningProcesses_v3)::Function
    nvmlDeviceGetComputeRunningProcesses_v3;
decltype(driver_abi::nvmlDeviceGetComputeRunningProcesses_v2)::Function
    nvmlDeviceGetComputeRunningProcesses_v2;
decltype(driver_abi::nvmlDeviceGetComputeRunningProcesses)::Function
    nvmlDeviceGetComputeRunningProcesses;
decltype(driver_abi::nvmlDeviceGetGraphicsRunningProcesses_v3)::Function
    nvmlDeviceGetGraphicsRunningProcesses_v3;
decltype(driver_abi::nvmlDeviceGetMPSComputeRunningProcesses_v3)::Function
    nvmlDeviceGetMPSComputeRunningProcesses_v3;
decltype(driver_abi::nvmlDeviceGetProcessUtilization)::Function nvmlDeviceGetProcessUtilization;
decltype(driver_abi::nvmlEventSetCreate)::Function nvmlEventSetCreate;
decltype(driver_abi::nvmlDeviceGetSupportedEventTypes)::Function nvmlDeviceGetSupportedEventTypes;
decltype(driver_abi::nvmlDeviceRegisterEvents)::Function nvmlDeviceRegisterEvents;
decltype(driver_abi::nvmlEventSetWait_v2)::Function nvmlEventSetWait_v2;
decltype(driver_abi::nvmlEventSetFree)::Function nvmlEventSetFree;
}

}  // namespace windlass::emulator
