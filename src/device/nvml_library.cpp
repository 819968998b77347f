// Loading NVML, and its questions but for lists of processes.
#include "device/nvml_library.h"

#include <dlfcn.h>
#include <fmt/core.h>

#include <array>
#include <cstdlib>
#include <cstring>

namespace windlass::device {
namespace {

using base::Errc;
using driver_abi::NvmlClass;

constexpr const char* kSoname = "libnvidia-ml.so.1";
// Texts of NVML fit 96 bytes (NVML_DEVICE_NAME_V2_BUFFER_SIZE, NVML_DEVICE_UUID_V2_BUFFER_SIZE of
// nvml.h 12.9).
using TextBuffer = std::array<char, 128>;

// Without these nothing can be asked; every NVML since 2012 has them.
constexpr std::array kRequired = {
    driver_abi::nvmlInit_v2.name,       driver_abi::nvmlShutdown.name,
    driver_abi::nvmlErrorString.name,   driver_abi::nvmlDeviceGetCount_v2.name,
    driver_abi::nvmlDeviceGetUUID.name, driver_abi::nvmlDeviceGetHandleByIndex_v2.name,
};

std::string library_name() {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): a driver host has one thread
    const char* const named = std::getenv("WINDLASS_NVML_LIBRARY");
    return named != nullptr && *named != '\0' ? named : kSoname;
}

NvmlLibrary::Refusal not_opened(const std::string& name, const std::string& why) {
    // The loader tells no code. This text of glibc's is not translated as long as nobody calls
    // setlocale().
    const bool is_absent = why.contains("No such file or directory") && why.starts_with(name);
    if (is_absent) {
        return {.state = Driver::State::absent,
                .message = fmt::format("{} is not installed: no NVIDIA driver", name)};
    }
    return {.state = Driver::State::broken,
            .message = fmt::format("{} cannot be loaded: {}; reinstall the driver", name, why)};
}

// What stands in `buffer`, which may lack its zero.
std::string text_in(const TextBuffer& buffer) {
    return {buffer.data(), ::strnlen(buffer.data(), buffer.size())};
}

}  // namespace

std::expected<std::unique_ptr<NvmlLibrary>, NvmlLibrary::Refusal> NvmlLibrary::open() {
    const std::string name = library_name();
    void* const handle = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
        const char* const why = ::dlerror();  // NOLINT(concurrency-mt-unsafe): one thread
        return std::unexpected(not_opened(name, why == nullptr ? "no reason given" : why));
    }
    std::unique_ptr<NvmlLibrary> library{new NvmlLibrary{handle}};
    for (const char* const required : kRequired) {
        if (library->find(required) != nullptr) continue;
        return std::unexpected(
            Refusal{.state = Driver::State::broken,
                    .message = fmt::format("{} lacks {}; reinstall the driver", name, required)});
    }
    const NvmlReturn result = library->renew();
    if (result == NvmlReturn::success) return library;
    const bool is_absent = classify(result) == NvmlClass::no_driver;
    return std::unexpected(
        Refusal{.state = is_absent ? Driver::State::absent : Driver::State::broken,
                .message = library->to_error(result, "initialising NVML").message});
}

NvmlLibrary::~NvmlLibrary() {
    if (is_initialised_) call(driver_abi::nvmlShutdown);
    ::dlclose(handle_);
}

NvmlReturn NvmlLibrary::renew() {
    if (is_initialised_) call(driver_abi::nvmlShutdown);
    const NvmlReturn result = call(driver_abi::nvmlInit_v2);
    is_initialised_ = result == NvmlReturn::success;
    return result;
}

void* NvmlLibrary::find(const char* symbol) const { return ::dlsym(handle_, symbol); }

std::string NvmlLibrary::describe(NvmlReturn result) const {
    using Text = const char*(NvmlReturn);
    auto* const text = reinterpret_cast<Text*>(find(driver_abi::nvmlErrorString.name));
    const char* const words = text == nullptr ? nullptr : text(result);
    return fmt::format("{} ({})", words == nullptr ? "unknown error" : words,
                       std::to_underlying(result));
}

base::Error NvmlLibrary::to_error(NvmlReturn result, const std::string& doing) const {
    const auto error = [&](Errc code, const char* what_to_do) {
        return base::fail(code, fmt::format("{}: {}{}", doing, describe(result), what_to_do));
    };
    switch (classify(result)) {
        case NvmlClass::device_lost:
            return error(Errc::device_lost, "; drain the machine and reset or replace the GPU");
        case NvmlClass::no_driver: return error(Errc::driver_missing, "; no NVIDIA driver runs");
        case NvmlClass::driver_mismatch:
            return error(Errc::driver_missing,
                         "; the driver was upgraded while its old kernel module runs: reload the "
                         "module or restart the machine");
        case NvmlClass::blocked:
            return error(Errc::permission_denied,
                         "; in a container the devices may have been taken from it: start it anew");
        case NvmlClass::unsupported:
        case NvmlClass::other_version:
            return error(Errc::unsupported, "; this driver or GPU does not tell it");
        case NvmlClass::ok:
        case NvmlClass::too_small:
        case NvmlClass::nothing_happened:
        case NvmlClass::misuse: break;
    }
    return error(Errc::internal, "");
}

std::optional<std::string> NvmlLibrary::driver_version() const {
    TextBuffer buffer = {};
    const auto result = call(driver_abi::nvmlSystemGetDriverVersion, buffer.data(), buffer.size());
    return result == NvmlReturn::success ? std::optional{text_in(buffer)} : std::nullopt;
}

std::optional<std::string> NvmlLibrary::cuda_version() const {
    int version = 0;  // 13010 is 13.1
    const auto result = call(driver_abi::nvmlSystemGetCudaDriverVersion_v2, &version);
    if (result != NvmlReturn::success || version <= 0) return std::nullopt;
    return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

std::optional<std::string> NvmlLibrary::uuid(NvmlDevice device) const {
    TextBuffer buffer = {};
    const auto result = call(driver_abi::nvmlDeviceGetUUID, device, buffer.data(), buffer.size());
    return result == NvmlReturn::success ? std::optional{text_in(buffer)} : std::nullopt;
}

std::optional<std::string> NvmlLibrary::name(NvmlDevice device) const {
    TextBuffer buffer = {};
    const auto result = call(driver_abi::nvmlDeviceGetName, device, buffer.data(), buffer.size());
    return result == NvmlReturn::success ? std::optional{text_in(buffer)} : std::nullopt;
}

std::optional<std::string> NvmlLibrary::bus_id(NvmlDevice device) const {
    driver_abi::NvmlPciInfo place = {};
    if (call(driver_abi::nvmlDeviceGetPciInfo_v3, device, &place) != NvmlReturn::success) {
        return std::nullopt;
    }
    return std::string{place.bus_id, ::strnlen(place.bus_id, sizeof place.bus_id)};
}

std::optional<std::string> NvmlLibrary::compute_capability(NvmlDevice device) const {
    int major = 0;
    int minor = 0;
    const auto result =
        call(driver_abi::nvmlDeviceGetCudaComputeCapability, device, &major, &minor);
    if (result != NvmlReturn::success) return std::nullopt;
    return fmt::format("{}.{}", major, minor);
}

std::optional<std::uint32_t> NvmlLibrary::busy_percent(NvmlDevice device) const {
    driver_abi::NvmlUtilization rates = {};
    const auto result = call(driver_abi::nvmlDeviceGetUtilizationRates, device, &rates);
    if (result != NvmlReturn::success || rates.gpu_percent > 100) return std::nullopt;
    return rates.gpu_percent;
}

bool NvmlLibrary::is_divided(NvmlDevice device) const {
    unsigned current = 0;
    unsigned pending = 0;  // after the next reset
    const auto result = call(driver_abi::nvmlDeviceGetMigMode, device, &current, &pending);
    return result == NvmlReturn::success && current == driver_abi::kNvmlMigEnabled;
}

std::expected<NvmlLibrary::Memory, NvmlReturn> NvmlLibrary::memory(NvmlDevice device) const {
    driver_abi::NvmlMemoryV2 newer = {.version = driver_abi::kNvmlMemoryV2};
    NvmlReturn result = call(driver_abi::nvmlDeviceGetMemoryInfo_v2, device, &newer);
    driver_abi::NvmlMemory memory = {.total = newer.total, .free = newer.free, .used = newer.used};
    if (classify(result) == NvmlClass::other_version) {
        result = call(driver_abi::nvmlDeviceGetMemoryInfo, device, &memory);
    }
    if (result != NvmlReturn::success) return std::unexpected(result);
    if (memory.total == 0) return std::unexpected(NvmlReturn::not_supported);
    return Memory{.total = base::Bytes{memory.total},
                  .free = base::Bytes{std::min(memory.free, memory.total)},
                  .reserved = base::Bytes{std::min(newer.reserved, memory.total)}};
}

}  // namespace windlass::device
