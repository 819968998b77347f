// Part of the check of drivers: one device, and who holds its memory.
#pragma once

#include "cli/doctor_report.h"
#include "cli/doctor_view.h"

namespace windlass::cli {

// `tells`: the driver lists processes of ours in any case, so that none listed are none.
void look_at_device(const DoctorView& view, const SeenDevice& seen, bool tells, Report& report);

}  // namespace windlass::cli
