// Start and end of the library, and what it says about the system.
#include "emulator/nvml/library.h"

#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>

namespace windlass::emulator {

namespace {

struct Library {
    std::mutex mutex;
    int users = 0;
    std::unique_ptr<Ledger> ledger;
    std::array<driver_abi::NvmlDeviceSt, kDeviceMax> handles;
};

Library& library() {
    static auto* const it = new Library;  // never destroyed: a thread may still be in a call
    return *it;
}

bool is_mismatched(const Ledger& ledger) {
    for (int device = 0; device < ledger.device_count(); ++device) {
        if (ledger.fault(device, Fault::driver_mismatch) != 0) return true;
    }
    return false;
}

NvmlReturn initialise() {
    Library& it = library();
    const std::scoped_lock lock{it.mutex};
    if (!it.ledger) {
        // NOLINTNEXTLINE(concurrency-mt-unsafe): at the start; nobody sets variables
        const char* folder = std::getenv("WINDLASS_EMULATOR");
        if (folder == nullptr) return NvmlReturn::driver_not_loaded;
        it.ledger = Ledger::open(folder);
        if (!it.ledger) return NvmlReturn::driver_not_loaded;
        for (int device = 0; device < kDeviceMax; ++device)
            it.handles[static_cast<std::size_t>(device)].index = device;
    }
    if (is_mismatched(*it.ledger)) return NvmlReturn::lib_rm_version_mismatch;
    ++it.users;
    return NvmlReturn::success;
}

}  // namespace

Ledger* nvml_ledger() { return library().users > 0 ? library().ledger.get() : nullptr; }

NvmlDevice handle_of(int device) { return &library().handles[static_cast<std::size_t>(device)]; }

NvmlReturn admit(NvmlDevice device, Asks whom) {
    const Ledger* ledger = nvml_ledger();
    if (ledger == nullptr) return NvmlReturn::uninitialized;
    const auto& handles = library().handles;
    if (device < handles.data() || device >= handles.data() + ledger->device_count())
        return NvmlReturn::invalid_argument;
    if (whom == Asks::the_library) return NvmlReturn::success;
    const int index = device->index;
    ledger->wait_while(index, Fault::query_hangs);
    if (is_mismatched(*ledger)) return NvmlReturn::lib_rm_version_mismatch;
    if (ledger->fault(index, Fault::device_lost) != 0) return NvmlReturn::gpu_is_lost;
    return static_cast<NvmlReturn>(ledger->fault(index, Fault::query_fails));
}

NvmlReturn give_text(std::string_view text, char* buffer, std::size_t size) {
    if (buffer == nullptr) return NvmlReturn::invalid_argument;
    if (text.size() >= size) return NvmlReturn::insufficient_size;
    std::memcpy(buffer, text.data(), text.size());
    buffer[text.size()] = '\0';
    return NvmlReturn::success;
}

extern "C" {

NvmlReturn nvmlInit_v2() { return initialise(); }

NvmlReturn nvmlInitWithFlags(unsigned /*flags*/) { return initialise(); }

NvmlReturn nvmlShutdown() {
    const std::scoped_lock lock{library().mutex};
    if (library().users == 0) return NvmlReturn::uninitialized;
    // The ledger stays mapped: another thread may be in a call that hangs.
    --library().users;
    return NvmlReturn::success;
}

const char* nvmlErrorString(NvmlReturn result) {
    switch (result) {
        case NvmlReturn::success: return "Success";
        case NvmlReturn::uninitialized: return "Uninitialized";
        case NvmlReturn::invalid_argument: return "Invalid Argument";
        case NvmlReturn::not_supported: return "Not Supported";
        case NvmlReturn::no_permission: return "Insufficient Permissions";
        case NvmlReturn::not_found: return "Not Found";
        case NvmlReturn::insufficient_size: return "Insufficient Size";
        case NvmlReturn::driver_not_loaded: return "Driver Not Loaded";
        case NvmlReturn::timeout: return "Timeout";
        case NvmlReturn::lib_rm_version_mismatch: return "Driver/library version mismatch";
        case NvmlReturn::gpu_is_lost: return "GPU is lost";
        case NvmlReturn::argument_version_mismatch: return "Argument version mismatch";
        // NOLINTNEXTLINE(clang-diagnostic-switch-enum): the rest is never returned by the emulator
        default: return "Unknown Error";
    }
}

NvmlReturn nvmlSystemGetDriverVersion(char* version, unsigned length) {
    if (nvml_ledger() == nullptr) return NvmlReturn::uninitialized;
    return give_text(kDriverVersion, version, length);
}

NvmlReturn nvmlSystemGetNVMLVersion(char* version, unsigned length) {
    return give_text("13.580.95.05", version, length);
}

NvmlReturn nvmlSystemGetCudaDriverVersion_v2(int* version) {
    if (version == nullptr) return NvmlReturn::invalid_argument;
    *version = kCudaVersion;
    return NvmlReturn::success;
}

}  // extern "C"

}  // namespace windlass::emulator
