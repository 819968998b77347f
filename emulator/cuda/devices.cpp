// Start, versions, error names, and what the devices are.
#include <fmt/core.h>

#include <array>
#include <charconv>
#include <cstring>
#include <string>
#include <string_view>

#include "driver_abi/cuda_result_names.h"
#include "emulator/cuda/entry_points.h"
#include "emulator/cuda/process.h"

namespace windlass::emulator {

using driver_abi::CuDeviceAttribute;

namespace {

constexpr int kCudaVersion = 13000;

std::string bus_id_of(int device) { return fmt::format("0000:{:02X}:00.0", device + 1); }

CuResult admit_ordinal(CuDevice ordinal) {
    const Process& process = Process::get();
    const CuResult result = process.admit();
    if (result != CuResult::success) return result;
    return process.is_visible(ordinal) ? CuResult::success : CuResult::invalid_device;
}

CuResult give_text(std::string_view text, char* buffer, int size) {
    if (buffer == nullptr || size <= 0) return CuResult::invalid_value;
    const std::size_t length = std::min(text.size(), static_cast<std::size_t>(size) - 1);
    std::memcpy(buffer, text.data(), length);
    buffer[length] = '\0';
    return CuResult::success;
}

// "e0000000-0000-..." to its 16 bytes.
driver_abi::CuUuid parse_uuid(std::string_view text) {
    driver_abi::CuUuid uuid = {};
    std::size_t nibble = 0;
    for (const char c : text) {
        if (c == '-' || nibble >= 32) continue;
        unsigned value = 0;
        std::from_chars(&c, &c + 1, value, 16);
        uuid.bytes[nibble / 2] = static_cast<unsigned char>(uuid.bytes[nibble / 2] << 4U | value);
        ++nibble;
    }
    return uuid;
}

// As of an H100, where that matters to anybody.
int attribute_of(CuDeviceAttribute attribute, int device) {
    switch (attribute) {
        case CuDeviceAttribute::max_threads_per_block: return 1024;
        case CuDeviceAttribute::total_constant_memory: return 65536;
        case CuDeviceAttribute::warp_size: return 32;
        case CuDeviceAttribute::clock_rate: return 1'980'000;
        case CuDeviceAttribute::multiprocessor_count: return 132;
        case CuDeviceAttribute::pci_bus_id: return device + 1;
        case CuDeviceAttribute::async_engine_count: return 2;
        case CuDeviceAttribute::compute_capability_major: return 9;
        case CuDeviceAttribute::can_map_host_memory:
        case CuDeviceAttribute::unified_addressing:
        case CuDeviceAttribute::host_register_supported:
        case CuDeviceAttribute::virtual_memory_management_supported:
        case CuDeviceAttribute::handle_type_posix_fd_supported: return 1;
        case CuDeviceAttribute::integrated:
        case CuDeviceAttribute::compute_mode:
        case CuDeviceAttribute::pci_device_id:
        case CuDeviceAttribute::pci_domain_id:
        case CuDeviceAttribute::compute_capability_minor:
        case CuDeviceAttribute::managed_memory: return 0;
    }
    return 0;
}

}  // namespace

extern "C" {

CuResult cuInit(unsigned flags) {
    return flags == 0 ? Process::get().initialise() : CuResult::invalid_value;
}

CuResult cuDriverGetVersion(int* version) {
    if (version == nullptr) return CuResult::invalid_value;
    *version = kCudaVersion;
    return CuResult::success;
}

CuResult cuGetErrorName(CuResult error, const char** text) {
    if (text == nullptr) return CuResult::invalid_value;
    *text = driver_abi::find_name(error);
    return *text == nullptr ? CuResult::invalid_value : CuResult::success;
}

CuResult cuGetErrorString(CuResult error, const char** text) {
    // The vendor's sentences are not ours to repeat.
    return cuGetErrorName(error, text);
}

CuResult cuDeviceGetCount(int* count) {
    const CuResult result = Process::get().admit();
    if (result != CuResult::success) return result;
    if (count == nullptr) return CuResult::invalid_value;
    *count = Process::get().visible_count();
    return CuResult::success;
}

CuResult cuDeviceGet(CuDevice* device, int ordinal) {
    const CuResult result = admit_ordinal(ordinal);
    if (result != CuResult::success) return result;
    if (device == nullptr) return CuResult::invalid_value;
    *device = ordinal;
    return CuResult::success;
}

CuResult cuDeviceGetName(char* name, int length, CuDevice ordinal) {
    const CuResult result = admit_ordinal(ordinal);
    if (result != CuResult::success) return result;
    Process& process = Process::get();
    return give_text(process.ledger().settings(process.device_of(ordinal)).name, name, length);
}

CuResult cuDeviceGetUuid_v2(driver_abi::CuUuid* uuid, CuDevice ordinal) {
    const CuResult result = admit_ordinal(ordinal);
    if (result != CuResult::success) return result;
    if (uuid == nullptr) return CuResult::invalid_value;
    Process& process = Process::get();
    const std::string_view text = process.ledger().settings(process.device_of(ordinal)).uuid;
    *uuid = parse_uuid(text.substr(4));  // without "GPU-"
    return CuResult::success;
}

CuResult cuDeviceTotalMem_v2(std::size_t* bytes, CuDevice ordinal) {
    const CuResult result = admit_ordinal(ordinal);
    if (result != CuResult::success) return result;
    if (bytes == nullptr) return CuResult::invalid_value;
    Process& process = Process::get();
    const DeviceSettings& settings = process.ledger().settings(process.device_of(ordinal));
    *bytes = settings.capacity_bytes - settings.reserved_bytes;
    return CuResult::success;
}

CuResult cuDeviceGetAttribute(int* value, CuDeviceAttribute attribute, CuDevice ordinal) {
    const CuResult result = admit_ordinal(ordinal);
    if (result != CuResult::success) return result;
    if (value == nullptr) return CuResult::invalid_value;
    *value = attribute_of(attribute, Process::get().device_of(ordinal));
    return CuResult::success;
}

CuResult cuDeviceGetPCIBusId(char* bus_id, int length, CuDevice ordinal) {
    const CuResult result = admit_ordinal(ordinal);
    if (result != CuResult::success) return result;
    return give_text(bus_id_of(Process::get().device_of(ordinal)), bus_id, length);
}

CuResult cuDeviceGetByPCIBusId(CuDevice* device, const char* bus_id) {
    Process& process = Process::get();
    const CuResult result = process.admit();
    if (result != CuResult::success) return result;
    if (device == nullptr || bus_id == nullptr) return CuResult::invalid_value;
    for (CuDevice ordinal = 0; ordinal < process.visible_count(); ++ordinal) {
        if (bus_id_of(process.device_of(ordinal)) != bus_id) continue;
        *device = ordinal;
        return CuResult::success;
    }
    return CuResult::invalid_device;
}

}  // extern "C"

}  // namespace windlass::emulator
