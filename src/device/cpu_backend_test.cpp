// The CPU as a device, on trees of files that stand for /proc and the cgroups of some machine.
#include "device/cpu_backend.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/testing/scratch_directory.h"

namespace device = windlass::device;
namespace wire = windlass::wire;
namespace fs = std::filesystem;
using namespace windlass::base;  // NOLINT(google-build-using-namespace): the literals of Bytes

namespace {

constexpr const char* kMemory =
    "MemTotal:       16777216 kB\nMemFree:         1048576 kB\n"
    "MemAvailable:   12582912 kB\n";

class Machine {
  public:
    Machine() {
        write("proc/meminfo", kMemory);
        write("proc/self/cgroup", "");
        write("proc/self/mountinfo", "");
    }

    void write(const std::string& path, const std::string& text) const {
        const fs::path whole = fs::path{folder_.path} / path;
        fs::create_directories(whole.parent_path());
        std::ofstream{whole} << text;
    }

    // `parts`: further lines of its smaps_rollup.
    void add_process(int pid, int session, const std::string& name, const std::string& pss,
                     const std::string& parts = {}) const {
        const std::string folder = "proc/" + std::to_string(pid);
        write(folder + "/comm", name + "\n");
        write(folder + "/stat", std::to_string(pid) + " (" + name + ") S 1 " +
                                    std::to_string(session) + " " + std::to_string(session) +
                                    " 0 -1 4194304\n");
        if (!pss.empty()) {
            write(folder + "/smaps_rollup",
                  "55d0-7ffd ---p 00000000 00:00 0    [rollup]\n"
                  "Rss:   999999 kB\nPss:   " +
                      pss +
                      " kB\n"
                      "Pss_Dirty: 7 kB\n" +
                      parts);
        }
    }

    wire::HostSample sample(std::vector<int> pids = {}) const {
        device::CpuBackend backend{{.proc = folder_.path + "/proc", .mounts = folder_.path}};
        return backend.sample({.pids = std::move(pids)}).value();
    }

  private:
    testing::ScratchDirectory folder_;
};

}  // namespace

TEST_CASE("without a limit the machine's memory counts") {
    const wire::HostSample sample = Machine{}.sample();
    CHECK(sample.capacity == 16_GiB);
    CHECK(sample.free == 12_GiB);
    CHECK(sample.used == 4_GiB);
    CHECK(sample.source == "/proc/meminfo");
    CHECK(sample.processes.empty());
    CHECK(sample.processes_known);
}

TEST_CASE("without /proc nothing is known, and nothing is 0") {
    const Machine machine;
    machine.write("proc/meminfo", "");
    const wire::HostSample sample = machine.sample();
    CHECK(!sample.capacity);
    CHECK(!sample.used);
    CHECK(!sample.free);
}

TEST_CASE("a cgroup of version 2 limits the memory, cache that is not in use is free") {
    const Machine machine;
    machine.write("proc/self/cgroup", "0::/a/b\n");
    machine.write("proc/self/mountinfo",
                  "30 25 0:26 / /sys/cg rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n");
    machine.write("sys/cg/a/b/memory.max", "max\n");
    machine.write("sys/cg/a/b/memory.current", "1\n");
    machine.write("sys/cg/a/memory.max", "4294967296\n");
    machine.write("sys/cg/a/memory.current", "3221225472\n");
    machine.write("sys/cg/a/memory.stat",
                  "anon 5\nfile 9\ninactive_file 1048576\nactive_file 1072693248\n");
    const wire::HostSample sample = machine.sample();
    CHECK(sample.capacity == 4_GiB);
    CHECK(sample.free == 2_GiB);
    CHECK(sample.used == 2_GiB);
    CHECK(sample.source == "cgroup v2");
}

TEST_CASE("a cgroup of version 1 limits the memory; one without a limit does not") {
    const Machine machine;
    machine.write("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/job\n0::/\n");
    machine.write("proc/self/mountinfo", "31 25 0:27 / /cg/memory rw - cgroup cgroup rw,memory\n");
    machine.write("cg/memory/memory.limit_in_bytes", "9223372036854771712\n");
    machine.write("cg/memory/memory.usage_in_bytes", "5\n");
    machine.write("cg/memory/job/memory.limit_in_bytes", "9223372036854771712\n");
    machine.write("cg/memory/job/memory.usage_in_bytes", "5\n");
    CHECK(machine.sample().source == "/proc/meminfo");
    machine.write("cg/memory/job/memory.limit_in_bytes", "1073741824\n");
    machine.write("cg/memory/job/memory.usage_in_bytes", "805306368\n");
    machine.write("cg/memory/job/memory.stat",
                  "total_inactive_file 134217728\ntotal_active_file 134217728\n");
    CHECK(machine.sample().source == "cgroup v1");
    CHECK(machine.sample().free == 512_MiB);
}

TEST_CASE("a limit beyond the machine promises nothing, and neither does one it cannot give now") {
    const Machine machine;
    machine.write("proc/self/cgroup", "0::/\n");
    machine.write("proc/self/mountinfo", "30 25 0:26 / /cg rw - cgroup2 cgroup2 rw\n");
    machine.write("cg/memory.max", "34359738368\n");
    machine.write("cg/memory.current", "0\n");
    CHECK(machine.sample().capacity == 16_GiB);
    CHECK(machine.sample().source == "/proc/meminfo");
    machine.write("cg/memory.max", "15032385536\n");  // 14 GiB, of which the machine has 12
    CHECK(machine.sample().capacity == 14_GiB);
    CHECK(machine.sample().free == 12_GiB);
    CHECK(machine.sample().used == 2_GiB);
}

TEST_CASE("a container that sees only its own part of the cgroups finds its limit") {
    const Machine machine;
    machine.write("proc/self/cgroup", "0::/docker/0123\n");
    machine.write("proc/self/mountinfo", "30 25 0:26 /docker/0123 /cg ro - cgroup2 cgroup ro\n");
    machine.write("cg/memory.max", "1073741824\n");
    machine.write("cg/memory.current", "1048576\n");
    CHECK(machine.sample().capacity == 1_GiB);
}

TEST_CASE("processes are those of the sessions that were asked for, by their share of the memory") {
    const Machine machine;
    machine.add_process(10, 10, "python3", "2048");
    machine.add_process(12, 10, "loader ) 5 6 (", "1024");
    machine.add_process(20, 20, "stranger", "4096");
    machine.add_process(30, 30, "secret", "");
    const wire::HostSample both = machine.sample({10});
    REQUIRE(both.processes.size() == 2);
    CHECK(both.processes[0] ==
          wire::HostProcess{.pid = 10, .session = 10, .name = "python3", .bytes = 2_MiB});
    CHECK(both.processes[1].name == "loader ) 5 6 (");
    CHECK(both.processes[1].session == 10);
    CHECK(both.processes[1].bytes == 1_MiB);
    CHECK(both.processes_known);
    const wire::HostSample hidden = machine.sample({30});
    CHECK(!hidden.processes.at(0).bytes);
    CHECK(!hidden.processes_known);
}

TEST_CASE("pages of files that a process maps are not its own: they count as free") {
    const Machine machine;
    machine.add_process(10, 10, "python3", "10485760",
                        "Pss_Anon: 2048 kB\nPss_File: 10482688 kB\nPss_Shmem: 1024 kB\n");
    CHECK(machine.sample({10}).processes.at(0).bytes == 3_MiB);
}

TEST_CASE("of this very machine something is known") {
    device::CpuBackend backend;
    const wire::HostSample sample = backend.sample({.pids = {::getsid(0)}}).value();
    REQUIRE((sample.capacity && sample.used && sample.free));
    CHECK(*sample.capacity >= *sample.used);
    CHECK(*sample.capacity > 64_MiB);
}
