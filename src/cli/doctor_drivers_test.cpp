// Problems of drivers and devices, planted into the files and answers that tell of them.
#include <fmt/core.h>

#include "cli/doctor_testing.h"

namespace windlass::cli::testing {
namespace {

using base::operator""_GiB;
using State = wire::HostDriver::State;

wire::HostSample gpu_sample(base::Bytes used, std::vector<wire::HostProcess> processes,
                            bool are_known = true) {
    return {.capacity = 24_GiB,
            .used = used,
            .free = 24_GiB - used,
            .source = "nvml",
            .processes_known = are_known,
            .processes_source = "nvml",
            .processes = std::move(processes)};
}

constexpr const char* kModule =
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.126.09  Tue Jan 6 2026\n";

}  // namespace

std::vector<Planted> planted_in_drivers() {
    using enum FindingKind;
    return {
        {driver_mismatch,
         [](FakeMachine& m) {
             m.break_driver(State::broken,
                            "initialising NVML: Driver/library version mismatch (18)");
         }},
        {driver_broken,
         [](FakeMachine& m) { m.break_driver(State::broken, "libnvidia-ml.so.1: bad ELF"); }},
        {driver_hangs,
         [](FakeMachine& m) {
             m.view.devices = [] {
                 return SeenDevices{.listing = base::fail(base::Errc::timeout, "it hangs"),
                                    .devices = {}};
             };
         }},
        {driver_library_missing,
         [](FakeMachine& m) { m.write("/proc/driver/nvidia/version", kModule); }},
        {driver_library_differs,
         [](FakeMachine& m) {
             m.add_gpu();
             m.write("/proc/driver/nvidia/version", kModule);
             m.remove("/usr/lib/x86_64-linux-gnu/libcuda.so.1");
             m.write("/usr/lib/x86_64-linux-gnu/libcuda.so.550.54.14", "");
             std::filesystem::create_symlink("libcuda.so.550.54.14",
                                             m.file("/usr/lib/x86_64-linux-gnu/libcuda.so.1"));
         }},
        {cuda_library_missing,
         [](FakeMachine& m) {
             m.add_gpu();
             m.remove("/usr/lib/x86_64-linux-gnu/libcuda.so.1");
         }},
        {cuda_library_stub,
         [](FakeMachine& m) {
             m.add_gpu();
             m.write("/usr/local/cuda/lib64/stubs/libcuda.so.1", "");
             m.view.environment["LD_LIBRARY_PATH"] = "/none:/usr/local/cuda/lib64/stubs";
         }},
        {device_nodes_missing,
         [](FakeMachine& m) {
             m.add_gpu();
             m.write("/proc/driver/nvidia/gpus/0000:01:00.0/information", "Device Minor: 0\n");
         }},
        {device_nodes_denied,
         [](FakeMachine& m) {
             m.add_gpu();
             m.write("/proc/driver/nvidia/gpus/0000:01:00.0/information", "Device Minor: 0\n");
             m.write("/dev/nvidia0", "");
             m.write("/dev/nvidiactl", "");
             m.view.may = [](const std::string& path, int) { return !path.ends_with("/nvidia0"); };
         }},
        {device_unresponsive, [](FakeMachine& m) { m.fail_gpu(base::Errc::timeout); }},
        {device_lost, [](FakeMachine& m) { m.fail_gpu(base::Errc::device_lost); }},
        {device_failing, [](FakeMachine& m) { m.fail_gpu(base::Errc::unsupported); }},
        {holders_hidden, [](FakeMachine& m) { m.add_gpu(gpu_sample(8_GiB, {}, false)); }},
        {memory_unattributed, [](FakeMachine& m) { m.add_gpu(gpu_sample(8_GiB, {})); }},
        {orphan_holder,
         [](FakeMachine& m) {
             m.add({.pid = 70, .name = "EngineCore", .session = 60});
             m.add_gpu(gpu_sample(8_GiB, {{.pid = 70, .bytes = 8_GiB}}));
         }},
        {foreign_holder,
         [](FakeMachine& m) {
             m.add({.pid = 71, .name = "ollama"});  // a service of systemd leads its session
             m.add_gpu(gpu_sample(8_GiB, {{.pid = 71, .bytes = 8_GiB}}));
         }},
    };
}

TEST_CASE("[A5.10] [R135] the facts tell driver, compute capability, FP8 and versions") {
    FakeMachine machine;
    machine.add_gpu();
    const Report report = machine.examine("drivers");
    CHECK(report.findings().empty());
    const auto fact = [&](const std::string& name) -> std::string {
        for (const Fact& told : report.facts()) {
            if (told.name == name) return told.value;
        }
        return "";
    };
    CHECK(fact("driver.nvml") == "580.1.2");
    CHECK(fact("gpu.count") == "1");
    CHECK(fact("gpu.GPU-1.compute_capability") == "8.9");
    CHECK(fact("gpu.GPU-1.fp8") == "yes");
    CHECK(fact("gpu.GPU-1.cuda") == "13.0");
}

TEST_CASE("a machine with AMD's GPUs only needs nothing of NVIDIA's, and the other way round") {
    FakeMachine machine;
    machine.add_gpu();
    SeenDevices seen = machine.view.devices();
    seen.listing->drivers[0].name = "amd";
    seen.listing->drivers.push_back({.name = "nvml", .message = "not there", .version = {}});
    machine.remove("/usr/lib/x86_64-linux-gnu/libcuda.so.1");
    machine.view.devices = [seen] { return SeenDevices{seen}; };
    CHECK(machine.examine("drivers").findings().empty());
    FakeMachine other;
    other.add_gpu();
    seen = other.view.devices();
    seen.listing->drivers.push_back({.name = "amd", .message = "not there", .version = {}});
    other.view.devices = [seen] { return SeenDevices{seen}; };
    other.write("/proc/driver/nvidia/version", kModule);
    CHECK(other.examine("drivers").findings().empty());
}

TEST_CASE("in the first PID namespace nobody is hidden: what nobody holds is nobody's") {
    FakeMachine machine;
    machine.add_gpu(gpu_sample(8_GiB, {}, false));
    machine.write("/proc/self/ns/x", "");
    std::filesystem::create_symlink("pid:[4026531836]", machine.file("/proc/self/ns/pid"));
    const Report report = machine.examine("drivers");
    REQUIRE(report.findings().size() == 1);
    CHECK(report.findings()[0].kind == FindingKind::memory_unattributed);
}

TEST_CASE("memory of Windlass's own workers is no stranger's") {
    FakeMachine machine;
    machine.add({.pid = 50, .name = "windlass"});
    machine.add({.pid = 51, .parent = 50});
    machine.add_gpu(gpu_sample(8_GiB, {{.pid = 51, .bytes = 8_GiB}}));
    CHECK(machine.examine("drivers").findings().empty());
}

}  // namespace windlass::cli::testing
