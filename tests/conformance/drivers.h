// The two driver libraries under test, and the groups of checks.
#pragma once

#include <cstddef>
#include <type_traits>

#include "driver_abi/cuda_vmm_symbols.h"
#include "driver_abi/nvml_symbols.h"
#include "guard/library.h"
#include "report.h"

namespace windlass::conformance {

struct Drivers {
    guard::Library cuda;
    guard::Library nvml;
    std::size_t bytes;  // how much device memory the checks may take
    const char* program;

    template <class... P>
    driver_abi::CuResult call(driver_abi::Cu<P...> symbol, std::type_identity_t<P>... args) const {
        auto* function = cuda.find(symbol);
        return function == nullptr ? driver_abi::CuResult::not_found : function(args...);
    }
    template <class... P>
    driver_abi::NvmlReturn call(driver_abi::Nvml<P...> symbol,
                                std::type_identity_t<P>... args) const {
        auto* function = nvml.find(symbol);
        return function == nullptr ? driver_abi::NvmlReturn::function_not_found : function(args...);
    }

    // Of the first device of the CUDA library, by its UUID.
    driver_abi::NvmlDevice device() const;
    std::uint64_t used_bytes() const;
};

void check_nvml(const Drivers& drivers, Report& report);
void check_start(const Drivers& drivers, Report& report);  // before any other call of CUDA
void check_contexts(const Drivers& drivers, Report& report);
void check_memory(const Drivers& drivers, Report& report);
void check_copies(const Drivers& drivers, Report& report);
void check_streams(const Drivers& drivers, Report& report);
void check_virtual_memory(const Drivers& drivers, Report& report);
void check_processes(const Drivers& drivers, Report& report);

// What a second process does, named by its argument; never returns for "hold".
int play_part(const Drivers& drivers, std::string_view part);

}  // namespace windlass::conformance
