// NVML: what there is, and how it says no.
#include <array>
#include <cstring>
#include <string>

#include "drivers.h"

namespace windlass::conformance {

namespace abi = driver_abi;
using abi::NvmlDevice;
using abi::NvmlReturn;

namespace {

void check_identity(const Drivers& drivers, Report& report, NvmlDevice device) {
    std::array<char, 96> uuid = {};
    report.expect("UUID", drivers.call(abi::nvmlDeviceGetUUID, device, uuid.data(), 96U),
                  NvmlReturn::success);
    report.check("UUID begins with GPU-", std::strncmp(uuid.data(), "GPU-", 4) == 0, uuid.data());
    report.expect("a UUID into 4 bytes",
                  drivers.call(abi::nvmlDeviceGetUUID, device, uuid.data() + 48, 4U),
                  NvmlReturn::insufficient_size);
    NvmlDevice again = nullptr;
    drivers.call(abi::nvmlDeviceGetHandleByUUID, uuid.data(), &again);
    report.check("the UUID leads to the same handle", again == device);
    report.expect("a UUID of nobody",
                  drivers.call(abi::nvmlDeviceGetHandleByUUID,
                               "GPU-00000000-1111-2222-3333-444444444444", &again),
                  NvmlReturn::not_found);
    std::array<char, 96> name = {};
    drivers.call(abi::nvmlDeviceGetName, device, name.data(), 96U);
    report.check("it has a name", name[0] != '\0', name.data());
    abi::NvmlPciInfo pci = {};
    report.expect("PCI address", drivers.call(abi::nvmlDeviceGetPciInfo_v3, device, &pci),
                  NvmlReturn::success);
    drivers.call(abi::nvmlDeviceGetHandleByPciBusId_v2, pci.bus_id, &again);
    report.check("the PCI address leads to the same handle", again == device, pci.bus_id);
}

void check_memory_queries(const Drivers& drivers, Report& report, NvmlDevice device) {
    abi::NvmlMemory first = {};
    report.expect("memory", drivers.call(abi::nvmlDeviceGetMemoryInfo, device, &first),
                  NvmlReturn::success);
    report.check("free + used = total", first.free + first.used == first.total);
    abi::NvmlMemoryV2 second = {.version = 7};
    report.expect("memory, with an unknown version",
                  drivers.call(abi::nvmlDeviceGetMemoryInfo_v2, device, &second),
                  NvmlReturn::argument_version_mismatch);
    second.version = abi::kNvmlMemoryV2;
    report.expect("memory, version 2",
                  drivers.call(abi::nvmlDeviceGetMemoryInfo_v2, device, &second),
                  NvmlReturn::success);
    report.expect("both know the same total", second.total, first.total);
    const bool includes = second.used + second.free == second.total;
    report.answer("used of version 2 includes what is reserved",
                  fmt::format("{} ({} B reserved)", includes ? "yes" : "no", second.reserved));
}

void check_events(const Drivers& drivers, Report& report, NvmlDevice device) {
    abi::NvmlEventSet events = nullptr;
    report.expect("an event set", drivers.call(abi::nvmlEventSetCreate, &events),
                  NvmlReturn::success);
    unsigned long long types = 0;
    drivers.call(abi::nvmlDeviceGetSupportedEventTypes, device, &types);
    report.answer("supported events", fmt::format("{:#x}", types));
    report.expect(
        "registering for an Xid",
        drivers.call(abi::nvmlDeviceRegisterEvents, device, abi::kNvmlEventXid & types, events),
        NvmlReturn::success);
    abi::NvmlEventData event = {};
    report.expect("a wait in which nothing happens",
                  drivers.call(abi::nvmlEventSetWait_v2, events, &event, 10U), NvmlReturn::timeout);
    drivers.call(abi::nvmlEventSetFree, events);
}

}  // namespace

void check_nvml(const Drivers& drivers, Report& report) {
    report.section("NVML");
    unsigned count = 0;
    report.expect("a call before the start", drivers.call(abi::nvmlDeviceGetCount_v2, &count),
                  NvmlReturn::uninitialized);
    report.expect("start", drivers.call(abi::nvmlInit_v2), NvmlReturn::success);
    report.expect("a second start", drivers.call(abi::nvmlInit_v2), NvmlReturn::success);
    report.expect("one end", drivers.call(abi::nvmlShutdown), NvmlReturn::success);
    report.expect("number of devices", drivers.call(abi::nvmlDeviceGetCount_v2, &count),
                  NvmlReturn::success);
    report.check("there is a device", count > 0, fmt::format("{}", count));
    std::array<char, 96> version = {};
    drivers.call(abi::nvmlSystemGetDriverVersion, version.data(), 96U);
    report.answer("driver", version.data());
    NvmlDevice device = nullptr;
    report.expect("a device too many",
                  drivers.call(abi::nvmlDeviceGetHandleByIndex_v2, count, &device),
                  NvmlReturn::invalid_argument);
    report.expect("a handle", drivers.call(abi::nvmlDeviceGetHandleByIndex_v2, 0U, &device),
                  NvmlReturn::success);
    check_identity(drivers, report, device);
    check_memory_queries(drivers, report, device);
    check_events(drivers, report, device);
}

}  // namespace windlass::conformance
