// What NVML shows of processes, and what their deaths leave: with a second process of this program.
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <string>
#include <vector>

#include "drivers.h"

namespace windlass::conformance {

namespace abi = driver_abi;
using abi::CuDevicePtr;
using abi::CuResult;
using abi::NvmlReturn;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto kLongest = std::chrono::seconds{30};

// This program in another part; its output comes through `output`.
struct Other {
    pid_t pid = -1;
    int output = -1;
};

Other start(const Drivers& drivers, const char* part) {
    std::array<int, 2> ends = {};
    if (pipe(ends.data()) != 0) return {};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    const std::string bytes = fmt::format("{}B", drivers.bytes);
    const std::array<const char*, 8> words = {drivers.program,
                                              "--part",
                                              part,
                                              "--bytes",
                                              bytes.c_str(),
                                              "--cuda",
                                              drivers.cuda.name().c_str(),
                                              nullptr};
    std::vector<char*> argv;
    for (const char* word : words) argv.push_back(const_cast<char*>(word));
    Other other{.output = ends[0]};
    posix_spawn(&other.pid, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    return other;
}

// A line of it, or empty when none comes in time.
std::string read_line(const Other& other) {
    pollfd waiting{.fd = other.output, .events = POLLIN, .revents = 0};
    if (poll(&waiting, 1, 30'000) <= 0) return "";
    std::array<char, 200> text = {};
    const ssize_t length = read(other.output, text.data(), text.size());
    return length > 0 ? std::string(text.data(), static_cast<std::size_t>(length)) : "";
}

std::vector<abi::NvmlProcess> processes(const Drivers& drivers) {
    std::vector<abi::NvmlProcess> found(64);
    auto count = static_cast<unsigned>(found.size());
    const NvmlReturn result = drivers.call(abi::nvmlDeviceGetComputeRunningProcesses_v3,
                                           drivers.device(), &count, found.data());
    found.resize(result == NvmlReturn::success ? std::min<std::size_t>(count, 64) : 0);
    return found;
}

bool is_listed(const Drivers& drivers, pid_t pid) {
    return std::ranges::any_of(processes(drivers), [&](const abi::NvmlProcess& process) {
        return process.pid == static_cast<std::uint32_t>(pid);
    });
}

void check_list(const Drivers& drivers, Report& report) {
    if (!is_listed(drivers, getpid()))
        return report.answer("this process in NVML's list", "no: is this a container?");
    report.answer("this process in NVML's list", "yes");
    unsigned count = 0;
    report.expect("a list without room",
                  drivers.call(abi::nvmlDeviceGetComputeRunningProcesses_v3, drivers.device(),
                               &count, nullptr),
                  NvmlReturn::insufficient_size);
    report.check("it says how much it needs", count > 0);
}

void check_death(const Drivers& drivers, Report& report) {
    const std::uint64_t before = drivers.used_bytes();
    const Other other = start(drivers, "hold");
    report.check("a second process takes memory", read_line(other) == "held\n");
    report.check("NVML shows it", drivers.used_bytes() >= before + drivers.bytes);
    report.answer("it is in NVML's list", is_listed(drivers, other.pid) ? "yes" : "no");
    kill(other.pid, SIGKILL);
    waitpid(other.pid, nullptr, 0);
    const auto killed = Clock::now();
    const auto milliseconds = [&] {
        return std::chrono::duration<double, std::milli>(Clock::now() - killed).count();
    };
    double gone_after = -1;
    while (drivers.used_bytes() > before && Clock::now() < killed + kLongest) {
        if (gone_after < 0 && !is_listed(drivers, other.pid)) gone_after = milliseconds();
    }
    report.check("its memory comes back after SIGKILL", drivers.used_bytes() <= before,
                 fmt::format("{:.0f} ms after it was reaped", milliseconds()));
    report.check("it is in no list then", !is_listed(drivers, other.pid));
    close(other.output);
}

void ask_about_faults(const Drivers& drivers, Report& report) {
    const Other other = start(drivers, "fault");
    report.answer("results of a set after its memory was unmapped, the wait for it, another wait",
                  read_line(other));
    waitpid(other.pid, nullptr, 0);
    close(other.output);
}

int hold(const Drivers& drivers) {
    CuDevicePtr memory = 0;
    if (drivers.call(abi::cuMemAlloc_v2, &memory, drivers.bytes) != CuResult::success) return 1;
    fmt::print("held\n");
    std::fflush(stdout);
    for (;;) pause();
}

int fault(const Drivers& drivers) {
    CuDevicePtr memory = 0;
    drivers.call(abi::cuMemAlloc_v2, &memory, std::size_t{2} << 20);
    drivers.call(abi::cuMemFree_v2, memory);
    const CuResult set =
        drivers.call(abi::cuMemsetD8_v2, memory, static_cast<unsigned char>(1), std::size_t{4096});
    const CuResult wait = drivers.call(abi::cuCtxSynchronize);
    const CuResult again = drivers.call(abi::cuCtxSynchronize);
    fmt::print("{} {} {}", static_cast<int>(set), static_cast<int>(wait), static_cast<int>(again));
    std::fflush(stdout);
    return 0;
}

}  // namespace

void check_processes(const Drivers& drivers, Report& report) {
    report.section("Processes");
    check_list(drivers, report);
    check_death(drivers, report);
    ask_about_faults(drivers, report);
}

int play_part(const Drivers& drivers, std::string_view part) {
    abi::CuContext context = nullptr;
    if (drivers.call(abi::cuInit, 0U) != CuResult::success) return 1;
    if (drivers.call(abi::cuDevicePrimaryCtxRetain, &context, 0) != CuResult::success) return 1;
    drivers.call(abi::cuCtxSetCurrent, context);
    return part == "hold" ? hold(drivers) : fault(drivers);
}

}  // namespace windlass::conformance
