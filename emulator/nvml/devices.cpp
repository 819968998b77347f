// Which devices there are, and what they are.
#include <fmt/core.h>

#include <cstring>
#include <string>

#include "emulator/nvml/library.h"

namespace windlass::emulator {

using driver_abi::NvmlPciInfo;

namespace {

std::string bus_id_of(int device) { return fmt::format("00000000:{:02X}:00.0", device + 1); }

NvmlReturn give_handle(int device, NvmlDevice* handle) {
    if (nvml_ledger()->fault(device, Fault::device_lost) != 0) return NvmlReturn::gpu_is_lost;
    *handle = handle_of(device);
    return NvmlReturn::success;
}

// The first device of which `is_meant` is true.
template <class Predicate>
NvmlReturn find_device(NvmlDevice* handle, Predicate is_meant) {
    const Ledger* ledger = nvml_ledger();
    if (ledger == nullptr) return NvmlReturn::uninitialized;
    for (int device = 0; device < ledger->device_count(); ++device) {
        if (is_meant(device)) return give_handle(device, handle);
    }
    return NvmlReturn::not_found;
}

// Answers with a constant, once the device may be asked.
template <class T>
NvmlReturn give(NvmlDevice device, Asks whom, T* target, T value) {
    if (target == nullptr) return NvmlReturn::invalid_argument;
    const NvmlReturn result = admit(device, whom);
    if (result == NvmlReturn::success) *target = value;
    return result;
}

}  // namespace

extern "C" {

NvmlReturn nvmlDeviceGetCount_v2(unsigned* count) {
    if (nvml_ledger() == nullptr) return NvmlReturn::uninitialized;
    if (count == nullptr) return NvmlReturn::invalid_argument;
    *count = static_cast<unsigned>(nvml_ledger()->device_count());
    return NvmlReturn::success;
}

NvmlReturn nvmlDeviceGetHandleByIndex_v2(unsigned index, NvmlDevice* handle) {
    if (nvml_ledger() == nullptr) return NvmlReturn::uninitialized;
    if (handle == nullptr || index >= static_cast<unsigned>(nvml_ledger()->device_count()))
        return NvmlReturn::invalid_argument;
    return give_handle(static_cast<int>(index), handle);
}

NvmlReturn nvmlDeviceGetHandleByUUID(const char* uuid, NvmlDevice* handle) {
    if (uuid == nullptr || handle == nullptr) return NvmlReturn::invalid_argument;
    return find_device(handle, [&](int device) {
        return std::strcmp(nvml_ledger()->settings(device).uuid, uuid) == 0;
    });
}

NvmlReturn nvmlDeviceGetHandleByPciBusId_v2(const char* bus_id, NvmlDevice* handle) {
    if (bus_id == nullptr || handle == nullptr) return NvmlReturn::invalid_argument;
    return find_device(handle, [&](int device) { return bus_id_of(device) == bus_id; });
}

NvmlReturn nvmlDeviceGetIndex(NvmlDevice device, unsigned* index) {
    if (index == nullptr) return NvmlReturn::invalid_argument;
    const NvmlReturn result = admit(device, Asks::the_library);
    if (result == NvmlReturn::success) *index = static_cast<unsigned>(device->index);
    return result;
}

NvmlReturn nvmlDeviceGetUUID(NvmlDevice device, char* uuid, unsigned length) {
    const NvmlReturn result = admit(device, Asks::the_library);
    if (result != NvmlReturn::success) return result;
    return give_text(nvml_ledger()->settings(device->index).uuid, uuid, length);
}

NvmlReturn nvmlDeviceGetName(NvmlDevice device, char* name, unsigned length) {
    const NvmlReturn result = admit(device, Asks::the_library);
    if (result != NvmlReturn::success) return result;
    return give_text(nvml_ledger()->settings(device->index).name, name, length);
}

NvmlReturn nvmlDeviceGetPciInfo_v3(NvmlDevice device, NvmlPciInfo* pci) {
    if (pci == nullptr) return NvmlReturn::invalid_argument;
    const NvmlReturn result = admit(device, Asks::the_library);
    if (result != NvmlReturn::success) return result;
    *pci = {};
    pci->bus = static_cast<std::uint32_t>(device->index) + 1;
    pci->pci_device_id = 0x233010DE;  // an H100's
    const std::string id = bus_id_of(device->index);
    std::memcpy(pci->bus_id, id.c_str(), id.size());
    std::memcpy(pci->bus_id_legacy, id.c_str() + 4, id.size() - 4);
    return NvmlReturn::success;
}

NvmlReturn nvmlDeviceGetMinorNumber(NvmlDevice device, unsigned* minor) {
    return nvmlDeviceGetIndex(device, minor);
}

NvmlReturn nvmlDeviceGetCudaComputeCapability(NvmlDevice device, int* major, int* minor) {
    const NvmlReturn result = give(device, Asks::the_library, major, 9);
    return result == NvmlReturn::success ? give(device, Asks::the_library, minor, 0) : result;
}

NvmlReturn nvmlDeviceGetUtilizationRates(NvmlDevice device, driver_abi::NvmlUtilization* rates) {
    return give(device, Asks::the_driver, rates, driver_abi::NvmlUtilization{});
}

NvmlReturn nvmlDeviceGetCurrPcieLinkGeneration(NvmlDevice device, unsigned* generation) {
    return give(device, Asks::the_driver, generation, 5U);
}

NvmlReturn nvmlDeviceGetCurrPcieLinkWidth(NvmlDevice device, unsigned* width) {
    return give(device, Asks::the_driver, width, 16U);
}

NvmlReturn nvmlDeviceGetPersistenceMode(NvmlDevice device, int* mode) {
    return give(device, Asks::the_driver, mode, 1);
}

NvmlReturn nvmlDeviceGetComputeMode(NvmlDevice device, int* mode) {
    return give(device, Asks::the_driver, mode, 0);
}

NvmlReturn nvmlDeviceGetMigMode(NvmlDevice device, unsigned* current, unsigned* pending) {
    NvmlReturn result = admit(device, Asks::the_driver);
    if (result != NvmlReturn::success) return result;
    const unsigned mode = nvml_ledger()->fault(device->index, Fault::mig) != 0 ? 1 : 0;
    result = give(device, Asks::the_driver, current, mode);
    return result == NvmlReturn::success ? give(device, Asks::the_driver, pending, mode) : result;
}

NvmlReturn nvmlDeviceGetMaxMigDeviceCount(NvmlDevice device, unsigned* count) {
    return give(device, Asks::the_driver, count, 0U);
}

NvmlReturn nvmlDeviceGetFieldValues(NvmlDevice device, int count,
                                    driver_abi::NvmlFieldValue* values) {
    if (count < 0 || values == nullptr) return NvmlReturn::invalid_argument;
    const NvmlReturn result = admit(device, Asks::the_library);
    if (result != NvmlReturn::success) return result;
    const bool lost = nvml_ledger()->fault(device->index, Fault::device_lost) != 0;
    for (int i = 0; i < count; ++i) {
        driver_abi::NvmlFieldValue& field = values[i];
        const bool known = field.field_id == driver_abi::kNvmlFieldRecoveryAction;
        field.result = known ? NvmlReturn::success : NvmlReturn::not_supported;
        field.value_type = driver_abi::NvmlValueType::unsigned_int;
        field.value = lost ? 1 : 0;  // a reset would help
    }
    return NvmlReturn::success;
}

}  // extern "C"

}  // namespace windlass::emulator
