// Functions of libnvidia-ml.so.1, under pinned names. Only the first six exist in every driver that
// is still used; of the others a reader tries the newest first and does without what is missing.
#pragma once

#include "driver_abi/nvml_types.h"
#include "driver_abi/symbol.h"

namespace windlass::driver_abi {

template <class... Arguments>
using Nvml = Symbol<NvmlReturn(Arguments...)>;
template <class T>
using NvmlOf = Nvml<NvmlDevice, T*>;

inline constexpr Nvml<> nvmlInit_v2{"nvmlInit_v2"};
inline constexpr Nvml<> nvmlShutdown{"nvmlShutdown"};
inline constexpr Symbol<const char*(NvmlReturn)> nvmlErrorString{"nvmlErrorString"};
inline constexpr Nvml<unsigned*> nvmlDeviceGetCount_v2{"nvmlDeviceGetCount_v2"};
inline constexpr Nvml<unsigned, NvmlDevice*> nvmlDeviceGetHandleByIndex_v2{
    "nvmlDeviceGetHandleByIndex_v2"};
inline constexpr Nvml<NvmlDevice, char*, unsigned> nvmlDeviceGetUUID{"nvmlDeviceGetUUID"};

inline constexpr Nvml<unsigned> nvmlInitWithFlags{"nvmlInitWithFlags"};
inline constexpr Nvml<char*, unsigned> nvmlSystemGetDriverVersion{"nvmlSystemGetDriverVersion"};
inline constexpr Nvml<char*, unsigned> nvmlSystemGetNVMLVersion{"nvmlSystemGetNVMLVersion"};
inline constexpr Nvml<int*> nvmlSystemGetCudaDriverVersion_v2{"nvmlSystemGetCudaDriverVersion_v2"};
inline constexpr Nvml<const char*, NvmlDevice*> nvmlDeviceGetHandleByUUID{
    "nvmlDeviceGetHandleByUUID"};
inline constexpr Nvml<const char*, NvmlDevice*> nvmlDeviceGetHandleByPciBusId_v2{
    "nvmlDeviceGetHandleByPciBusId_v2"};
inline constexpr NvmlOf<unsigned> nvmlDeviceGetIndex{"nvmlDeviceGetIndex"};
inline constexpr Nvml<NvmlDevice, char*, unsigned> nvmlDeviceGetName{"nvmlDeviceGetName"};
inline constexpr NvmlOf<NvmlPciInfo> nvmlDeviceGetPciInfo_v3{"nvmlDeviceGetPciInfo_v3"};
inline constexpr NvmlOf<unsigned> nvmlDeviceGetMinorNumber{"nvmlDeviceGetMinorNumber"};
inline constexpr Nvml<NvmlDevice, int*, int*> nvmlDeviceGetCudaComputeCapability{
    "nvmlDeviceGetCudaComputeCapability"};
inline constexpr NvmlOf<NvmlMemory> nvmlDeviceGetMemoryInfo{"nvmlDeviceGetMemoryInfo"};
inline constexpr NvmlOf<NvmlMemoryV2> nvmlDeviceGetMemoryInfo_v2{"nvmlDeviceGetMemoryInfo_v2"};
inline constexpr NvmlOf<NvmlBar1Memory> nvmlDeviceGetBAR1MemoryInfo{"nvmlDeviceGetBAR1MemoryInfo"};
inline constexpr NvmlOf<NvmlUtilization> nvmlDeviceGetUtilizationRates{
    "nvmlDeviceGetUtilizationRates"};
inline constexpr NvmlOf<unsigned> nvmlDeviceGetCurrPcieLinkGeneration{
    "nvmlDeviceGetCurrPcieLinkGeneration"};
inline constexpr NvmlOf<unsigned> nvmlDeviceGetCurrPcieLinkWidth{"nvmlDeviceGetCurrPcieLinkWidth"};
inline constexpr NvmlOf<int> nvmlDeviceGetPersistenceMode{"nvmlDeviceGetPersistenceMode"};
inline constexpr NvmlOf<int> nvmlDeviceGetComputeMode{"nvmlDeviceGetComputeMode"};
inline constexpr Nvml<NvmlDevice, unsigned*, unsigned*> nvmlDeviceGetMigMode{
    "nvmlDeviceGetMigMode"};
inline constexpr NvmlOf<unsigned> nvmlDeviceGetMaxMigDeviceCount{"nvmlDeviceGetMaxMigDeviceCount"};
inline constexpr Nvml<NvmlDevice, int, NvmlFieldValue*> nvmlDeviceGetFieldValues{
    "nvmlDeviceGetFieldValues"};

// The count is the room in elements on the way in, what there is on the way out.
template <class Process>
using NvmlProcesses = Nvml<NvmlDevice, unsigned*, Process*>;
inline constexpr NvmlProcesses<NvmlProcess> nvmlDeviceGetComputeRunningProcesses_v3{
    "nvmlDeviceGetComputeRunningProcesses_v3"};
inline constexpr NvmlProcesses<NvmlProcess> nvmlDeviceGetComputeRunningProcesses_v2{
    "nvmlDeviceGetComputeRunningProcesses_v2"};
inline constexpr NvmlProcesses<NvmlProcessV1> nvmlDeviceGetComputeRunningProcesses{
    "nvmlDeviceGetComputeRunningProcesses"};
inline constexpr NvmlProcesses<NvmlProcess> nvmlDeviceGetGraphicsRunningProcesses_v3{
    "nvmlDeviceGetGraphicsRunningProcesses_v3"};
inline constexpr NvmlProcesses<NvmlProcess> nvmlDeviceGetGraphicsRunningProcesses_v2{
    "nvmlDeviceGetGraphicsRunningProcesses_v2"};
inline constexpr NvmlProcesses<NvmlProcessV1> nvmlDeviceGetGraphicsRunningProcesses{
    "nvmlDeviceGetGraphicsRunningProcesses"};
inline constexpr NvmlProcesses<NvmlProcess> nvmlDeviceGetMPSComputeRunningProcesses_v3{
    "nvmlDeviceGetMPSComputeRunningProcesses_v3"};
inline constexpr NvmlProcesses<NvmlProcess> nvmlDeviceGetMPSComputeRunningProcesses_v2{
    "nvmlDeviceGetMPSComputeRunningProcesses_v2"};
inline constexpr NvmlProcesses<NvmlProcessV1> nvmlDeviceGetMPSComputeRunningProcesses{
    "nvmlDeviceGetMPSComputeRunningProcesses"};
inline constexpr Nvml<NvmlDevice, NvmlProcessUtilization*, unsigned*, unsigned long long>
    nvmlDeviceGetProcessUtilization{"nvmlDeviceGetProcessUtilization"};

inline constexpr Nvml<NvmlEventSet*> nvmlEventSetCreate{"nvmlEventSetCreate"};
inline constexpr Nvml<NvmlDevice, unsigned long long*> nvmlDeviceGetSupportedEventTypes{
    "nvmlDeviceGetSupportedEventTypes"};
inline constexpr Nvml<NvmlDevice, unsigned long long, NvmlEventSet> nvmlDeviceRegisterEvents{
    "nvmlDeviceRegisterEvents"};
inline constexpr Nvml<NvmlEventSet, NvmlEventData*, unsigned> nvmlEventSetWait_v2{
    "nvmlEventSetWait_v2"};
inline constexpr Nvml<NvmlEventSet> nvmlEventSetFree{"nvmlEventSetFree"};

}  // namespace windlass::driver_abi
