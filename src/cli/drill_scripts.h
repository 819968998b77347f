// What each drill does on its stage. An error is about the drill itself; what Windlass fell short
// of is in the report.
#pragma once

#include "base/result.h"
#include "cli/command_line.h"
#include "cli/drill_report.h"
#include "cli/drill_stage.h"

namespace windlass::cli::drill {

base::Result<Report> run_duplicates(Stage& stage, const DuplicatesArguments& arguments);
base::Result<Report> run_idle(Stage& stage, const IdleArguments& arguments);

}  // namespace windlass::cli::drill
