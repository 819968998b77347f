// What this user may do.
#include <fmt/core.h>
#include <unistd.h>

#include <filesystem>

#include "cli/body_text.h"
#include "cli/doctor_checks.h"

namespace windlass::cli {
namespace {

constexpr std::uint64_t kDescriptorsMin = 4096;  // each connection takes one, each worker some 5
constexpr std::uint64_t kProcessesMin = 512;
constexpr unsigned kPtraceCapability = 19;  // CAP_SYS_PTRACE, linux/capability.h

bool has_ptrace_capability(const DoctorView& view) {
    const std::string status = read_text_file(view, "/proc/self/status");
    const std::string_view key = "CapEff:";
    const std::size_t at = status.find(key);
    if (at == std::string::npos) return false;
    const unsigned long long bits = std::strtoull(status.c_str() + at + key.size(), nullptr, 16);
    return ((bits >> kPtraceCapability) & 1U) != 0;
}

// Yama: 1 allows what a worker permits, which is its daemon; 2 asks for the capability; 3 forbids
// it to everybody (Linux Documentation/admin-guide/LSM/Yama.rst).
void look_at_tracing(const DoctorView& view, Report& report) {
    const auto scope = read_number_file(view, "/proc/sys/kernel/yama/ptrace_scope");
    if (!scope || *scope < 2 || (*scope == 2 && has_ptrace_capability(view))) return;
    report.add(FindingKind::stacks_denied,
               fmt::format("/proc/sys/kernel/yama/ptrace_scope holds {}", *scope));
}

void look_at_folder(const DoctorView& view, const std::string& path, FindingKind kind,
                    Report& report) {
    const std::string folder = nearest_folder(path);
    if (view.may(folder, W_OK | X_OK)) return;
    report.add(kind, fmt::format("user {} may not write to {}{}", ::geteuid(), one_line(folder),
                                 folder == path ? "" : ", which is to hold " + one_line(path)));
}

void look_at_limits(const DoctorView& view, Report& report) {
    const ProcessLimits limits = view.limits();
    if (limits.descriptors && *limits.descriptors < kDescriptorsMin) {
        report.add(FindingKind::descriptors_few,
                   fmt::format("the hard limit of open files is {}", *limits.descriptors));
    }
    if (limits.processes && *limits.processes < kProcessesMin) {
        report.add(FindingKind::processes_few,
                   fmt::format("the limit of processes and threads is {}", *limits.processes));
    }
}

}  // namespace

void check_permissions(const DoctorView& view, Report& report) {
    const daemon::DaemonConfiguration daemon = read_plan(view).configuration.daemon;
    look_at_folder(view, daemon.state_dir, FindingKind::state_dir_denied, report);
    for (const std::string& file : {daemon.access_log, daemon.socket}) {
        const bool is_in_state = file.starts_with(daemon.state_dir + "/");
        if (file.empty() || file == "-" || is_in_state) continue;
        look_at_folder(view, std::filesystem::path{file}.parent_path(),
                       FindingKind::log_or_socket_denied, report);
    }
    look_at_tracing(view, report);
    look_at_limits(view, report);
}

}  // namespace windlass::cli
