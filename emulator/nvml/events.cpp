// Event sets: one Xid at a time, as the fault `xid` says.
#include <mutex>
#include <vector>

#include "emulator/nvml/library.h"
#include "emulator/pace.h"

namespace windlass::driver_abi {
struct NvmlEventSetSt {
    std::mutex mutex;
    std::vector<int> devices;
};
}  // namespace windlass::driver_abi

namespace windlass::emulator {

namespace {

constexpr std::uint64_t kMillisecondNs = 1'000'000;
constexpr std::uint64_t kLookEveryNs = 10 * kMillisecondNs;

// An Xid on one of the devices, or success with no event.
bool take_event(NvmlEventSet set, driver_abi::NvmlEventData& event) {
    const std::scoped_lock lock{set->mutex};
    for (const int device : set->devices) {
        const std::uint64_t xid = nvml_ledger()->take_fault(device, Fault::xid);
        if (xid == 0) continue;
        event = {.device = handle_of(device),
                 .event_type = driver_abi::kNvmlEventXid,
                 .event_data = xid,
                 .gpu_instance_id = driver_abi::kNvmlNoInstance,
                 .compute_instance_id = driver_abi::kNvmlNoInstance};
        return true;
    }
    return false;
}

}  // namespace

extern "C" {

NvmlReturn nvmlEventSetCreate(NvmlEventSet* set) {
    if (nvml_ledger() == nullptr) return NvmlReturn::uninitialized;
    if (set == nullptr) return NvmlReturn::invalid_argument;
    *set = new driver_abi::NvmlEventSetSt;
    return NvmlReturn::success;
}

NvmlReturn nvmlDeviceGetSupportedEventTypes(NvmlDevice device, unsigned long long* types) {
    if (types == nullptr) return NvmlReturn::invalid_argument;
    const NvmlReturn result = admit(device, Asks::the_driver);
    if (result == NvmlReturn::success) *types = driver_abi::kNvmlEventXid;
    return result;
}

NvmlReturn nvmlDeviceRegisterEvents(NvmlDevice device, unsigned long long types, NvmlEventSet set) {
    if (set == nullptr) return NvmlReturn::invalid_argument;
    const NvmlReturn result = admit(device, Asks::the_driver);
    if (result != NvmlReturn::success) return result;
    if ((types & ~driver_abi::kNvmlEventXid) != 0) return NvmlReturn::not_supported;
    const std::scoped_lock lock{set->mutex};
    if (types != 0) set->devices.push_back(device->index);
    return NvmlReturn::success;
}

NvmlReturn nvmlEventSetWait_v2(NvmlEventSet set, driver_abi::NvmlEventData* event,
                               unsigned timeout_ms) {
    if (nvml_ledger() == nullptr) return NvmlReturn::uninitialized;
    if (set == nullptr || event == nullptr) return NvmlReturn::invalid_argument;
    const std::uint64_t end = monotonic_ns() + timeout_ms * kMillisecondNs;
    for (;;) {
        if (take_event(set, *event)) return NvmlReturn::success;
        const std::uint64_t now = monotonic_ns();
        if (now >= end) return NvmlReturn::timeout;
        wait_until_ns(std::min(end, now + kLookEveryNs));
    }
}

NvmlReturn nvmlEventSetFree(NvmlEventSet set) {
    if (set == nullptr) return NvmlReturn::invalid_argument;
    delete set;
    return NvmlReturn::success;
}

}  // extern "C"

}  // namespace windlass::emulator
