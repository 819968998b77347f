// The first process of the container: whether it does its duty.
#include <fmt/core.h>

#include <algorithm>

#include "cli/body_text.h"
#include "cli/doctor_checks.h"
#include "cli/doctor_processes.h"

namespace windlass::cli {
namespace {

// What put us there, as the usual ones say it; empty: nothing does.
std::string container_kind(const DoctorView& view) {
    if (exists(view, "/.dockerenv")) return "docker";
    if (exists(view, "/run/.containerenv")) return "podman";
    if (view.environment.contains("KUBERNETES_SERVICE_HOST")) return "kubernetes";
    return std::string{first_line(read_text_file(view, "/run/systemd/container"))};
}

// None: it was reaped, or there was none.
std::optional<SeenProcess> lasting_orphan(const DoctorView& view) {
    const std::optional<int> pid = view.make_orphan();
    for (int look = 0; pid && look < kReapingLooks; ++look) {
        auto orphan = see_process(view, *pid);
        if (!orphan) return std::nullopt;
        if (look + 1 == kReapingLooks && orphan->state == 'Z') return orphan;
        view.pause(kSecondLook);
    }
    return std::nullopt;
}

}  // namespace

void check_container(const DoctorView& view, Report& report) {
    const std::string kind = container_kind(view);
    report.tell("container", kind.empty() ? "none seen" : one_line(kind));
    const auto first = see_process(view, 1);
    if (first) report.tell("container.first_process", one_line(first->name));
    const auto orphan = lasting_orphan(view);
    if (!orphan) return;
    const auto heir = see_process(view, orphan->parent);
    report.add(FindingKind::init_does_not_reap,
               fmt::format("a process that was made an orphan is still a zombie after 6 s; its "
                           "parent became {}",
                           heir ? to_text(*heir) : fmt::format("process {}", orphan->parent)));
}

}  // namespace windlass::cli
