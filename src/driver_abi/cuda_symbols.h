// Functions of libcuda.so.1 for devices, contexts, memory, copies, streams and events, under the
// oldest names that do what is written here (all there since CUDA 11.4).
#pragma once

#include <cstddef>
#include <cstdint>

#include "driver_abi/cuda_types.h"
#include "driver_abi/symbol.h"

namespace windlass::driver_abi {

template <class... Arguments>
using Cu = Symbol<CuResult(Arguments...)>;
using ULongLong = unsigned long long;  // as the vendor spells 64 bits

inline constexpr Cu<unsigned> cuInit{"cuInit"};
inline constexpr Cu<int*> cuDriverGetVersion{"cuDriverGetVersion"};
inline constexpr Cu<CuResult, const char**> cuGetErrorName{"cuGetErrorName"};
inline constexpr Cu<CuResult, const char**> cuGetErrorString{"cuGetErrorString"};
inline constexpr Cu<const char*, void**, int, std::uint64_t, int*> cuGetProcAddress_v2{
    "cuGetProcAddress_v2"};

inline constexpr Cu<int*> cuDeviceGetCount{"cuDeviceGetCount"};
inline constexpr Cu<CuDevice*, int> cuDeviceGet{"cuDeviceGet"};
inline constexpr Cu<char*, int, CuDevice> cuDeviceGetName{"cuDeviceGetName"};
inline constexpr Cu<CuUuid*, CuDevice> cuDeviceGetUuid_v2{"cuDeviceGetUuid_v2"};
inline constexpr Cu<std::size_t*, CuDevice> cuDeviceTotalMem_v2{"cuDeviceTotalMem_v2"};
inline constexpr Cu<int*, CuDeviceAttribute, CuDevice> cuDeviceGetAttribute{"cuDeviceGetAttribute"};
inline constexpr Cu<char*, int, CuDevice> cuDeviceGetPCIBusId{"cuDeviceGetPCIBusId"};
inline constexpr Cu<CuDevice*, const char*> cuDeviceGetByPCIBusId{"cuDeviceGetByPCIBusId"};

inline constexpr Cu<CuContext*, CuDevice> cuDevicePrimaryCtxRetain{"cuDevicePrimaryCtxRetain"};
inline constexpr Cu<CuDevice> cuDevicePrimaryCtxRelease_v2{"cuDevicePrimaryCtxRelease_v2"};
inline constexpr Cu<CuDevice> cuDevicePrimaryCtxReset_v2{"cuDevicePrimaryCtxReset_v2"};
inline constexpr Cu<CuDevice, unsigned*, int*> cuDevicePrimaryCtxGetState{
    "cuDevicePrimaryCtxGetState"};
inline constexpr Cu<CuContext*, unsigned, CuDevice> cuCtxCreate_v2{"cuCtxCreate_v2"};
inline constexpr Cu<CuContext> cuCtxDestroy_v2{"cuCtxDestroy_v2"};
inline constexpr Cu<CuContext> cuCtxSetCurrent{"cuCtxSetCurrent"};
inline constexpr Cu<CuContext*> cuCtxGetCurrent{"cuCtxGetCurrent"};
inline constexpr Cu<CuContext> cuCtxPushCurrent_v2{"cuCtxPushCurrent_v2"};
inline constexpr Cu<CuContext*> cuCtxPopCurrent_v2{"cuCtxPopCurrent_v2"};
inline constexpr Cu<CuDevice*> cuCtxGetDevice{"cuCtxGetDevice"};
inline constexpr Cu<> cuCtxSynchronize{"cuCtxSynchronize"};

inline constexpr Cu<std::size_t*, std::size_t*> cuMemGetInfo_v2{"cuMemGetInfo_v2"};
inline constexpr Cu<CuDevicePtr*, std::size_t> cuMemAlloc_v2{"cuMemAlloc_v2"};
inline constexpr Cu<CuDevicePtr> cuMemFree_v2{"cuMemFree_v2"};
inline constexpr Cu<void**, std::size_t, unsigned> cuMemHostAlloc{"cuMemHostAlloc"};
inline constexpr Cu<void*> cuMemFreeHost{"cuMemFreeHost"};
inline constexpr Cu<void*, std::size_t, unsigned> cuMemHostRegister_v2{"cuMemHostRegister_v2"};
inline constexpr Cu<void*> cuMemHostUnregister{"cuMemHostUnregister"};
inline constexpr Cu<CuDevicePtr*, void*, unsigned> cuMemHostGetDevicePointer_v2{
    "cuMemHostGetDevicePointer_v2"};
inline constexpr Cu<CuDevicePtr*, std::size_t*, CuDevicePtr> cuMemGetAddressRange_v2{
    "cuMemGetAddressRange_v2"};
inline constexpr Cu<void*, CuPointerAttribute, CuDevicePtr> cuPointerGetAttribute{
    "cuPointerGetAttribute"};

inline constexpr Cu<CuDevicePtr, const void*, std::size_t> cuMemcpyHtoD_v2{"cuMemcpyHtoD_v2"};
inline constexpr Cu<void*, CuDevicePtr, std::size_t> cuMemcpyDtoH_v2{"cuMemcpyDtoH_v2"};
inline constexpr Cu<CuDevicePtr, CuDevicePtr, std::size_t> cuMemcpyDtoD_v2{"cuMemcpyDtoD_v2"};
inline constexpr Cu<CuDevicePtr, const void*, std::size_t, CuStream> cuMemcpyHtoDAsync_v2{
    "cuMemcpyHtoDAsync_v2"};
inline constexpr Cu<void*, CuDevicePtr, std::size_t, CuStream> cuMemcpyDtoHAsync_v2{
    "cuMemcpyDtoHAsync_v2"};
inline constexpr Cu<CuDevicePtr, CuDevicePtr, std::size_t, CuStream> cuMemcpyDtoDAsync_v2{
    "cuMemcpyDtoDAsync_v2"};
inline constexpr Cu<CuDevicePtr, unsigned char, std::size_t> cuMemsetD8_v2{"cuMemsetD8_v2"};
inline constexpr Cu<CuDevicePtr, unsigned char, std::size_t, CuStream> cuMemsetD8Async{
    "cuMemsetD8Async"};
inline constexpr Cu<CuDevicePtr, unsigned, std::size_t> cuMemsetD32_v2{"cuMemsetD32_v2"};
// `width` bytes at every `pitch` bytes, `height` times.
inline constexpr Cu<CuDevicePtr, std::size_t, unsigned char, std::size_t, std::size_t>
    cuMemsetD2D8_v2{"cuMemsetD2D8_v2"};

inline constexpr Cu<CuStream*, unsigned> cuStreamCreate{"cuStreamCreate"};
inline constexpr Cu<CuStream*, unsigned, int> cuStreamCreateWithPriority{
    "cuStreamCreateWithPriority"};
inline constexpr Cu<CuStream> cuStreamDestroy_v2{"cuStreamDestroy_v2"};
inline constexpr Cu<CuStream> cuStreamSynchronize{"cuStreamSynchronize"};
inline constexpr Cu<CuStream> cuStreamQuery{"cuStreamQuery"};
inline constexpr Cu<CuStream, CuEvent, unsigned> cuStreamWaitEvent{"cuStreamWaitEvent"};
inline constexpr Cu<CuStream, CuHostFunction, void*> cuLaunchHostFunc{"cuLaunchHostFunc"};
inline constexpr Cu<CuEvent*, unsigned> cuEventCreate{"cuEventCreate"};
inline constexpr Cu<CuEvent> cuEventDestroy_v2{"cuEventDestroy_v2"};
inline constexpr Cu<CuEvent, CuStream> cuEventRecord{"cuEventRecord"};
inline constexpr Cu<CuEvent> cuEventQuery{"cuEventQuery"};
inline constexpr Cu<CuEvent> cuEventSynchronize{"cuEventSynchronize"};
inline constexpr Cu<float*, CuEvent, CuEvent> cuEventElapsedTime{"cuEventElapsedTime"};

}  // namespace windlass::driver_abi
