// A stand-in for the NVML of an old driver: only the first version of each function, no name, no
// place on the bus, and more processes at every question than there was room for before.
#include <cstring>

#include "driver_abi/nvml_types.h"

namespace windlass::old_nvml {

using driver_abi::NvmlDevice;
using driver_abi::NvmlMemory;
using driver_abi::NvmlProcess;
using driver_abi::NvmlProcessV1;
using driver_abi::NvmlReturn;

namespace {

constexpr unsigned kProcessCount = 200;
int g_device = 0;

NvmlDevice the_device() { return reinterpret_cast<NvmlDevice>(&g_device); }

}  // namespace

extern "C" {

NvmlReturn nvmlInit_v2() { return NvmlReturn::success; }
NvmlReturn nvmlShutdown() { return NvmlReturn::success; }
const char* nvmlErrorString(NvmlReturn) { return "an error of old"; }

NvmlReturn nvmlDeviceGetCount_v2(unsigned* count) {
    *count = 2;
    return NvmlReturn::success;
}

// The second one has fallen off the bus.
NvmlReturn nvmlDeviceGetHandleByIndex_v2(unsigned index, NvmlDevice* device) {
    *device = the_device();
    return index == 0 ? NvmlReturn::success : NvmlReturn::gpu_is_lost;
}

NvmlReturn nvmlDeviceGetHandleByUUID(const char* uuid, NvmlDevice* device) {
    *device = the_device();
    return std::strcmp(uuid, "GPU-old") == 0 ? NvmlReturn::success : NvmlReturn::not_found;
}

NvmlReturn nvmlDeviceGetUUID(NvmlDevice, char* buffer, unsigned size) {
    std::strncpy(buffer, "GPU-old", size);
    return NvmlReturn::success;
}

NvmlReturn nvmlDeviceGetMemoryInfo(NvmlDevice, NvmlMemory* memory) {
    *memory = {.total = 4096, .free = 1024, .used = 2048};  // it reserves the rest
    return NvmlReturn::success;
}

NvmlReturn nvmlDeviceGetComputeRunningProcesses(NvmlDevice, unsigned* count,
                                                NvmlProcessV1* processes) {
    const unsigned room = *count;
    *count = room < kProcessCount ? room + 1 : kProcessCount;
    if (*count > room) return NvmlReturn::insufficient_size;
    for (unsigned index = 0; index < kProcessCount; ++index) {
        processes[index] = {.pid = 5'000'000 + index, .used_gpu_memory = index};
    }
    return NvmlReturn::success;
}

// What draws holds memory, too; one process does both.
NvmlReturn nvmlDeviceGetGraphicsRunningProcesses(NvmlDevice, unsigned* count,
                                                 NvmlProcessV1* processes) {
    *count = 2;
    processes[0] = {.pid = 5'000'000, .used_gpu_memory = 7};
    processes[1] = {.pid = 6'000'000, .used_gpu_memory = 9};
    return NvmlReturn::success;
}

// A newer function that wants to be asked in its older form.
NvmlReturn nvmlDeviceGetComputeRunningProcesses_v2(NvmlDevice, unsigned*, NvmlProcess*) {
    return NvmlReturn::argument_version_mismatch;
}

}  // extern "C"

}  // namespace windlass::old_nvml
