// How full a device is, and who holds its memory.
#include <cstring>

#include "emulator/nvml/library.h"

namespace windlass::emulator {

using driver_abi::NvmlProcess;
using driver_abi::NvmlProcessQuirk;
using driver_abi::NvmlProcessV1;

namespace {

// Does the library's own loop over sizes: too little room gives the number there is.
template <class Element, class Make>
NvmlReturn give_processes(NvmlDevice device, unsigned* count, void* elements, Make make) {
    if (count == nullptr) return NvmlReturn::invalid_argument;
    const NvmlReturn result = admit(device, Asks::the_driver);
    if (result != NvmlReturn::success) return result;
    Ledger& ledger = *nvml_ledger();
    const int index = device->index;
    if (ledger.fault(index, Fault::mig) != 0) return NvmlReturn::no_permission;
    std::vector<Holding> holders = ledger.use(index).holders;
    if (ledger.fault(index, Fault::pids_hidden) != 0) holders.clear();
    const unsigned room = *count;
    *count = static_cast<unsigned>(holders.size());
    if (holders.size() > room) return NvmlReturn::insufficient_size;
    if (!holders.empty() && elements == nullptr) return NvmlReturn::invalid_argument;
    const std::uint64_t offset = ledger.fault(index, Fault::pids_foreign);
    const bool hidden = ledger.fault(index, Fault::process_memory_hidden) != 0;
    auto* place = static_cast<unsigned char*>(elements);
    for (const Holding& holder : holders) {
        const Element element = make(NvmlProcess{
            .pid = static_cast<std::uint32_t>(static_cast<std::uint64_t>(holder.pid) + offset),
            .used_gpu_memory = hidden ? driver_abi::kNvmlNotAvailable : holder.bytes,
            .gpu_instance_id = driver_abi::kNvmlNoInstance,
            .compute_instance_id = driver_abi::kNvmlNoInstance});
        std::memcpy(place, &element, sizeof element);
        place += sizeof element;
    }
    if (const std::uint64_t bytes = ledger.take_fault(index, Fault::late_stranger))
        ledger.set_stranger(index, {.pid = 1, .bytes = bytes});
    return NvmlReturn::success;
}

NvmlReturn give_v2(NvmlDevice device, unsigned* count, NvmlProcess* elements) {
    return give_processes<NvmlProcess>(device, count, elements,
                                       [](const NvmlProcess& process) { return process; });
}

// No process does this kind of work here.
NvmlReturn give_none(NvmlDevice device, unsigned* count) {
    if (count == nullptr) return NvmlReturn::invalid_argument;
    const NvmlReturn result = admit(device, Asks::the_driver);
    if (result == NvmlReturn::success) *count = 0;
    return result;
}

}  // namespace

extern "C" {

NvmlReturn nvmlDeviceGetMemoryInfo(NvmlDevice device, driver_abi::NvmlMemory* memory) {
    if (memory == nullptr) return NvmlReturn::invalid_argument;
    const NvmlReturn result = admit(device, Asks::the_driver);
    if (result != NvmlReturn::success) return result;
    const DeviceUse use = nvml_ledger()->use(device->index);
    *memory = {.total = use.capacity_bytes,
               .free = use.capacity_bytes - use.used_bytes,
               .used = use.used_bytes};
    return NvmlReturn::success;
}

NvmlReturn nvmlDeviceGetMemoryInfo_v2(NvmlDevice device, driver_abi::NvmlMemoryV2* memory) {
    if (memory == nullptr) return NvmlReturn::invalid_argument;
    if (memory->version != driver_abi::kNvmlMemoryV2) return NvmlReturn::argument_version_mismatch;
    const NvmlReturn result = admit(device, Asks::the_driver);
    if (result != NvmlReturn::success) return result;
    const DeviceUse use = nvml_ledger()->use(device->index);
    *memory = {.version = driver_abi::kNvmlMemoryV2,
               .total = use.capacity_bytes,
               .reserved = use.reserved_bytes,
               .free = use.capacity_bytes - use.used_bytes,
               .used = use.used_bytes};
    return NvmlReturn::success;
}

NvmlReturn nvmlDeviceGetBAR1MemoryInfo(NvmlDevice device, driver_abi::NvmlBar1Memory* memory) {
    if (memory == nullptr) return NvmlReturn::invalid_argument;
    const NvmlReturn result = admit(device, Asks::the_driver);
    if (result == NvmlReturn::success) *memory = {.total = 1 << 28, .free = 1 << 28, .used = 0};
    return result;
}

NvmlReturn nvmlDeviceGetComputeRunningProcesses_v3(NvmlDevice device, unsigned* count,
                                                   NvmlProcess* elements) {
    if (admit(device, Asks::the_library) == NvmlReturn::success &&
        nvml_ledger()->fault(device->index, Fault::wide_processes) != 0)
        return give_processes<NvmlProcessQuirk>(
            device, count, elements, [](const NvmlProcess& process) {
                return NvmlProcessQuirk{.process = process, .protected_memory = 0};
            });
    return give_v2(device, count, elements);
}

NvmlReturn nvmlDeviceGetComputeRunningProcesses_v2(NvmlDevice device, unsigned* count,
                                                   NvmlProcess* elements) {
    return give_v2(device, count, elements);
}

NvmlReturn nvmlDeviceGetComputeRunningProcesses(NvmlDevice device, unsigned* count,
                                                NvmlProcessV1* elements) {
    return give_processes<NvmlProcessV1>(device, count, elements, [](const NvmlProcess& process) {
        return NvmlProcessV1{.pid = process.pid, .used_gpu_memory = process.used_gpu_memory};
    });
}

NvmlReturn nvmlDeviceGetGraphicsRunningProcesses_v3(NvmlDevice device, unsigned* count,
                                                    NvmlProcess* /*elements*/) {
    return give_none(device, count);
}

NvmlReturn nvmlDeviceGetMPSComputeRunningProcesses_v3(NvmlDevice device, unsigned* count,
                                                      NvmlProcess* /*elements*/) {
    return give_none(device, count);
}

NvmlReturn nvmlDeviceGetProcessUtilization(NvmlDevice device,
                                           driver_abi::NvmlProcessUtilization* /*samples*/,
                                           unsigned* count, unsigned long long /*since_us*/) {
    const NvmlReturn result = give_none(device, count);
    return result == NvmlReturn::success ? NvmlReturn::not_found : result;  // as when all are idle
}

}  // extern "C"

}  // namespace windlass::emulator
