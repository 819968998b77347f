// What each command does, apart from how it was asked for and where its words go.
#pragma once

#include <string>

#include "cli/command_line.h"

namespace windlass::cli {

struct CommandOutcome {
    int exit_code = 0;
    std::string out = {};  // for stdout
    std::string err = {};  // for stderr
};

CommandOutcome run(const Command& command);

CommandOutcome run(const ServeArguments& arguments);  // returns when the daemon has ended
CommandOutcome run(const CallArguments& arguments);
CommandOutcome run(const SubmitArguments& arguments);  // with --wait when the job is over
CommandOutcome run(const JobsArguments& arguments);    // likewise when it is followed
CommandOutcome run(const QueueArguments& arguments);
CommandOutcome run(const ReportArguments& arguments);
CommandOutcome run(const ModelsArguments& arguments);
CommandOutcome run(const DevicesArguments& arguments);
CommandOutcome run(const TopArguments& arguments);  // returns when it is ended
CommandOutcome run(const WorkersArguments& arguments);
CommandOutcome run(const IncidentsArguments& arguments);
CommandOutcome run(const ExplainArguments& arguments);
CommandOutcome run(const EventsArguments& arguments);  // who follows is done when killed
CommandOutcome run(const StatusArguments& arguments);
CommandOutcome run(const DoctorArguments& arguments);
CommandOutcome run(const ConfigCheckArguments& arguments);
CommandOutcome run(const ConfigKeysArguments& arguments);
CommandOutcome run(const DuplicatesArguments& arguments);
CommandOutcome run(const IdleArguments& arguments);
CommandOutcome run(const JobDrillArguments& arguments);
CommandOutcome run(const AllDrillsArguments& arguments);
CommandOutcome run(const ReplayArguments& arguments);
CommandOutcome run(const ErrorsArguments& arguments);
CommandOutcome run(const VersionArguments& arguments);
CommandOutcome run(const Printout& printout);

// The hidden commands. The first returns only when the worker's program could not be started.
int run_worker_exec(int count, char* const* arguments);
int run_evidence(int count, char* const* arguments);
int run_host_memory(int count, char* const* arguments);
int run_tag_search(int count, char* const* arguments);
int run_doctor_check(int count, char* const* arguments);
int run_keeper();
int run_ballast(int count, char* const* arguments);
int run_http_program(int count, char* const* arguments);
int run_drill_daemon(int count, char* const* arguments);
int run_drill_client(int count, char* const* arguments);
int run_drill_worker(int count, char* const* arguments);
int run_drill_watch(int count, char* const* arguments);
int run_driver_host(int count, char* const* arguments);

}  // namespace windlass::cli
