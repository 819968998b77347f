// Copies, sets, streams and events: that bytes arrive, and in which order.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "drivers.h"

namespace windlass::conformance {

namespace abi = driver_abi;
using abi::CuDevicePtr;
using abi::CuEvent;
using abi::CuResult;
using abi::CuStream;

namespace {

constexpr std::size_t kBytes = std::size_t{4} << 20;

std::vector<unsigned char> pattern() {
    std::vector<unsigned char> bytes(kBytes);
    for (std::size_t i = 0; i < kBytes; ++i)
        bytes[i] = static_cast<unsigned char>(i * 31 + (i >> 12));
    return bytes;
}

struct Memory {
    const Drivers& drivers;
    CuDevicePtr at = 0;

    explicit Memory(const Drivers& it) : drivers(it) {
        drivers.call(abi::cuMemAlloc_v2, &at, kBytes);
    }
    ~Memory() { drivers.call(abi::cuMemFree_v2, at); }
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;

    std::vector<unsigned char> read() const {
        std::vector<unsigned char> bytes(kBytes);
        drivers.call(abi::cuMemcpyDtoH_v2, bytes.data(), at, bytes.size());
        return bytes;
    }
};

void check_sets(const Drivers& drivers, Report& report, const Memory& memory) {
    drivers.call(abi::cuMemsetD8_v2, memory.at, static_cast<unsigned char>(7), kBytes);
    auto bytes = memory.read();
    report.check("a set of bytes", std::ranges::count(bytes, 7) == static_cast<long>(kBytes));
    drivers.call(abi::cuMemsetD32_v2, memory.at, 0x01020304U, kBytes / 4);
    bytes = memory.read();
    report.check("a set of words", bytes[0] == 4 && bytes[kBytes - 1] == 1);
    drivers.call(abi::cuMemsetD2D8_v2, memory.at, std::size_t{1} << 20,
                 static_cast<unsigned char>(9), std::size_t{16}, std::size_t{4});
    bytes = memory.read();
    report.check("a set of rows", std::ranges::count(bytes, 9) == 64 && bytes[(3 << 20) + 15] == 9);
    report.expect("a set of words at an odd address",
                  drivers.call(abi::cuMemsetD32_v2, memory.at + 1, 0U, std::size_t{1}),
                  CuResult::invalid_value);
}

void check_host_memory(const Drivers& drivers, Report& report) {
    std::vector<unsigned char> host(kBytes);
    report.expect("registering host memory",
                  drivers.call(abi::cuMemHostRegister_v2, host.data(), kBytes, 0U),
                  CuResult::success);
    report.expect("a second time", drivers.call(abi::cuMemHostRegister_v2, host.data(), kBytes, 0U),
                  CuResult::host_memory_already_registered);
    report.expect("and back", drivers.call(abi::cuMemHostUnregister, host.data()),
                  CuResult::success);
    report.expect("back a second time", drivers.call(abi::cuMemHostUnregister, host.data()),
                  CuResult::host_memory_not_registered);
}

// Copies in one direction beside each other: what was queued first is over first.
void check_order(const Drivers& drivers, Report& report, const Memory& memory) {
    void* pinned = nullptr;
    report.expect("pinned host memory", drivers.call(abi::cuMemHostAlloc, &pinned, kBytes, 0U),
                  CuResult::success);
    const auto bytes = pattern();
    std::ranges::copy(bytes, static_cast<unsigned char*>(pinned));
    std::array<CuStream, 2> streams = {};
    std::array<CuEvent, 2> events = {};
    for (std::size_t i = 0; i < 2; ++i) {
        drivers.call(abi::cuStreamCreate, &streams[i], abi::kCuStreamNonBlocking);
        drivers.call(abi::cuEventCreate, &events[i], 0U);
    }
    float took_ms = -1;
    report.expect("the time between events never recorded",
                  drivers.call(abi::cuEventElapsedTime, &took_ms, events[0], events[1]),
                  CuResult::invalid_handle);
    drivers.call(abi::cuEventRecord, events[0], streams[0]);
    drivers.call(abi::cuMemcpyHtoDAsync_v2, memory.at, pinned, kBytes, streams[0]);
    drivers.call(abi::cuEventRecord, events[1], streams[0]);
    drivers.call(abi::cuStreamWaitEvent, streams[1], events[1], 0U);
    drivers.call(abi::cuMemsetD8Async, memory.at, static_cast<unsigned char>(0), kBytes / 2,
                 streams[1]);
    report.expect("wait for a stream", drivers.call(abi::cuStreamSynchronize, streams[1]),
                  CuResult::success);
    const auto read = memory.read();
    report.check("a stream that waits for an event comes after it",
                 std::ranges::count(read.begin(), read.begin() + kBytes / 2, 0) == kBytes / 2 &&
                     std::equal(read.begin() + kBytes / 2, read.end(), bytes.begin() + kBytes / 2));
    report.expect("the event is over", drivers.call(abi::cuEventQuery, events[1]),
                  CuResult::success);
    report.expect("the time of the copy",
                  drivers.call(abi::cuEventElapsedTime, &took_ms, events[0], events[1]),
                  CuResult::success);
    report.answer("4 MiB of pinned memory to the device",
                  fmt::format("{:.3f} ms, {:.1f} GB/s", took_ms, kBytes / 1e6 / took_ms));
    for (std::size_t i = 0; i < 2; ++i) {
        drivers.call(abi::cuEventDestroy_v2, events[i]);
        report.expect("a stream ends", drivers.call(abi::cuStreamDestroy_v2, streams[i]),
                      CuResult::success);
    }
    drivers.call(abi::cuMemFreeHost, pinned);
}

}  // namespace

void check_copies(const Drivers& drivers, Report& report) {
    report.section("CUDA: copies");
    const Memory first{drivers};
    const Memory second{drivers};
    const auto bytes = pattern();
    report.expect("to the device",
                  drivers.call(abi::cuMemcpyHtoD_v2, first.at, bytes.data(), kBytes),
                  CuResult::success);
    report.check("and back", first.read() == bytes);
    report.expect("within the device",
                  drivers.call(abi::cuMemcpyDtoD_v2, second.at, first.at, kBytes),
                  CuResult::success);
    report.check("it arrives", second.read() == bytes);
    drivers.call(abi::cuMemcpyHtoD_v2, first.at + 4095, bytes.data(), std::size_t{2});
    const auto read = first.read();
    report.check("two bytes over the edge of a page",
                 read[4094] == bytes[4094] && read[4095] == bytes[0] && read[4096] == bytes[1] &&
                     read[4097] == bytes[4097]);
    check_sets(drivers, report, first);
    check_host_memory(drivers, report);
}

void check_streams(const Drivers& drivers, Report& report) {
    report.section("CUDA: streams");
    const Memory memory{drivers};
    check_order(drivers, report, memory);
    report.expect("the default stream is idle", drivers.call(abi::cuStreamQuery, nullptr),
                  CuResult::success);
}

}  // namespace windlass::conformance
