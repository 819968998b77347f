// For tests of `windlass doctor`: a healthy machine made of files and answers, into which each of
// the problems is planted.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "base/testing/scratch_directory.h"
#include "cli/doctor_checks.h"

namespace windlass::cli::testing {

// A line of /proc.
struct FakeProcess {
    int pid = 0;
    std::string name = "python3";
    char state = 'S';
    int parent = 1;
    int session = 0;  // 0: its own
    int threads = 1;
    std::string environment = {};
    std::string channel = "0";
};

class FakeMachine {
  public:
    FakeMachine();

    void write(const std::string& path, const std::string& text) const {
        const std::filesystem::path file = folder_.path + path;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream{file} << text;
    }
    void remove(const std::string& path) const { std::filesystem::remove_all(file(path)); }
    void add(const FakeProcess& process) const;
    // A configuration that was asked for.
    void configure(const std::string& text);
    // A GPU of 24 GiB, with a driver that works.
    void add_gpu(wire::HostSample sample = {.capacity = base::Bytes{std::uint64_t{24} << 30},
                                            .used = base::Bytes{},
                                            .free = base::Bytes{},
                                            .source = "nvml",
                                            .processes_known = true,
                                            .processes_source = "nvml",
                                            .processes = {}});
    void fail_gpu(base::Errc code);
    void break_driver(wire::HostDriver::State state, const std::string& message);
    // What a model's Python says.
    void tell_python(const std::string& lines, bool is_over = true);
    void set_clocks(std::chrono::nanoseconds wall, std::chrono::nanoseconds step = {});

    std::string file(const std::string& path) const { return folder_.path + path; }
    std::string state_dir() const { return file("/state"); }

    Report examine(std::string_view check) const;

    DoctorView view;

  private:
    base::testing::ScratchDirectory folder_;
};

struct Planted {
    FindingKind kind;
    std::function<void(FakeMachine&)> plant;
};
std::vector<Planted> planted_in_drivers();
std::vector<Planted> planted_in_machine();
std::vector<Planted> planted_in_processes();
std::vector<Planted> planted_in_configuration();
std::vector<Planted> planted_in_disk();

}  // namespace windlass::cli::testing
