// The fake machine of the tests of `windlass doctor`.
#include <fmt/core.h>
#include <linux/magic.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "cli/doctor_testing.h"

namespace windlass::cli::testing {
namespace {

using namespace std::chrono_literals;
using base::Bytes;
using base::operator""_GiB;

constexpr std::chrono::nanoseconds kToday = 1'795'000'000s;  // November 2026

}  // namespace

FakeMachine::FakeMachine() {
    view.root = folder_.path;
    view.state_dir = state_dir();
    view.configuration = file("/windlass.toml");
    view.environment = {{"PATH", file("/bin")}};
    view.may = [](const std::string&, int) { return true; };
    view.file_system = [](const std::string&) {
        return FileSystemNumbers{.size = 100_GiB,
                                 .free = 50_GiB,
                                 .inodes = 1'000'000,
                                 .inodes_free = 500'000,
                                 .type = EXT4_SUPER_MAGIC};
    };
    view.limits = [] { return ProcessLimits{}; };
    view.try_cgroup = [] { return base::Result<void>{}; };
    view.devices = [] {
        return SeenDevices{
            .listing =
                wire::HostListing{
                    .devices = {},
                    .drivers = {{.name = "nvml", .message = "is not installed", .version = {}}}},
            .devices = {}};
    };
    view.host_memory = [] {
        return base::Result<wire::HostSample>{wire::HostSample{.capacity = 64_GiB,
                                                               .used = 32_GiB,
                                                               .free = 32_GiB,
                                                               .source = "/proc/meminfo",
                                                               .processes_source = {},
                                                               .processes = {}}};
    };
    tell_python("windlass-doctor\tversion\t3.11.2\nwindlass-doctor\tdone\n");
    view.make_orphan = [] { return std::optional<int>{}; };
    set_clocks(kToday);
    view.is_clock_kept = [] { return std::optional{true}; };
    view.sync_times = [](const std::string&) {
        return base::Result<std::vector<base::Duration>>{std::vector<base::Duration>(8, 200us)};
    };
    view.pause = [](base::Duration) {};
    add({.pid = 1, .name = "systemd", .parent = 0});
    write("/dev/shm/x", "");
    write("/proc/mounts", "/dev/vda / ext4 rw,relatime 0 0\n");
    write("/proc/sys/vm/overcommit_memory", "0\n");
    write("/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
    std::filesystem::create_directories(state_dir());
}

void FakeMachine::add(const FakeProcess& process) const {
    const std::string folder = fmt::format("/proc/{}", process.pid);
    const std::string stat =
        fmt::format("{} ({}) {} {} 1 {} 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 {} 0 4711 0 0\n",
                    process.pid, process.name, process.state, process.parent,
                    process.session == 0 ? process.pid : process.session, process.threads);
    write(folder + "/stat", stat);
    write(folder + "/environ", process.environment);
    write(fmt::format("{}/task/{}/stat", folder, process.pid), stat);
    write(fmt::format("{}/task/{}/wchan", folder, process.pid), process.channel);
}

void FakeMachine::configure(const std::string& text) {
    view.is_configuration_given = true;
    write("/windlass.toml", text);
}

void FakeMachine::add_gpu(wire::HostSample sample) {
    const Bytes capacity = sample.capacity.value_or(Bytes{});
    sample.free = capacity - sample.used.value_or(Bytes{});
    const wire::HostDevice gpu{.uuid = "GPU-1",
                               .name = "NVIDIA L4",
                               .bus_id = {},
                               .compute_capability = "8.9",
                               .driver_version = "580.1.2",
                               .cuda_version = "13.0",
                               .capacity = {}};
    SeenDevices seen{
        .listing = wire::HostListing{.devices = {gpu},
                                     .drivers = {{.name = "nvml",
                                                  .state = wire::HostDriver::State::usable,
                                                  .version = "580.1.2"}}},
        .devices = {{.device = gpu, .sample = std::move(sample)}}};
    view.devices = [seen = std::move(seen)] { return SeenDevices{seen}; };
    write("/usr/lib/x86_64-linux-gnu/libcuda.so.1", "");
}

void FakeMachine::fail_gpu(base::Errc code) {
    add_gpu();
    SeenDevices seen = view.devices();
    seen.devices[0].sample = base::fail(code, "the driver says so");
    view.devices = [seen] { return SeenDevices{seen}; };
}

void FakeMachine::break_driver(wire::HostDriver::State state, const std::string& message) {
    const SeenDevices seen{
        .listing =
            wire::HostListing{
                .devices = {},
                .drivers = {{.name = "nvml", .state = state, .message = message, .version = {}}}},
        .devices = {}};
    view.devices = [seen] { return SeenDevices{seen}; };
}

void FakeMachine::tell_python(const std::string& lines, bool is_over) {
    view.run = [=](const ProgramOrder&) {
        return ProgramOutcome{.exit_code = 0, .is_over = is_over, .output = lines};
    };
}

void FakeMachine::set_clocks(std::chrono::nanoseconds wall, std::chrono::nanoseconds step) {
    // Each reading is half a second after the last one; the wall clock goes `step` further.
    const auto count = std::make_shared<int>(0);
    view.clocks = [=] {
        const int reading = (*count)++;
        return ClockReading{.wall = wall + reading * (500ms + step), .steady = reading * 500ms};
    };
}

Report FakeMachine::examine(std::string_view check) const {
    const auto checks = doctor_checks();
    const auto found = std::ranges::find(checks, check, &DoctorCheck::name);
    REQUIRE(found != checks.end());
    Report report;
    found->run(view, report);
    return report;
}

}  // namespace windlass::cli::testing
