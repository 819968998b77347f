// Cgroups: whether workers can have their own, and room for processes in ours.
#include <fmt/core.h>

#include <algorithm>

#include "cli/doctor_checks.h"
#include "worker/cgroup.h"

namespace windlass::cli {
namespace {

constexpr std::uint64_t kPlacesMin = 100;  // a worker with PyTorch has some 50 threads

void look_at_places(const DoctorView& view, Report& report) {
    // Version 1 has it below `pids`; a container mounts only its own part, at the top of it.
    const auto own = worker::find_own_cgroup(read_text_file(view, "/proc/self/cgroup"),
                                             read_text_file(view, "/proc/self/mountinfo"));
    std::vector<std::string> folders{"/sys/fs/cgroup/pids"};
    if (own) folders.push_back(*own);
    for (const std::string& folder : folders) {
        const auto most = read_number_file(view, folder + "/pids.max");  // "max": no number
        const auto present = read_number_file(view, folder + "/pids.current");
        if (!most || !present) continue;
        report.tell("cgroups.pids", fmt::format("{} of {}", *present, *most));
        if (*most - std::min(*present, *most) >= kPlacesMin) continue;
        report.add(FindingKind::pids_limit_near,
                   fmt::format("{} of {} are in use ({}/pids.max)", *present, *most, folder));
    }
}

}  // namespace

void check_cgroups(const DoctorView& view, Report& report) {
    look_at_places(view, report);
    if (read_plan(view).configuration.daemon.cgroups == daemon::Cgroups::none) {
        return report.tell("cgroups", "switched off by the configuration");
    }
    const base::Result<void> made = view.try_cgroup();
    report.tell("cgroups", made ? "version 2, writable" : "cannot be used");
    if (!made) report.add(FindingKind::cgroups_unusable, made.error().message);
}

}  // namespace windlass::cli
