// Functions of libcuda.so.1 for virtual memory management: addresses apart from physical memory.
#pragma once

#include "driver_abi/cuda_symbols.h"

namespace windlass::driver_abi {

inline constexpr Cu<CuDevicePtr*, std::size_t, std::size_t, CuDevicePtr, ULongLong>
    cuMemAddressReserve{"cuMemAddressReserve"};
inline constexpr Cu<CuDevicePtr, std::size_t> cuMemAddressFree{"cuMemAddressFree"};
inline constexpr Cu<CuMemoryHandle*, std::size_t, const CuAllocationProp*, ULongLong> cuMemCreate{
    "cuMemCreate"};
inline constexpr Cu<CuMemoryHandle> cuMemRelease{"cuMemRelease"};
inline constexpr Cu<CuDevicePtr, std::size_t, std::size_t, CuMemoryHandle, ULongLong> cuMemMap{
    "cuMemMap"};
inline constexpr Cu<CuDevicePtr, std::size_t> cuMemUnmap{"cuMemUnmap"};
inline constexpr Cu<CuDevicePtr, std::size_t, const CuAccessDesc*, std::size_t> cuMemSetAccess{
    "cuMemSetAccess"};
inline constexpr Cu<ULongLong*, const CuMemoryLocation*, CuDevicePtr> cuMemGetAccess{
    "cuMemGetAccess"};
// The first argument is an int* for CuHandleType::posix_fd.
inline constexpr Cu<void*, CuMemoryHandle, CuHandleType, ULongLong> cuMemExportToShareableHandle{
    "cuMemExportToShareableHandle"};
// The second argument is the descriptor itself, as a pointer, for CuHandleType::posix_fd.
inline constexpr Cu<CuMemoryHandle*, void*, CuHandleType> cuMemImportFromShareableHandle{
    "cuMemImportFromShareableHandle"};
inline constexpr Cu<std::size_t*, const CuAllocationProp*, CuGranularity>
    cuMemGetAllocationGranularity{"cuMemGetAllocationGranularity"};
inline constexpr Cu<CuAllocationProp*, CuMemoryHandle> cuMemGetAllocationPropertiesFromHandle{
    "cuMemGetAllocationPropertiesFromHandle"};
inline constexpr Cu<CuMemoryHandle*, void*> cuMemRetainAllocationHandle{
    "cuMemRetainAllocationHandle"};

}  // namespace windlass::driver_abi
