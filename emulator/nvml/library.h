// What the functions of the NVML look-alike share: the node, the handles, and the checks that come
// first in each. All state is the process's; NVML itself may be called from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "emulator/ledger.h"
#include "emulator/nvml/entry_points.h"

namespace windlass::driver_abi {
struct NvmlDeviceSt {
    int index;
};
}  // namespace windlass::driver_abi

namespace windlass::emulator {

using driver_abi::NvmlDevice;
using driver_abi::NvmlEventSet;
using driver_abi::NvmlReturn;

inline constexpr const char* kDriverVersion = "580.95.05";
inline constexpr int kCudaVersion = 13000;

// Null before nvmlInit and after the last nvmlShutdown.
Ledger* nvml_ledger();
NvmlDevice handle_of(int device);

// Static facts are kept by the library; what changes has to be asked of the driver, which can hang.
enum class Asks : std::uint8_t { the_library, the_driver };

// What stands in the way of a question about the device, or success.
NvmlReturn admit(NvmlDevice device, Asks whom);

// Into a buffer of the caller's; insufficient_size when it is too short.
NvmlReturn give_text(std::string_view text, char* buffer, std::size_t size);

}  // namespace windlass::emulator
