// The functions of libcuda.so.1, declared with the types that src/driver_abi gives them: a
// definition that differs does not compile.
#pragma once

#include "driver_abi/cuda_vmm_symbols.h"

namespace windlass::emulator {

extern "C" {
decltype(driver_abi::cuInit)::Function cuInit;
decltype(driver_abi::cuDriverGetVersion)::Function cuDriverGetVersion;
decltype(driver_abi::cuGetErrorName)::Function cuGetErrorName;
decltype(driver_abi::cuGetErrorString)::Function cuGetErrorString;
decltype(driver_abi::cuGetProcAddress_v2)::Function cuGetProcAddress_v2;
decltype(driver_abi::cuDeviceGetCount)::Function cuDeviceGetCount;
decltype(driver_abi::cuDeviceGet)::Function cuDeviceGet;
decltype(driver_abi::cuDeviceGetName)::Function cuDeviceGetName;
decltype(driver_abi::cuDeviceGetUuid_v2)::Function cuDeviceGetUuid_v2;
decltype(driver_abi::cuDeviceTotalMem_v2)::Function cuDeviceTotalMem_v2;
decltype(driver_abi::cuDeviceGetAttribute)::Function cuDeviceGetAttribute;
decltype(driver_abi::cuDeviceGetPCIBusId)::Function cuDeviceGetPCIBusId;
decltype(driver_abi::cuDeviceGetByPCIBusId)::Function cuDeviceGetByPCIBusId;
decltype(driver_abi::cuDevicePrimaryCtxRetain)::Function cuDevicePrimaryCtxRetain;
decltype(driver_abi::cuDevicePrimaryCtxRelease_v2)::Function cuDevicePrimaryCtxRelease_v2;
decltype(driver_abi::cuDevicePrimaryCtxReset_v2)::Function cuDevicePrimaryCtxReset_v2;
decltype(driver_abi::cuDevicePrimaryCtxGetState)::Function cuDevicePrimaryCtxGetState;
decltype(driver_abi::cuCtxCreate_v2)::Function cuCtxCreate_v2;
decltype(driver_abi::cuCtxDestroy_v2)::Function cuCtxDestroy_v2;
decltype(driver_abi::cuCtxSetCurrent)::Function cuCtxSetCurrent;
decltype(driver_abi::cuCtxGetCurrent)::Function cuCtxGetCurrent;
decltype(driver_abi::cuCtxPushCurrent_v2)::Function cuCtxPushCurrent_v2;
decltype(driver_abi::cuCtxPopCurrent_v2)::Function cuCtxPopCurrent_v2;
decltype(driver_abi::cuCtxGetDevice)::Function cuCtxGetDevice;
decltype(driver_abi::cuCtxSynchronize)::Function cuCtxSynchronize;
decltype(driver_abi::cuMemGetInfo_v2)::Function cuMemGetInfo_v2;
decltype(driver_abi::cuMemAlloc_v2)::Function cuMemAlloc_v2;
decltype(driver_abi::cuMemFree_v2)::Function cuMemFree_v2;
decltype(driver_abi::cuMemHostAlloc)::Function cuMemHostAlloc;
decltype(driver_abi::cuMemFreeHost)::Function cuMemFreeHost;
decltype(driver_abi::cuMemHostRegister_v2)::Function cuMemHostRegister_v2;
decltype(driver_abi::cuMemHostUnregister)::Function cuMemHostUnregister;
decltype(driver_abi::cuMemHostGetDevicePointer_v2)::Function cuMemHostGetDevicePointer_v2;
decltype(driver_abi::cuMemGetAddressRange_v2)::Function cuMemGetAddressRange_v2;
decltype(driver_abi::cuPointerGetAttribute)::Function cuPointerGetAttribute;
decltype(driver_abi::cuMemcpyHtoD_v2)::Function cuMemcpyHtoD_v2;
decltype(driver_abi::cuMemcpyDtoH_v2)::Function cuMemcpyDtoH_v2;
decltype(driver_abi::cuMemcpyDtoD_v2)::Function cuMemcpyDtoD_v2;
decltype(driver_abi::cuMemcpyHtoDAsync_v2)::Function cuMemcpyHtoDAsync_v2;
decltype(driver_abi::cuMemcpyDtoHAsync_v2)::Function cuMemcpyDtoHAsync_v2;
decltype(driver_abi::cuMemcpyDtoDAsync_v2)::Function cuMemcpyDtoDAsync_v2;
decltype(driver_abi::cuMemsetD8_v2)::Function cuMemsetD8_v2;
decltype(driver_abi::cuMemsetD8Async)::Function cuMemsetD8Async;
decltype(driver_abi::cuMemsetD32_v2)::Function cuMemsetD32_v2;
decltype(driver_abi::cuMemsetD2D8_v2)::Function cuMemsetD2D8_v2;
decltype(driver_abi::cuStreamCreate)::Function cuStreamCreate;
decltype(driver_abi::cuStreamCreateWithPriority)::Function cuStreamCreateWithPriority;
decltype(driver_abi::cuStreamDestroy_v2)::Function cuStreamDestroy_v2;
decltype(driver_abi::cuStreamSynchronize)::Function cuStreamSynchronize;
decltype(driver_abi::cuStreamQuery)::Function cuStreamQuery;
decltype(driver_abi::cuStreamWaitEvent)::Function cuStreamWaitEvent;
decltype(driver_abi::cuLaunchHostFunc)::Function cuLaunchHostFunc;
decltype(driver_abi::cuEventCreate)::Function cuEventCreate;
decltype(driver_abi::cuEventDestroy_v2)::Function cuEventDestroy_v2;
decltype(driver_abi::cuEventRecord)::Function cuEventRecord;
decltype(driver_abi::cuEventQuery)::Function cuEventQuery;
decltype(driver_abi::cuEventSynchronize)::Function cuEventSynchronize;
decltype(driver_abi::cuEventElapsedTime)::Function cuEventElapsedTime;
decltype(driver_abi::cuMemAddressReserve)::Function cuMemAddressReserve;
decltype(driver_abi::cuMemAddressFree)::Function cuMemAddressFree;
decltype(driver_abi::cuMemCreate)::Function cuMemCreate;
decltype(driver_abi::cuMemRelease)::Function cuMemRelease;
decltype(driver_abi::cuMemMap)::Function cuMemMap;
decltype(driver_abi::cuMemUnmap)::Function cuMemUnmap;
decltype(driver_abi::cuMemSetAccess)::Function cuMemSetAccess;
decltype(driver_abi::cuMemGetAccess)::Function cuMemGetAccess;
decltype(driver_abi::cuMemExportToShareableHandle)::Function cuMemExportToShareableHandle;
decltype(driver_abi::cuMemImportFromShareableHandle)::Function cuMemImportFromShareableHandle;
decltype(driver_abi::cuMemGetAllocationGranularity)::Function cuMemGetAllocationGranularity;
decltype(driver_abi::cuMemGetAllocationPropertiesFromHandle)::Function
    cuMemGetAllocationPropertiesFromHandle;
decltype(driver_abi::cuMemRetainAllocationHandle)::Function cuMemRetainAllocationHandle;
}

}  // namespace windlass::emulator
