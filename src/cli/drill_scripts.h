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

using JobDrillScript = base::Result<Report>(Stage&, const JobDrillArguments&);
JobDrillScript run_stall;
JobDrillScript run_load;
JobDrillScript run_crash;
JobDrillScript run_oom;
JobDrillScript run_leak;
JobDrillScript run_ignore_term;
JobDrillScript run_kill_daemon;
JobDrillScript run_slow_driver;
JobDrillScript run_memory;

// By its name on the command line.
struct JobDrillEntry {
    JobDrill drill;
    const char* name;
    JobDrillScript* script;
};

inline constexpr JobDrillEntry kJobDrills[] = {
    {JobDrill::stall, "stall", run_stall},
    {JobDrill::load, "load", run_load},
    {JobDrill::crash, "crash", run_crash},
    {JobDrill::oom, "oom", run_oom},
    {JobDrill::leak, "leak", run_leak},
    {JobDrill::ignore_term, "ignore-term", run_ignore_term},
    {JobDrill::kill_daemon, "kill-daemon", run_kill_daemon},
    {JobDrill::slow_driver, "slow-driver", run_slow_driver},
    {JobDrill::memory, "memory", run_memory},
};

}  // namespace windlass::cli::drill
