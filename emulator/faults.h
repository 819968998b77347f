// What can be made to go wrong on an emulated device, by name. Each fault has a value; 0 is off.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace windlass::emulator {

enum class Fault : std::uint8_t {
    out_of_memory,          // allocations of at least so many bytes fail
    slow_copy,              // copies take so many times as long
    hang_copy,              // copies never end
    hang_synchronize,       // waits for a stream, an event or the device never end
    hang_free,              // giving memory back never ends
    sticky_error,           // the next copy or wait breaks the process's context with this CUresult
    device_lost,            // CUDA fails for good, NVML says GPU_IS_LOST
    query_hangs,            // NVML calls about the device never return
    query_fails,            // NVML calls about the device return this nvmlReturn_t
    release_late,           // memory of a dead process comes back after so many milliseconds
    release_never,          // memory of a dead process stays until the device is reset
    pids_hidden,            // the lists of processes are empty, as in some containers
    pids_foreign,           // the lists hold pids of another namespace: so much larger
    process_memory_hidden,  // per-process memory reads as "not available"
    late_stranger,          // behind the next list of processes a stranger takes so many bytes
    wide_processes,         // the _v3 lists have elements of 32 bytes, as in 535.43
    driver_mismatch,        // NVML says LIB_RM_VERSION_MISMATCH: the driver was upgraded
    mig,                    // the GPU is divided: lists of its processes want privileges
    xid,                    // an event of this number for each waiting event set
    init_delay,             // cuInit takes so many milliseconds
};

struct FaultName {
    Fault fault;
    std::string_view name;
    std::string_view value;  // what its number means; empty: 1 switches it on
};

// In the order of the enumeration.
inline constexpr auto kFaults = std::to_array<FaultName>({
    {Fault::out_of_memory, "out_of_memory", "bytes"},
    {Fault::slow_copy, "slow_copy", "factor"},
    {Fault::hang_copy, "hang_copy", ""},
    {Fault::hang_synchronize, "hang_synchronize", ""},
    {Fault::hang_free, "hang_free", ""},
    {Fault::sticky_error, "sticky_error", "CUresult"},
    {Fault::device_lost, "device_lost", ""},
    {Fault::query_hangs, "query_hangs", ""},
    {Fault::query_fails, "query_fails", "nvmlReturn_t"},
    {Fault::release_late, "release_late", "milliseconds"},
    {Fault::release_never, "release_never", ""},
    {Fault::pids_hidden, "pids_hidden", ""},
    {Fault::pids_foreign, "pids_foreign", "offset"},
    {Fault::process_memory_hidden, "process_memory_hidden", ""},
    {Fault::late_stranger, "late_stranger", "bytes"},
    {Fault::wide_processes, "wide_processes", ""},
    {Fault::driver_mismatch, "driver_mismatch", ""},
    {Fault::mig, "mig", ""},
    {Fault::xid, "xid", "Xid"},
    {Fault::init_delay, "init_delay", "milliseconds"},
});
inline constexpr std::size_t kFaultCount = kFaults.size();

constexpr std::optional<Fault> find_fault(std::string_view name) {
    for (const FaultName& row : kFaults) {
        if (row.name == name) return row.fault;
    }
    return std::nullopt;
}

}  // namespace windlass::emulator
