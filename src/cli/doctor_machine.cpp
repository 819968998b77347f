// The machine itself, as the checks ask it. Drivers are asked by `windlass driver-host` only.
#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <memory>

#include "cli/doctor_view.h"
#include "device/cpu_backend.h"
#include "device/host_link.h"
#include "io/loop.h"
#include "io/process.h"
#include "io/stream.h"
#include "worker/cgroup.h"
#include "worker/environment.h"
#include "worker/exec_shim.h"

namespace windlass::cli {
namespace {

using namespace std::chrono_literals;

constexpr const char* kOwnProgram = "/proc/self/exe";
constexpr std::size_t kSyncCount = 8;
constexpr base::Duration kSyncLimit = 5s;  // for all of them
constexpr std::size_t kOutputMax = 64 << 10;

std::optional<FileSystemNumbers> measure_file_system(const std::string& path) {
    struct statfs numbers = {};
    if (::statfs(path.c_str(), &numbers) != 0) return std::nullopt;
    const auto block = static_cast<std::uint64_t>(numbers.f_bsize);
    return FileSystemNumbers{.size = base::Bytes{numbers.f_blocks * block},
                             .free = base::Bytes{numbers.f_bavail * block},
                             .inodes = numbers.f_files,
                             .inodes_free = numbers.f_ffree,
                             .type = static_cast<std::uint64_t>(numbers.f_type)};
}

std::optional<std::uint64_t> hard_limit(__rlimit_resource resource) {
    rlimit limit = {};
    if (::getrlimit(resource, &limit) != 0 || limit.rlim_max == RLIM_INFINITY) return std::nullopt;
    return limit.rlim_max;
}

// As a daemon that starts does it; nothing stays.
base::Result<void> try_daemon_cgroup() {
    std::uint64_t number = 0;
    static_cast<void>(::getrandom(&number, sizeof number, 0));
    const std::string path =
        WL_TRY(worker::find_daemon_cgroup_path(fmt::format("{:016x}", number)));
    const base::Result<void> made = worker::make_daemon_cgroup(path);
    worker::remove_cgroup(path);
    return made;
}

// One question to each of some driver hosts, all at the same time.
std::vector<base::Result<std::string>> ask_hosts(const std::vector<device::DriverHostOrder>& orders,
                                                 base::Duration limit) {
    io::Loop loop;
    device::HostProcesses processes{loop, kOwnProgram, worker::own_environment()};
    const device::HostLimits limits{.answer = limit, .first_answer = limit, .restart_pause = limit};
    std::vector<base::Result<std::string>> answers(orders.size(), std::string{});
    std::vector<std::unique_ptr<device::HostLink>> links;
    std::size_t left = orders.size();
    for (std::size_t index = 0; index < orders.size(); ++index) {
        links.push_back(std::make_unique<device::HostLink>(loop, processes, orders[index], limits));
        const bool is_listing = orders[index].device.empty();
        links.back()->ask(
            is_listing ? wire::HostFrameType::ask_listing : wire::HostFrameType::ask_sample,
            is_listing ? "" : wire::to_json(wire::SampleOrder{}),
            [&, index](base::Result<std::string> meta) {
                answers[index] = std::move(meta);
                if (--left == 0) loop.stop();
            });
    }
    while (left > 0) loop.run([](base::Instant) { return std::nullopt; });
    links.clear();
    processes.finish(1s);
    return answers;
}

SeenDevices ask_drivers(base::Duration limit) {
    SeenDevices seen;
    const auto listed = ask_hosts({{.parent_pid = 0, .device = {}, .bus_id = {}}}, limit).front();
    if (!listed) {
        seen.listing = listed.error();
        return seen;
    }
    seen.listing = wire::parse_host_listing(*listed);
    if (!seen.listing) return seen;
    std::vector<device::DriverHostOrder> orders;
    for (const wire::HostDevice& device : seen.listing->devices) {
        orders.push_back(
            {.parent_pid = 0, .device = device.uuid, .bus_id = device.bus_id.value_or("")});
    }
    const auto said = ask_hosts(orders, limit);
    for (std::size_t index = 0; index < said.size(); ++index) {
        const auto sample = said[index] ? wire::parse_host_sample(*said[index])
                                        : base::Result<wire::HostSample>{said[index].error()};
        seen.devices.push_back({.device = seen.listing->devices[index], .sample = sample});
    }
    return seen;
}

ProgramOutcome run_program(const ProgramOrder& order) {
    io::Loop loop;
    ProgramOutcome outcome;
    auto pipe = io::make_pipe();
    if (!pipe) return {.exit_code = {}, .output = pipe.error().message};
    const auto keep = [&](std::span<const char> bytes) {
        outcome.output.append(bytes.data(), bytes.size());
        if (outcome.output.size() > 2 * kOutputMax) {
            outcome.output.erase(0, outcome.output.size() - kOutputMax);
        }
    };
    io::Stream output{
        loop, std::move(pipe->read_end), {.on_data = keep, .on_closed = [](const auto&) {}}};
    std::unique_ptr<io::Process> process;
    io::Timer limit{loop, [&] {
                        outcome.is_over = false;
                        loop.stop();
                    }};
    auto spawned =
        io::Process::spawn(loop,
                           {.executable = kOwnProgram,
                            .argv = worker::exec_shim_argv(::getpid(), "", order.argv),
                            .environment = order.environment,
                            .descriptors = {{.ours = pipe->write_end.number(), .theirs = 1},
                                            {.ours = pipe->write_end.number(), .theirs = 2}}},
                           [&] {
                               outcome.exit_code = process->reap().code;
                               loop.stop();
                           });
    if (!spawned) return {.exit_code = {}, .output = spawned.error().message};
    process = std::move(*spawned);
    limit.start(order.limit);
    loop.run([](base::Instant) { return std::nullopt; });
    output.drain(kOutputMax);
    return outcome;
}

// The first one starts the second, says its number, and is gone before that one is.
std::optional<int> make_machine_orphan() {
    const ProgramOutcome told = run_program({.argv = {kOwnProgram, "doctor-check", "--parent"},
                                             .environment = worker::own_environment(),
                                             .limit = 10s});
    int pid = 0;
    const char* const end = told.output.data() + told.output.size();
    const auto read = std::from_chars(told.output.data(), end, pid);
    if (told.exit_code != 0 || read.ec != std::errc{}) return std::nullopt;
    return pid;
}

std::chrono::nanoseconds read_clock(clockid_t clock) {
    timespec time = {};
    ::clock_gettime(clock, &time);
    return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

std::optional<bool> ask_adjtimex() {
    timex state = {};
    const int told = ::adjtimex(&state);
    if (told < 0) return std::nullopt;
    return told != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
}

base::Result<std::vector<base::Duration>> measure_syncs(const std::string& folder) {
    // No name: gone with its descriptor, whatever happens (open(2), O_TMPFILE). Where there is no
    // such thing, a name of our own.
    io::FileDescriptor file{::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600)};
    if (!file) {
        const std::string path = fmt::format("{}/.windlass-doctor-{}", folder, ::getpid());
        file.reset(::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
        if (!file) return io::system_error(errno, "writing to " + folder);
        ::unlink(path.c_str());
    }
    constexpr std::array<char, 4096> kBlock = {};
    std::vector<base::Duration> times;
    const auto began = read_clock(CLOCK_MONOTONIC);
    for (std::size_t round = 0; round < kSyncCount; ++round) {
        const auto before = read_clock(CLOCK_MONOTONIC);
        const ssize_t written = ::write(file.number(), kBlock.data(), kBlock.size());
        if (written != static_cast<ssize_t>(kBlock.size()) || ::fdatasync(file.number()) != 0) {
            return io::system_error(written < 0 || errno != 0 ? errno : ENOSPC,
                                    "writing to " + folder);
        }
        times.push_back(read_clock(CLOCK_MONOTONIC) - before);
        if (read_clock(CLOCK_MONOTONIC) - began > kSyncLimit) break;
    }
    return times;
}

}  // namespace

DoctorView machine_view(base::Duration limit) {
    DoctorView view;
    view.limit = limit;
    view.environment = daemon::process_environment();
    view.may = [](const std::string& path, int mode) {
        return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0;
    };
    view.file_system = measure_file_system;
    view.limits = [] {
        return ProcessLimits{.descriptors = hard_limit(RLIMIT_NOFILE),
                             .processes = hard_limit(RLIMIT_NPROC)};
    };
    view.try_cgroup = try_daemon_cgroup;
    view.devices = [limit] { return ask_drivers(limit / 3); };
    view.host_memory = [] { return device::CpuBackend{}.sample({}); };
    view.run = run_program;
    view.make_orphan = make_machine_orphan;
    view.clocks = [] {
        return ClockReading{.wall = read_clock(CLOCK_REALTIME),
                            .steady = read_clock(CLOCK_MONOTONIC)};
    };
    view.is_clock_kept = ask_adjtimex;
    view.sync_times = measure_syncs;
    view.pause = [](base::Duration pause) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(pause);
        ::poll(nullptr, 0, static_cast<int>(left.count()));
    };
    return view;
}

}  // namespace windlass::cli
