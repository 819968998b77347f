// What the checks of `windlass doctor` may look at. Tests put a tree of files in place of the
// machine's own, and their own answers in place of the kernel's.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "daemon/configuration.h"
#include "wire/host_message.h"

namespace windlass::cli {

struct FileSystemNumbers {
    base::Bytes size;
    base::Bytes free;          // for this user
    std::uint64_t inodes = 0;  // 0: the file system has no fixed number of them
    std::uint64_t inodes_free = 0;
    std::uint64_t type = 0;  // statfs(2)
};

struct ProcessLimits {
    std::optional<std::uint64_t> descriptors;  // hard; empty: unlimited
    std::optional<std::uint64_t> processes;
};

struct SeenDevice {
    wire::HostDevice device;
    base::Result<wire::HostSample> sample;
};

// What driver hosts told.
struct SeenDevices {
    base::Result<wire::HostListing> listing = wire::HostListing{};
    std::vector<SeenDevice> devices;
};

struct ProgramOrder {
    std::vector<std::string> argv;  // looked up in PATH
    std::vector<std::string> environment;
    base::Duration limit{};
};
struct ProgramOutcome {
    std::optional<int> exit_code;  // empty: killed by a signal, or not over in time
    bool is_over = true;           // false: it was killed at the limit
    std::string output;            // of stdout and stderr; the last of it
};

// The clocks at one moment.
struct ClockReading {
    std::chrono::nanoseconds wall{};  // since 1970
    std::chrono::nanoseconds steady{};
};

struct DoctorView {
    std::string root;  // stands before /proc, /sys, /dev and library folders
    std::string configuration = "windlass.toml";
    bool is_configuration_given = false;  // else it need not be there
    std::optional<std::string> state_dir;
    daemon::Environment environment;
    base::Duration limit = std::chrono::minutes{1};  // of the check, which asks others for less

    std::function<bool(const std::string& path, int mode)> may;  // access(2)
    std::function<std::optional<FileSystemNumbers>(const std::string& path)> file_system;
    std::function<ProcessLimits()> limits;
    std::function<base::Result<void>()> try_cgroup;
    std::function<SeenDevices()> devices;
    std::function<base::Result<wire::HostSample>()> host_memory;
    std::function<ProgramOutcome(const ProgramOrder&)> run;
    // Makes an orphan that ends at once; its pid, as far as there could be one.
    std::function<std::optional<int>()> make_orphan;
    std::function<ClockReading()> clocks;
    std::function<std::optional<bool>()> is_clock_kept;  // by NTP; empty: not known
    // How long it took to write 4 KiB and to make them safe, again and again.
    std::function<base::Result<std::vector<base::Duration>>(const std::string& folder)> sync_times;
    std::function<void(base::Duration)> pause;
};

// The machine itself, for a check with this limit.
DoctorView machine_view(base::Duration limit);

// The file whole, root before it; empty when it cannot be read.
std::string read_text_file(const DoctorView& view, const std::string& path);
std::optional<std::uint64_t> read_number_file(const DoctorView& view, const std::string& path);
bool exists(const DoctorView& view, const std::string& path);
// Names in a folder, in order; none when it cannot be read.
std::vector<std::string> names_in(const DoctorView& view, const std::string& path);

// The configuration as far as it can be read; the defaults where it cannot.
struct Plan {
    daemon::LoadedConfiguration loaded;
    daemon::Configuration configuration;
    bool is_there = false;  // there is a file
};
Plan read_plan(const DoctorView& view);

// Whether a model's program may be executed; without a slash it is looked for in PATH, that of the
// model's `env` first.
bool find_program(const DoctorView& view, const std::string& program,
                  const std::map<std::string, std::string>& environment);

// The folder, or the nearest one above it that there is.
std::string nearest_folder(const std::string& path);

std::string_view first_line(std::string_view text);
std::vector<std::string_view> lines_of(std::string_view text);

}  // namespace windlass::cli
