// Problems of the machine itself: rights, container, memory, cgroups, clock and disk.
#include <fmt/core.h>
#include <linux/magic.h>

#include <fstream>

#include "cli/doctor_testing.h"

namespace windlass::cli::testing {
namespace {

using namespace std::chrono_literals;
using base::operator""_GiB;
using base::operator""_MiB;

std::function<void(FakeMachine&)> file_system_of(FileSystemNumbers numbers) {
    return [numbers](FakeMachine& m) {
        m.view.file_system = [numbers](const std::string&) { return numbers; };
    };
}

std::function<void(FakeMachine&)> syncs_of(base::Duration each) {
    return [each](FakeMachine& m) {
        m.view.sync_times = [each](const std::string&) {
            return base::Result<std::vector<base::Duration>>{std::vector<base::Duration>(8, each)};
        };
    };
}

}  // namespace

std::vector<Planted> planted_in_machine() {
    using enum FindingKind;
    return {
        {state_dir_denied,
         [](FakeMachine& m) {
             m.view.may = [](const std::string& path, int) { return !path.ends_with("/state"); };
         }},
        {log_or_socket_denied,
         [](FakeMachine& m) {
             m.configure("[daemon]\naccess_log = \"logs/access.log\"\n");
             m.write("/logs/x", "");
             m.view.may = [](const std::string& path, int) { return !path.ends_with("/logs"); };
         }},
        {stacks_denied,
         [](FakeMachine& m) { m.write("/proc/sys/kernel/yama/ptrace_scope", "3\n"); }},
        {descriptors_few,
         [](FakeMachine& m) {
             m.view.limits = [] { return ProcessLimits{.descriptors = 1024, .processes = {}}; };
         }},
        {processes_few,
         [](FakeMachine& m) {
             m.view.limits = [] { return ProcessLimits{.descriptors = {}, .processes = 100}; };
         }},
        {init_does_not_reap,
         [](FakeMachine& m) {
             m.add({.pid = 900, .state = 'Z'});
             m.view.make_orphan = [] { return std::optional{900}; };
         }},
        {shm_missing, [](FakeMachine& m) { m.remove("/dev/shm"); }},
        {shm_small, file_system_of({.size = 64_MiB, .free = 64_MiB})},
        {overcommit_strict,
         [](FakeMachine& m) { m.write("/proc/sys/vm/overcommit_memory", "2\n"); }},
        {memory_low,
         [](FakeMachine& m) {
             m.view.host_memory = [] {
                 return base::Result<wire::HostSample>{wire::HostSample{.capacity = 64_GiB,
                                                                        .used = 63_GiB,
                                                                        .free = 1_GiB,
                                                                        .source = "cgroup v2",
                                                                        .processes_source = {},
                                                                        .processes = {}}};
             };
         }},
        {cgroups_unusable,
         [](FakeMachine& m) {
             m.view.try_cgroup = [] {
                 return base::Result<void>{
                     base::fail(base::Errc::permission_denied, "Read-only file system")};
             };
         }},
        {pids_limit_near,
         [](FakeMachine& m) {
             m.write("/sys/fs/cgroup/pids/pids.max", "512\n");
             m.write("/sys/fs/cgroup/pids/pids.current", "500\n");
         }},
    };
}

std::vector<Planted> planted_in_disk() {
    using enum FindingKind;
    return {
        {clock_before_build, [](FakeMachine& m) { m.set_clocks(1000s); }},
        {clock_steps, [](FakeMachine& m) { m.set_clocks(1'795'000'000s, 3s); }},
        {clock_stepped_back,
         [](FakeMachine& m) {
             m.write("/state/lock", "1 1\n");  // of today, whenever that is
             m.set_clocks(1'767'300'000s);     // and the clock says January 2026
         }},
        {clock_not_synchronised,
         [](FakeMachine& m) { m.view.is_clock_kept = [] { return std::optional{false}; }; }},
        {clock_source_slow,
         [](FakeMachine& m) {
             m.write("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
         }},
        {disk_full, file_system_of({.size = 100_GiB, .free = 1_MiB, .type = EXT4_SUPER_MAGIC})},
        {inodes_exhausted, file_system_of({.size = 100_GiB,
                                           .free = 50_GiB,
                                           .inodes = 1'000'000,
                                           .inodes_free = 3,
                                           .type = EXT4_SUPER_MAGIC})},
        {state_on_tmpfs, file_system_of({.size = 100_GiB, .free = 50_GiB, .type = TMPFS_MAGIC})},
        {state_on_network,
         file_system_of({.size = 100_GiB, .free = 50_GiB, .type = NFS_SUPER_MAGIC})},
        {disk_slow, syncs_of(900ms)},
        {disk_lies,
         [](FakeMachine& m) { m.write("/proc/mounts", "/dev/vda / ext4 rw,nobarrier 0 0\n"); }},
        {disk_fast, syncs_of(2us)},
    };
}

TEST_CASE("a shim that makes syncs do nothing is a lie of the disk") {
    FakeMachine machine;
    machine.view.environment["LD_PRELOAD"] = "/usr/lib/x86_64-linux-gnu/libeatmydata.so";
    const Report report = machine.examine("disk");
    REQUIRE(report.findings().size() == 1);
    CHECK(report.findings()[0].kind == FindingKind::disk_lies);
}

}  // namespace windlass::cli::testing
