// `windlass events` of the command line.
#include "cli/command_line_events.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include "base/wall_time.h"
#include "cli/command_line_url.h"
#include "cli/query_text.h"

namespace windlass::cli {
namespace {

std::string since_mistake(const std::string& text) {
    if (base::parse_duration(text) || base::parse_utc(text)) return {};
    return fmt::format(
        "must be how far back, such as 10m or 2h, or a time such as 2026-01-31T13:45:00Z, not "
        "\"{}\"",
        text);
}

}  // namespace

EventsCommand::EventsCommand(CLI::App& parent)
    : app_(*parent.add_subcommand("events", "Show what happened, or what happens")) {
    app_.add_flag("--follow", arguments_.follow,
                  "Go on as events come, also after the daemon was restarted");
    app_.add_option("--since", since_, "All since then: 10m, 2h, or 2026-01-31T13:45:00Z")
        ->check(since_mistake)
        ->type_name("TIME");
    app_.add_option("--model", model_, "About this model")->type_name("MODEL");
    app_.add_option("--worker", worker_, "About the worker of this number")->type_name("NUMBER");
    app_.add_option("--job", job_, "About this job")->type_name("ID");
    app_.add_option("--code", code_, "With this code; model. means all that begin so")
        ->type_name("CODE");
    app_.add_option("--level", level_, "Of this level and above: info, warning or error")
        ->check(CLI::IsMember({"info", "warning", "error"}).description(""))
        ->type_name("LEVEL");
    app_.add_option("--limit", arguments_.limit, "Without --since: so many of the latest")
        ->check(CLI::Range(1, 1000).description(""))
        ->capture_default_str()
        ->type_name("COUNT");
    app_.add_flag("--json", arguments_.json, "Print a JSON object a line");
    add_url(app_, arguments_.url);
    app_.footer(
        "docs/events.md says what each code means and what to do.\n\nExample:\n  windlass events "
        "--since 10m --level warning\n  windlass events --follow --model digits");
}

bool EventsCommand::is_given() const { return app_.parsed(); }

Command EventsCommand::take() {
    std::string& query = arguments_.query;
    add_parameter(query, "model", model_);
    if (app_.count("--worker") != 0) add_parameter(query, "worker", std::to_string(worker_));
    add_parameter(query, "job", job_);
    add_parameter(query, "code", code_);
    add_parameter(query, "level", level_);
    arguments_.since = since_;
    return arguments_;
}

}  // namespace windlass::cli
