// Who descends from whom, by a /proc of our own.
#include "device/process_table.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/testing/scratch_directory.h"

namespace windlass::device {
namespace {

constexpr int kDaemon = 100;

class Processes {
  public:
    void add(int pid, int parent, const std::string& name = "python3") const {
        const std::string folder = folder_.file(std::to_string(pid));
        std::filesystem::create_directory(folder);
        std::ofstream{folder + "/stat"} << pid << " (" << name << ") S " << parent << " 7 7 0 -1\n";
    }
    std::optional<int> branch_of(int pid) const {
        return ProcessTable{folder_.path}.find_branch(pid, kDaemon);
    }

  private:
    base::testing::ScratchDirectory folder_;
};

}  // namespace

TEST_CASE("a process belongs to the daemon's child that it is or descends from") {
    const Processes processes;
    processes.add(1, 0, "init");
    processes.add(kDaemon, 1, "windlass");
    processes.add(200, kDaemon);
    processes.add(201, 200, "S 100 (100)");
    processes.add(202, 201);
    CHECK(processes.branch_of(200) == 200);
    CHECK(processes.branch_of(202) == 200);
}

TEST_CASE("a stranger descends from none of the daemon's children") {
    const Processes processes;
    processes.add(1, 0, "init");
    processes.add(50, 1, "sshd");
    processes.add(kDaemon, 50, "windlass");
    processes.add(300, 50);
    processes.add(400, 0, "started from outside of the container");
    CHECK(processes.branch_of(300) == 0);
    CHECK(processes.branch_of(400) == 0);
    CHECK(processes.branch_of(50) == 0);  // the daemon's own parent is one, too
    CHECK(processes.branch_of(1) == 0);
}

TEST_CASE("who is gone, or whose parents cannot be looked at, is not known") {
    const Processes processes;
    processes.add(300, 299);
    CHECK_FALSE(processes.branch_of(300).has_value());
    CHECK_FALSE(processes.branch_of(301).has_value());
}

TEST_CASE("on this very machine we descend from our parent and from nobody else's child") {
    const ProcessTable table;
    CHECK(table.find_branch(::getpid(), ::getppid()) == ::getpid());
    CHECK(table.find_branch(::getppid(), ::getpid()) == 0);
}

}  // namespace windlass::device
