// `windlass doctor` of the command line.
#include "cli/command_line_doctor.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include "cli/doctor_checks.h"

namespace windlass::cli {
namespace {

std::string limit_mistake(const std::string& text) {
    const auto limit = base::parse_duration(text);
    if (limit && *limit > base::Duration::zero()) return {};
    return fmt::format("must be a duration such as 5s or 1m, not \"{}\"", text);
}

}  // namespace

DoctorCommand::DoctorCommand(CLI::App& parent)
    : app_(*parent.add_subcommand("doctor", "Find what is wrong with this machine")) {
    app_.add_option("--config", configuration_, "Configuration file (default: windlass.toml)")
        ->type_name("FILE");
    app_.add_option("--state-dir", state_dir_, "Folder of what outlives the daemon, as of serve")
        ->type_name("FOLDER");
    std::vector<std::string> names;
    std::string listed;
    for (const DoctorCheck& check : doctor_checks()) {
        names.emplace_back(check.name);
        listed += fmt::format("{}{}", listed.empty() ? "" : ", ", check.name);
    }
    app_.add_option("--check", arguments_.checks,
                    "Make only this check; may be given several times: " + listed)
        ->check(CLI::IsMember(names).description(""))
        ->type_name("NAME");
    app_.add_option("--limit", limit_, "Longest time for each check, instead of 20s to 2m")
        ->check(limit_mistake)
        ->type_name("DURATION");
    app_.add_flag("--json", arguments_.json, "Print JSON");
    app_.footer(
        "Needs no daemon. Exits with 0 whatever it finds; docs/doctor.md says what to do about "
        "each finding.\n\nExample:\n  windlass doctor --config windlass.toml");
}

bool DoctorCommand::is_given() const { return app_.parsed(); }

Command DoctorCommand::take() {
    if (app_.count("--config") != 0) arguments_.configuration = configuration_;
    if (app_.count("--state-dir") != 0) arguments_.state_dir = state_dir_;
    arguments_.limit = base::parse_duration(limit_);
    return arguments_;
}

}  // namespace windlass::cli
