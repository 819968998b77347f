// The checks of `windlass doctor`. Each looks at one side of the machine, runs in a process of its
// own (`windlass doctor-check NAME`), and may hang or die: the doctor tells so and goes on.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "cli/doctor_report.h"
#include "cli/doctor_view.h"

namespace windlass::cli {

void check_drivers(const DoctorView& view, Report& report);
void check_permissions(const DoctorView& view, Report& report);
void check_container(const DoctorView& view, Report& report);
void check_memory(const DoctorView& view, Report& report);
void check_cgroups(const DoctorView& view, Report& report);
void check_processes(const DoctorView& view, Report& report);
void check_workers(const DoctorView& view, Report& report);
void check_daemon(const DoctorView& view, Report& report);
void check_configuration(const DoctorView& view, Report& report);
void check_python(const DoctorView& view, Report& report);
void check_clock(const DoctorView& view, Report& report);
void check_disk(const DoctorView& view, Report& report);

struct DoctorCheck {
    std::string_view name;
    void (*run)(const DoctorView& view, Report& report);
    base::Duration limit;  // then it is killed
};

// In the order in which they are shown. All run at the same time.
std::span<const DoctorCheck> doctor_checks();

// Long enough for what is only busy: a second look shows what lasts.
inline constexpr base::Duration kSecondLook = std::chrono::milliseconds{500};
// So many of them until a zombie counts as forgotten: some first processes reap every 2 s.
inline constexpr int kReapingLooks = 12;

}  // namespace windlass::cli
