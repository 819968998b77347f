// Part of the check of drivers: one device, and who holds its memory.
#pragma once

#include "cli/doctor_report.h"
#include "cli/doctor_view.h"

namespace windlass::cli {

void look_at_device(const DoctorView& view, const SeenDevice& seen, Report& report);

}  // namespace windlass::cli
