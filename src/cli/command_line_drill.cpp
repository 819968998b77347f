// The words of `windlass drill`, by CLI11.
#include "cli/command_line_drill.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>

namespace windlass::cli {
namespace {

constexpr unsigned kClientsMax = 64;

std::string size_mistake(const std::string& text) {
    const auto size = base::parse_bytes(text);
    if (size && size->count() != 0) return {};
    return fmt::format("must be an amount of memory such as 100MiB or 2GiB, not \"{}\"", text);
}

}  // namespace

DrillCommand::DrillCommand(CLI::App& parent)
    : app_(
          *parent.add_subcommand("drill", "Show on this machine that Windlass does what it says")) {
    app_.require_subcommand(1);
    app_.footer(
        "Each drill has a daemon, a folder and, without --real, an emulated device of its own, and "
        "leaves nothing behind. Exits with 0 when all was as expected, with 1 when not.\n\n"
        "Example:\n  windlass drill duplicates --clients 17");
    add_duplicates();
}

void DrillCommand::add_duplicates() {
    duplicates_app_ = app_.add_subcommand(
        "duplicates", "As many copies of a model as processes; then Windlass, with one");
    CLI::App& app = *duplicates_app_;
    app.add_option("--mode", mode_,
                   "dev: one process and one client; prod: all clients; monitor: only Windlass, "
                   "with 10 requests at once")
        ->check(CLI::IsMember({"dev", "prod", "monitor"}).description(""))
        ->type_name("MODE")
        ->capture_default_str();
    app.add_option("--clients", duplicates_.clients, "Processes that want the model at once")
        ->check(CLI::Range(1U, kClientsMax).description(""))
        ->type_name("NUMBER")
        ->capture_default_str();
    app.add_option("--model-size", model_size_, "Memory of the model")
        ->check(size_mistake)
        ->type_name("SIZE")
        ->capture_default_str();
    app.add_option("--port", duplicates_.port, "Port of the drill's daemon; 0 takes any free one")
        ->check(CLI::Range(0U, 65535U).description(""))
        ->type_name("PORT")
        ->capture_default_str();
    app.add_flag("--real", duplicates_.is_real,
                 "On the emptiest GPU of this machine, and only if it fits beside what runs");
    app.add_flag("--json", duplicates_.json, "Print JSON, with each look at the device");
    app.footer(
        "It says on stderr what it takes before it does; with --real it refuses where that would "
        "take memory away from others.\n\n"
        "Example:\n  windlass drill duplicates --clients 17 --model-size 100MiB");
}

bool DrillCommand::is_given() const { return app_.parsed(); }

Command DrillCommand::take() {
    duplicates_.mode = mode_ == "dev"       ? DuplicatesMode::dev
                       : mode_ == "monitor" ? DuplicatesMode::monitor
                                            : DuplicatesMode::prod;
    duplicates_.model_size = base::parse_bytes(model_size_).value_or(base::Bytes{0});
    return duplicates_;
}

}  // namespace windlass::cli
