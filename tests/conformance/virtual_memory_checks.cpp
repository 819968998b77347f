// Virtual memory management.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <string>

#include "drivers.h"

namespace windlass::conformance {

namespace abi = driver_abi;
using abi::CuDevicePtr;
using abi::CuMemoryHandle;
using abi::CuResult;

namespace {

constexpr abi::ULongLong kNone = 0;

abi::CuAllocationProp properties() {
    abi::CuAllocationProp it = {};
    it.type = abi::kCuAllocationPinned;
    it.requested_handle_types = abi::CuHandleType::posix_fd;
    it.location = {.type = abi::CuLocationType::device, .id = 0};
    return it;
}

void check_sharing(const Drivers& drivers, Report& report, CuMemoryHandle handle,
                   std::size_t size) {
    int descriptor = -1;
    report.expect("export",
                  drivers.call(abi::cuMemExportToShareableHandle, &descriptor, handle,
                               abi::CuHandleType::posix_fd, kNone),
                  CuResult::success);
    report.answer("an exported descriptor is closed at exec",
                  (fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0 ? "yes" : "no");
    CuMemoryHandle imported = 0;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): the API wants the number so
    auto* number = reinterpret_cast<void*>(static_cast<std::intptr_t>(descriptor));
    const std::uint64_t before = drivers.used_bytes();
    report.expect("import",
                  drivers.call(abi::cuMemImportFromShareableHandle, &imported, number,
                               abi::CuHandleType::posix_fd),
                  CuResult::success);
    report.check("imported memory costs nothing again", drivers.used_bytes() < before + size);
    close(descriptor);
    report.expect("release of the import", drivers.call(abi::cuMemRelease, imported),
                  CuResult::success);
}

void check_mapping(const Drivers& drivers, Report& report, CuDevicePtr at, std::size_t size,
                   CuMemoryHandle handle) {
    report.expect("a map at an offset",
                  drivers.call(abi::cuMemMap, at, size, std::size_t{4096}, handle, kNone),
                  CuResult::invalid_value);
    report.expect("map", drivers.call(abi::cuMemMap, at, size, std::size_t{0}, handle, kNone),
                  CuResult::success);
    report.expect("a map over a map",
                  drivers.call(abi::cuMemMap, at, size, std::size_t{0}, handle, kNone),
                  CuResult::invalid_value);
    const abi::CuAccessDesc access = {.location = {.type = abi::CuLocationType::device, .id = 0},
                                      .flags = abi::CuAccess::read_write};
    report.expect("access", drivers.call(abi::cuMemSetAccess, at, size, &access, std::size_t{1}),
                  CuResult::success);
    abi::ULongLong flags = 0;
    drivers.call(abi::cuMemGetAccess, &flags, &access.location, at);
    report.expect("what access there is", flags, abi::CuAccess::read_write);
}

}  // namespace

void check_virtual_memory(const Drivers& drivers, Report& report) {
    report.section("CUDA: virtual memory");
    const abi::CuAllocationProp wanted = properties();
    std::size_t granularity = 0;
    drivers.call(abi::cuMemGetAllocationGranularity, &granularity, &wanted,
                 abi::CuGranularity::minimum);
    report.check("granularity", granularity > 0, fmt::format("{}", granularity));
    const std::size_t size = granularity * 4;
    CuDevicePtr at = 0;
    report.expect(
        "addresses",
        drivers.call(abi::cuMemAddressReserve, &at, size, std::size_t{0}, CuDevicePtr{0}, kNone),
        CuResult::success);
    const std::uint64_t before = drivers.used_bytes();
    CuMemoryHandle handle = 0;
    report.expect("memory of half a unit",
                  drivers.call(abi::cuMemCreate, &handle, granularity / 2, &wanted, kNone),
                  CuResult::invalid_value);
    report.expect("memory", drivers.call(abi::cuMemCreate, &handle, size, &wanted, kNone),
                  CuResult::success);
    report.check("it is charged before it is mapped", drivers.used_bytes() >= before + size);
    check_mapping(drivers, report, at, size, handle);
    const std::array<char, 6> text = {'m', 'a', 'p', 'p', 'e', 'd'};
    drivers.call(abi::cuMemcpyHtoD_v2, at + 100, text.data(), text.size());
    std::array<char, 6> read = {};
    drivers.call(abi::cuMemcpyDtoH_v2, read.data(), at + 100, read.size());
    report.check("it holds what was written", read == text);
    check_sharing(drivers, report, handle, size);
    report.expect("release while it is mapped", drivers.call(abi::cuMemRelease, handle),
                  CuResult::success);
    report.check("the mapping keeps it", drivers.used_bytes() >= before + size);
    drivers.call(abi::cuCtxSynchronize);
    report.expect("half of it cannot be unmapped", drivers.call(abi::cuMemUnmap, at, size / 2),
                  CuResult::invalid_value);
    report.expect("unmap", drivers.call(abi::cuMemUnmap, at, size), CuResult::success);
    report.check("nothing keeps it now", drivers.used_bytes() < before + size);
    report.expect("the addresses go", drivers.call(abi::cuMemAddressFree, at, size),
                  CuResult::success);
}

}  // namespace windlass::conformance
