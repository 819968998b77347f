// The words of `windlass top`, by CLI11.
#include "cli/command_line_top.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <limits>

#include "cli/command_line_url.h"
#include "cli/top_interval.h"

namespace windlass::cli {
namespace {

std::string interval_mistake(const std::string& text) {
    const auto interval = base::parse_duration(text);
    if (interval && *interval >= kShortestInterval && *interval <= kLongestInterval) return {};
    return fmt::format("must be a duration from {} to {}, such as 2s, not \"{}\"",
                       base::to_text(kShortestInterval), base::to_text(kLongestInterval), text);
}

}  // namespace

TopCommand::TopCommand(CLI::App& parent)
    : app_(*parent.add_subcommand(
          "top", "Watch devices, models, workers and waits; kill a worker from there")) {
    app_.add_option("--interval", interval_, "Time between two looks")
        ->check(interval_mistake)
        ->type_name("DURATION")
        ->capture_default_str();
    app_.add_option("--count", count_, "Look so many times, then end")
        ->check(
            CLI::Range(std::int64_t{1}, std::numeric_limits<std::int64_t>::max()).description(""))
        ->type_name("COUNT");
    app_.add_flag("--no-color", arguments_.no_colour, "No colours; also with NO_COLOR");
    app_.add_flag("--json", arguments_.json, "Print a line of JSON for each look");
    add_url(app_, arguments_.url);
    app_.footer(
        "Keys: ? shows them, q quits. What is not known is shown as -.\n\n"
        "Example:\n  windlass top\n  windlass top --json --count 1");
}

bool TopCommand::is_given() const { return app_.parsed(); }

Command TopCommand::take() {
    arguments_.interval = base::parse_duration(interval_).value_or(kShortestInterval);
    if (app_.count("--count") > 0) arguments_.count = count_;
    return arguments_;
}

}  // namespace windlass::cli
