// `windlass doctor` of the command line.
#include "cli/command_line_doctor.h"

#include <CLI/CLI.hpp>

namespace windlass::cli {

DoctorCommand::DoctorCommand(CLI::App& parent)
    : app_(*parent.add_subcommand("doctor", "Find what is wrong with this machine")) {
    app_.add_option("--config", configuration_, "Configuration file (default: windlass.toml)")
        ->type_name("FILE");
    app_.add_option("--state-dir", state_dir_, "Folder of what outlives the daemon, as of serve")
        ->type_name("FOLDER");
    app_.add_flag("--json", arguments_.json, "Print JSON");
    app_.footer(
        "Needs no daemon. Exits with 0 whatever it finds; docs/doctor.md says what to do about "
        "each finding.\n\nExample:\n  windlass doctor --config windlass.toml");
}

bool DoctorCommand::is_given() const { return app_.parsed(); }

Command DoctorCommand::take() {
    if (app_.count("--config") != 0) arguments_.configuration = configuration_;
    if (app_.count("--state-dir") != 0) arguments_.state_dir = state_dir_;
    return arguments_;
}

}  // namespace windlass::cli
