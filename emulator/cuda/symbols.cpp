// cuGetProcAddress: the functions by name, whichever version of the API is asked for.
#include <array>
#include <string_view>

#include "emulator/cuda/entry_points.h"

namespace windlass::emulator {

using driver_abi::CuResult;

namespace {

struct Entry {
    std::string_view name;
    void* function;
};

template <class F>
Entry entry(driver_abi::Symbol<F> symbol, F* function) {
    return {symbol.name, reinterpret_cast<void*>(function)};
}

const auto kEntries = std::to_array<Entry>({
    entry(driver_abi::cuInit, cuInit),
    entry(driver_abi::cuDriverGetVersion, cuDriverGetVersion),
    entry(driver_abi::cuGetErrorName, cuGetErrorName),
    entry(driver_abi::cuGetErrorString, cuGetErrorString),
    entry(driver_abi::cuGetProcAddress_v2, cuGetProcAddress_v2),
    entry(driver_abi::cuDeviceGetCount, cuDeviceGetCount),
    entry(driver_abi::cuDeviceGet, cuDeviceGet),
    entry(driver_abi::cuDeviceGetName, cuDeviceGetName),
    entry(driver_abi::cuDeviceGetUuid_v2, cuDeviceGetUuid_v2),
    entry(driver_abi::cuDeviceTotalMem_v2, cuDeviceTotalMem_v2),
    entry(driver_abi::cuDeviceGetAttribute, cuDeviceGetAttribute),
    entry(driver_abi::cuDeviceGetPCIBusId, cuDeviceGetPCIBusId),
    entry(driver_abi::cuDeviceGetByPCIBusId, cuDeviceGetByPCIBusId),
    entry(driver_abi::cuDevicePrimaryCtxRetain, cuDevicePrimaryCtxRetain),
    entry(driver_abi::cuDevicePrimaryCtxRelease_v2, cuDevicePrimaryCtxRelease_v2),
    entry(driver_abi::cuDevicePrimaryCtxReset_v2, cuDevicePrimaryCtxReset_v2),
    entry(driver_abi::cuDevicePrimaryCtxGetState, cuDevicePrimaryCtxGetState),
    entry(driver_abi::cuCtxCreate_v2, cuCtxCreate_v2),
    entry(driver_abi::cuCtxDestroy_v2, cuCtxDestroy_v2),
    entry(driver_abi::cuCtxSetCurrent, cuCtxSetCurrent),
    entry(driver_abi::cuCtxGetCurrent, cuCtxGetCurrent),
    entry(driver_abi::cuCtxPushCurrent_v2, cuCtxPushCurrent_v2),
    entry(driver_abi::cuCtxPopCurrent_v2, cuCtxPopCurrent_v2),
    entry(driver_abi::cuCtxGetDevice, cuCtxGetDevice),
    entry(driver_abi::cuCtxSynchronize, cuCtxSynchronize),
    entry(driver_abi::cuMemGetInfo_v2, cuMemGetInfo_v2),
    entry(driver_abi::cuMemAlloc_v2, cuMemAlloc_v2),
    entry(driver_abi::cuMemFree_v2, cuMemFree_v2),
    entry(driver_abi::cuMemHostAlloc, cuMemHostAlloc),
    entry(driver_abi::cuMemFreeHost, cuMemFreeHost),
    entry(driver_abi::cuMemHostRegister_v2, cuMemHostRegister_v2),
    entry(driver_abi::cuMemHostUnregister, cuMemHostUnregister),
    entry(driver_abi::cuMemHostGetDevicePointer_v2, cuMemHostGetDevicePointer_v2),
    entry(driver_abi::cuMemGetAddressRange_v2, cuMemGetAddressRange_v2),
    entry(driver_abi::cuPointerGetAttribute, cuPointerGetAttribute),
    entry(driver_abi::cuMemcpyHtoD_v2, cuMemcpyHtoD_v2),
    entry(driver_abi::cuMemcpyDtoH_v2, cuMemcpyDtoH_v2),
    entry(driver_abi::cuMemcpyDtoD_v2, cuMemcpyDtoD_v2),
    entry(driver_abi::cuMemcpyHtoDAsync_v2, cuMemcpyHtoDAsync_v2),
    entry(driver_abi::cuMemcpyDtoHAsync_v2, cuMemcpyDtoHAsync_v2),
    entry(driver_abi::cuMemcpyDtoDAsync_v2, cuMemcpyDtoDAsync_v2),
    entry(driver_abi::cuMemsetD8_v2, cuMemsetD8_v2),
    entry(driver_abi::cuMemsetD8Async, cuMemsetD8Async),
    entry(driver_abi::cuMemsetD32_v2, cuMemsetD32_v2),
    entry(driver_abi::cuMemsetD2D8_v2, cuMemsetD2D8_v2),
    entry(driver_abi::cuStreamCreate, cuStreamCreate),
    entry(driver_abi::cuStreamCreateWithPriority, cuStreamCreateWithPriority),
    entry(driver_abi::cuStreamDestroy_v2, cuStreamDestroy_v2),
    entry(driver_abi::cuStreamSynchronize, cuStreamSynchronize),
    entry(driver_abi::cuStreamQuery, cuStreamQuery),
    entry(driver_abi::cuStreamWaitEvent, cuStreamWaitEvent),
    entry(driver_abi::cuLaunchHostFunc, cuLaunchHostFunc),
    entry(driver_abi::cuEventCreate, cuEventCreate),
    entry(driver_abi::cuEventDestroy_v2, cuEventDestroy_v2),
    entry(driver_abi::cuEventRecord, cuEventRecord),
    entry(driver_abi::cuEventQuery, cuEventQuery),
    entry(driver_abi::cuEventSynchronize, cuEventSynchronize),
    entry(driver_abi::cuEventElapsedTime, cuEventElapsedTime),
    entry(driver_abi::cuMemAddressReserve, cuMemAddressReserve),
    entry(driver_abi::cuMemAddressFree, cuMemAddressFree),
    entry(driver_abi::cuMemCreate, cuMemCreate),
    entry(driver_abi::cuMemRelease, cuMemRelease),
    entry(driver_abi::cuMemMap, cuMemMap),
    entry(driver_abi::cuMemUnmap, cuMemUnmap),
    entry(driver_abi::cuMemSetAccess, cuMemSetAccess),
    entry(driver_abi::cuMemGetAccess, cuMemGetAccess),
    entry(driver_abi::cuMemExportToShareableHandle, cuMemExportToShareableHandle),
    entry(driver_abi::cuMemImportFromShareableHandle, cuMemImportFromShareableHandle),
    entry(driver_abi::cuMemGetAllocationGranularity, cuMemGetAllocationGranularity),
    entry(driver_abi::cuMemGetAllocationPropertiesFromHandle,
          cuMemGetAllocationPropertiesFromHandle),
    entry(driver_abi::cuMemRetainAllocationHandle, cuMemRetainAllocationHandle),
});

// "cuMemAlloc" means the newest that there is, "cuMemAlloc_v2".
bool is_meant(std::string_view name, std::string_view asked) {
    if (name == asked) return true;
    return name.size() == asked.size() + 3 && name.starts_with(asked) &&
           name.substr(asked.size(), 2) == "_v";
}

}  // namespace

extern "C" {

CuResult cuGetProcAddress_v2(const char* symbol, void** function, int /*version*/,
                             std::uint64_t /*flags*/, int* status) {
    if (symbol == nullptr || function == nullptr) return CuResult::invalid_value;
    *function = nullptr;
    if (status != nullptr) *status = 1;  // CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND
    for (const Entry& it : kEntries) {
        if (!is_meant(it.name, symbol)) continue;
        *function = it.function;
        if (status != nullptr) *status = 0;
        return CuResult::success;
    }
    return CuResult::not_found;
}

}  // extern "C"

}  // namespace windlass::emulator
