// libnvidia-ml.so.1, opened and initialised: its functions, and what its results mean. Every call
// may hang for ever; only driver hosts make them. Thread: the driver host's only one.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "device/device.h"
#include "driver_abi/nvml_symbols.h"

namespace windlass::device {

using driver_abi::NvmlDevice;
using driver_abi::NvmlReturn;

class NvmlLibrary {
  public:
    // Why it cannot be used, and what to do.
    struct Refusal {
        Driver::State state = Driver::State::absent;
        std::string message;
    };
    // Opens the file that WINDLASS_NVML_LIBRARY names, else libnvidia-ml.so.1 where the loader
    // finds it. nvmlInit_v2 initialises no GPU yet (nvml.h 12.9).
    static std::expected<std::unique_ptr<NvmlLibrary>, Refusal> open();
    ~NvmlLibrary();
    NvmlLibrary(const NvmlLibrary&) = delete;
    NvmlLibrary& operator=(const NvmlLibrary&) = delete;

    // Ends and begins again: what came, went or was upgraded since shows only then.
    NvmlReturn renew();

    // Calls it; function_not_found where this library does not have it.
    template <class... Arguments>
    NvmlReturn call(const driver_abi::Symbol<NvmlReturn(Arguments...)>& symbol,
                    std::type_identity_t<Arguments>... arguments) const {
        auto* const function = reinterpret_cast<NvmlReturn (*)(Arguments...)>(find(symbol.name));
        return function == nullptr ? NvmlReturn::function_not_found : function(arguments...);
    }

    // "GPU is lost (15)".
    std::string describe(NvmlReturn result) const;
    // `doing`: "reading the memory of GPU-...".
    base::Error to_error(NvmlReturn result, const std::string& doing) const;

    // None where the driver does not say.
    std::optional<std::string> driver_version() const;
    std::optional<std::string> cuda_version() const;
    std::optional<std::string> uuid(NvmlDevice device) const;
    std::optional<std::string> name(NvmlDevice device) const;
    std::optional<std::string> bus_id(NvmlDevice device) const;
    std::optional<std::string> compute_capability(NvmlDevice device) const;

    std::optional<std::uint32_t> busy_percent(NvmlDevice device) const;

    // Whether MIG is on: what it is said to hold is then that of its instances, each of which is a
    // device of its own, and lists of its processes want privileges.
    bool is_divided(NvmlDevice device) const;

    struct Memory {
        base::Bytes total;
        base::Bytes free;
        base::Bytes reserved;  // by the driver itself; 0 where it does not say
    };
    // not_supported where the GPU has no memory of its own (unified with the host's).
    std::expected<Memory, NvmlReturn> memory(NvmlDevice device) const;

    struct Processes {
        std::vector<Process> list;  // each pid once
        bool is_complete = true;    // every list could be had, and every amount is known
    };
    // Of all kinds: compute, graphics, and clients of MPS.
    std::expected<Processes, NvmlReturn> processes(NvmlDevice device) const;

  private:
    explicit NvmlLibrary(void* handle) : handle_(handle) {}

    void* find(const char* symbol) const;

    void* handle_;
    bool is_initialised_ = false;
};

}  // namespace windlass::device
