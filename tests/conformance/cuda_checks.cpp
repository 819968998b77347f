// The CUDA driver API: start, contexts, memory as a whole.
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>

#include "drivers.h"

namespace windlass::conformance {

namespace abi = driver_abi;
using abi::CuContext;
using abi::CuDevicePtr;
using abi::CuResult;

namespace {

std::string uuid_text(const abi::CuUuid& uuid) {
    std::string text = "GPU-";
    for (std::size_t i = 0; i < 16; ++i) {
        text += fmt::format("{:02x}", uuid.bytes[i]);
        if (i == 3 || i == 5 || i == 7 || i == 9) text += '-';
    }
    return text;
}

// The exit status of what a forked child does, or minus the signal that ended it.
template <class Body>
int in_child(Body body) {
    const pid_t child = fork();
    if (child == 0) _exit(body());
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

abi::NvmlDevice Drivers::device() const {
    abi::CuUuid uuid = {};
    call(abi::cuDeviceGetUuid_v2, &uuid, 0);
    abi::NvmlDevice device = nullptr;
    call(abi::nvmlDeviceGetHandleByUUID, uuid_text(uuid).c_str(), &device);
    return device;
}

std::uint64_t Drivers::used_bytes() const {
    abi::NvmlMemory memory = {};
    call(abi::nvmlDeviceGetMemoryInfo, device(), &memory);
    return memory.used;
}

void check_start(const Drivers& drivers, Report& report) {
    report.section("CUDA: start");
    int count = 0;
    report.expect("a call before cuInit", drivers.call(abi::cuDeviceGetCount, &count),
                  CuResult::not_initialized);
    report.expect("cuInit with a flag", drivers.call(abi::cuInit, 1U), CuResult::invalid_value);
    report.expect("cuInit", drivers.call(abi::cuInit, 0U), CuResult::success);
    report.expect("cuInit again", drivers.call(abi::cuInit, 0U), CuResult::success);
    int version = 0;
    drivers.call(abi::cuDriverGetVersion, &version);
    report.check("its version is 11.4 or newer", version >= 11040, fmt::format("{}", version));
    const char* text = nullptr;
    drivers.call(abi::cuGetErrorName, CuResult::out_of_memory, &text);
    report.check("the name of error 2",
                 text != nullptr && std::string_view{text} == "CUDA_ERROR_OUT_OF_MEMORY");
    report.expect("the name of no error",
                  drivers.call(abi::cuGetErrorName, static_cast<CuResult>(12345), &text),
                  CuResult::invalid_value);
    report.check("its first device is one of NVML's", drivers.device() != nullptr);
    abi::CuDevice device = -1;
    report.expect("a device that is not there", drivers.call(abi::cuDeviceGet, &device, 4711),
                  CuResult::invalid_device);
    void* function = nullptr;
    int status = -1;
    drivers.call(abi::cuGetProcAddress_v2, "cuMemAlloc", &function, 12000, 0UL, &status);
    report.check("cuGetProcAddress finds cuMemAlloc", function != nullptr && status == 0);
    drivers.call(abi::cuGetProcAddress_v2, "cuNobodyHasThis", &function, 12000, 0UL, &status);
    report.check("and not what does not exist", function == nullptr && status == 1);
}

void check_contexts(const Drivers& drivers, Report& report) {
    report.section("CUDA: contexts");
    CuDevicePtr memory = 0;
    report.expect("memory without a context",
                  drivers.call(abi::cuMemAlloc_v2, &memory, std::size_t{1}),
                  CuResult::invalid_context);
    unsigned flags = 0;
    int active = -1;
    drivers.call(abi::cuDevicePrimaryCtxGetState, 0, &flags, &active);
    report.expect("the primary context is not active", active, 0);
    const std::uint64_t before = drivers.used_bytes();
    CuContext context = nullptr;
    report.expect("its retain", drivers.call(abi::cuDevicePrimaryCtxRetain, &context, 0),
                  CuResult::success);
    const std::uint64_t cost = drivers.used_bytes() - before;
    report.check("it costs device memory", cost > 0, fmt::format("{} MiB", cost >> 20));
    drivers.call(abi::cuDevicePrimaryCtxGetState, 0, &flags, &active);
    report.expect("it is active now", active, 1);
    CuContext current = context;
    drivers.call(abi::cuCtxGetCurrent, &current);
    report.check("to retain does not make current", current == nullptr);
    report.expect("to make it current", drivers.call(abi::cuCtxSetCurrent, context),
                  CuResult::success);
    report.expect("push", drivers.call(abi::cuCtxPushCurrent_v2, context), CuResult::success);
    report.expect("pop", drivers.call(abi::cuCtxPopCurrent_v2, &current), CuResult::success);
    report.check("what was pushed is popped", current == context);
    report.expect("wait for the device", drivers.call(abi::cuCtxSynchronize), CuResult::success);
    report.expect("a call in a forked child",
                  in_child([&] { return static_cast<int>(drivers.call(abi::cuCtxSynchronize)); }),
                  CuResult::not_initialized);
    report.expect("cuInit in a forked child",
                  in_child([&] { return static_cast<int>(drivers.call(abi::cuInit, 0U)); }),
                  CuResult::not_initialized);
}

void check_memory(const Drivers& drivers, Report& report) {
    report.section("CUDA: memory");
    CuDevicePtr memory = 0;
    report.expect("none of it", drivers.call(abi::cuMemAlloc_v2, &memory, std::size_t{0}),
                  CuResult::invalid_value);
    std::size_t free_before = 0;
    std::size_t total = 0;
    drivers.call(abi::cuMemGetInfo_v2, &free_before, &total);
    report.expect("twice what there is", drivers.call(abi::cuMemAlloc_v2, &memory, total * 2),
                  CuResult::out_of_memory);
    report.expect("after that the context is sound", drivers.call(abi::cuCtxSynchronize),
                  CuResult::success);
    const std::uint64_t used_before = drivers.used_bytes();
    report.expect("memory", drivers.call(abi::cuMemAlloc_v2, &memory, drivers.bytes),
                  CuResult::success);
    report.check("NVML shows it", drivers.used_bytes() >= used_before + drivers.bytes);
    std::size_t free_after = 0;
    drivers.call(abi::cuMemGetInfo_v2, &free_after, &total);
    report.check("less is free", free_before - free_after >= drivers.bytes);
    CuDevicePtr base = 0;
    std::size_t size = 0;
    drivers.call(abi::cuMemGetAddressRange_v2, &base, &size, memory + 17);
    report.check("an address inside leads to the whole", base == memory && size == drivers.bytes);
    auto type = abi::CuMemoryType::host;
    drivers.call(abi::cuPointerGetAttribute, &type, abi::CuPointerAttribute::memory_type, memory);
    report.expect("it is memory of a device", type, abi::CuMemoryType::device);
    // NOLINTNEXTLINE(performance-no-int-to-ptr): that this must not work is the point
    const auto* followed = reinterpret_cast<const volatile char*>(memory);
    report.expect("the host cannot follow its address", in_child([&] { return *followed; }), -11);
    report.expect("the middle cannot be freed", drivers.call(abi::cuMemFree_v2, memory + 512),
                  CuResult::invalid_value);
    report.expect("free", drivers.call(abi::cuMemFree_v2, memory), CuResult::success);
    report.expect("free a second time", drivers.call(abi::cuMemFree_v2, memory),
                  CuResult::invalid_value);
    report.expect("free nothing", drivers.call(abi::cuMemFree_v2, 0UL), CuResult::success);
}

}  // namespace windlass::conformance
