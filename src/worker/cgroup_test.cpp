// Where cgroups are, from the texts of /proc, and a real one where the system allows it.
#include "worker/cgroup.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "base/testing/scratch_directory.h"

namespace base = windlass::base;
namespace worker = windlass::worker;

namespace {

constexpr const char* kUnified =
    "25 30 0:23 / /sys rw - sysfs sysfs rw\n"
    "35 25 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr const char* kHybrid =
    "36 34 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "40 34 0:35 / /sys/fs/cgroup/unified rw master:5 - cgroup2 cgroup2 rw\n";

}  // namespace

TEST_CASE("the own cgroup is found in the unified and in the hybrid layout") {
    CHECK(worker::find_own_cgroup("0::/user.slice/a.scope\n", kUnified) ==
          "/sys/fs/cgroup/user.slice/a.scope");
    CHECK(worker::find_own_cgroup("0::/\n", kUnified) == "/sys/fs/cgroup");
    CHECK(worker::find_own_cgroup("4:memory:/m\n1:cpu:/\n0::/x\n", kHybrid) ==
          "/sys/fs/cgroup/unified/x");
}

TEST_CASE("part of the tree may be mounted, under a name with spaces") {
    const char* const mounts = "40 34 0:35 /pod/a /my\\040groups rw - cgroup2 cgroup2 rw\n";
    CHECK(worker::find_own_cgroup("0::/pod/a/b\n", mounts) == "/my groups/b");
    CHECK(worker::find_own_cgroup("0::/pod/a\n", mounts) == "/my groups");
    CHECK_FALSE(worker::find_own_cgroup("0::/pod/ab\n", mounts).has_value());
    CHECK_FALSE(worker::find_own_cgroup("0::/other\n", mounts).has_value());
}

TEST_CASE("there is none without version 2, or outside of the namespace") {
    CHECK_FALSE(worker::find_own_cgroup("4:memory:/m\n", kHybrid).has_value());
    CHECK_FALSE(worker::find_own_cgroup("0::/../..\n", kUnified).has_value());
    CHECK_FALSE(worker::find_own_cgroup("0::/x\n", "").has_value());
    CHECK_FALSE(worker::find_own_cgroup("", kUnified).has_value());
}

TEST_CASE("a path is a daemon's cgroup only by its name") {
    CHECK(worker::is_daemon_cgroup("/sys/fs/cgroup/windlass-12", "12"));
    CHECK_FALSE(worker::is_daemon_cgroup("/sys/fs/cgroup/windlass-12", "1"));
    CHECK_FALSE(worker::is_daemon_cgroup("/sys/fs/cgroup", "12"));
    CHECK_FALSE(worker::is_daemon_cgroup("windlass-12", "12"));
}

TEST_CASE("a real cgroup is made, is empty, and goes") {
    const auto cgroup = worker::find_daemon_cgroup_path("test-" + std::to_string(::getpid()));
    if (!cgroup || !worker::make_daemon_cgroup(*cgroup)) {
        MESSAGE("no cgroup can be made here");
        return;
    }
    const std::string leaf = worker::worker_cgroup(*cgroup, 7);
    CHECK(worker::make_worker_cgroup(leaf));
    CHECK_FALSE(worker::is_populated(*cgroup));
    CHECK(worker::processes_of_cgroup(*cgroup).empty());
    CHECK_FALSE(worker::is_in_cgroup(::getpid(), leaf));
    CHECK(worker::remove_cgroup(*cgroup));
    CHECK(worker::remove_cgroup(*cgroup));  // it is gone already
    CHECK_FALSE(worker::is_populated(*cgroup));
}

TEST_CASE("a limit is written into the files of the leaf, and what it led to is read there") {
    const base::testing::ScratchDirectory folder;
    const std::string& leaf = folder.path;
    CHECK_FALSE(worker::limit_cgroup_memory(leaf, base::Bytes{5}));  // memory is not counted
    CHECK_FALSE(worker::read_cgroup_memory(leaf).has_value());
    for (const char* const name : {"memory.max", "memory.swap.max", "memory.oom.group"})
        std::ofstream{leaf + "/" + name};
    CHECK(worker::limit_cgroup_memory(leaf, base::Bytes{1 << 20}));
    const auto text = [&](const char* name) {
        std::ifstream file{leaf + "/" + name};
        std::string line;
        std::getline(file, line);
        return line;
    };
    CHECK(text("memory.max") == "1048576");
    CHECK(text("memory.swap.max") == "0");
    CHECK(text("memory.oom.group") == "1");

    std::ofstream{leaf + "/memory.events"} << "low 0\nhigh 1\nmax 7\noom 2\noom_kill 3\n"
                                              "oom_group_kill 1\n";
    const auto memory = worker::read_cgroup_memory(leaf).value();
    CHECK(memory.kills == 3);
    CHECK(memory.limit_hits == 7);
    CHECK_FALSE(memory.peak.has_value());
    std::ofstream{leaf + "/memory.peak"} << "4096\n";
    CHECK(worker::read_cgroup_memory(leaf).value().peak == base::Bytes{4096});
}
