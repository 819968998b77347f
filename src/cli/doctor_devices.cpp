// Whether a device answers, and whose the memory is that is in use.
#include "cli/doctor_devices.h"

#include <fmt/core.h>

#include <algorithm>

#include "cli/body_text.h"
#include "cli/doctor_processes.h"

namespace windlass::cli {
namespace {

using base::Bytes;

// A desktop and its browser take some hundred MiB, and nobody minds.
constexpr Bytes kHolderMin{std::uint64_t{512} << 20};
// The driver keeps some for itself: up to 1 GiB of 80.
constexpr Bytes kUnattributedMin{std::uint64_t{2} << 30};
constexpr std::uint64_t kUnattributedShare = 20;  // a twentieth

void look_at_failure(const SeenDevice& seen, Report& report) {
    const base::Error& error = seen.sample.error();
    const FindingKind kind = error.code == base::Errc::timeout ? FindingKind::device_unresponsive
                             : error.code == base::Errc::device_lost ? FindingKind::device_lost
                             : error.message.contains("(18)")        ? FindingKind::driver_mismatch
                                                                     : FindingKind::device_failing;
    report.add(kind, fmt::format("{}: {}", one_line(seen.device.uuid), one_line(error.message)));
}

// Who has lost its parent goes to the first process, or to that of the user's session. What these
// start themselves leads a session of its own.
bool is_orphan(const DoctorView& view, const SeenProcess& process) {
    if (process.session == process.pid) return false;
    if (process.parent == 1) return true;
    const auto parent = see_process(view, process.parent);
    return parent && parent->name == "systemd";
}

void look_at_holder(const DoctorView& view, const SeenDevice& seen, const wire::HostProcess& holder,
                    Report& report) {
    const Bytes held = holder.bytes.value_or(Bytes{});
    if (held < kHolderMin || is_of_windlass(view, holder.pid)) return;
    const auto process = see_process(view, holder.pid);
    const std::string who = process ? to_text(*process) : fmt::format("process {}", holder.pid);
    const std::string what =
        fmt::format("{} holds {} of {}", who, base::to_text(held), one_line(seen.device.uuid));
    if (process && is_orphan(view, *process)) {
        report.add(FindingKind::orphan_holder,
                   fmt::format("{}; its parent is process {}", what, process->parent));
    } else {
        report.add(FindingKind::foreign_holder, what);
    }
}

void look_for_nobodys(const SeenDevice& seen, Report& report) {
    const Bytes used = seen.sample->used.value_or(Bytes{});
    Bytes listed;
    for (const wire::HostProcess& process : seen.sample->processes) {
        listed = listed + process.bytes.value_or(Bytes{});
    }
    const Bytes rest = used - std::min(listed, used);
    const Bytes share{seen.sample->capacity.value_or(Bytes{}).count() / kUnattributedShare};
    if (rest < std::max(kUnattributedMin, share)) return;
    report.add(FindingKind::memory_unattributed,
               fmt::format("{} of {} is in use, and {} processes hold {} of it",
                           base::to_text(used), one_line(seen.device.uuid),
                           seen.sample->processes.size(), base::to_text(listed)));
}

}  // namespace

void look_at_device(const DoctorView& view, const SeenDevice& seen, bool tells, Report& report) {
    if (!seen.sample) return look_at_failure(seen, report);
    for (const wire::HostProcess& holder : seen.sample->processes) {
        look_at_holder(view, seen, holder, report);
    }
    const bool is_nobody = tells && seen.sample->processes.empty();
    if (seen.sample->processes_known || is_nobody) return look_for_nobodys(seen, report);
    const auto& used = seen.sample->used;
    report.add(
        FindingKind::holders_hidden,
        fmt::format("{} has {} in use, and its driver names {} processes",
                    one_line(seen.device.uuid), used ? base::to_text(*used) : "unknown memory",
                    seen.sample->processes.size()));
}

}  // namespace windlass::cli
