// `windlass submit`, `jobs`, `queue` and `report` of the command line.
#include "cli/command_line_jobs.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include "base/wall_time.h"
#include "cli/command_line_url.h"
#include "cli/query_text.h"

namespace windlass::cli {
namespace {

constexpr int kUsageError = 2;  // as `invalid_input`: docs/errors.md

std::string duration_mistake(const std::string& text) {
    const auto duration = base::parse_duration(text);
    if (duration && duration->count() > 0) return {};
    return fmt::format("must be a duration above 0 such as 1500ms, 30s or 5m, not \"{}\"", text);
}

template <class T>
std::optional<T> given(const CLI::App& app, const std::string& option, const T& value) {
    if (app.count(option) == 0) return std::nullopt;
    return value;
}

struct NamedOrder {
    const char* name;
    JobOrder order;
};
constexpr NamedOrder kOrders[] = {{"cancel", JobOrder::cancel},
                                  {"retry", JobOrder::retry},
                                  {"hold", JobOrder::hold},
                                  {"release", JobOrder::release},
                                  {"delete", JobOrder::remove}};

}  // namespace

SubmitCommand::SubmitCommand(CLI::App& parent)
    : app_(*parent.add_subcommand("submit", "Hand a job over to a model and print the job's id")) {
    add_wishes();
    app_.add_flag("--wait", arguments_.wait, "Wait until it is over and print its result");
    app_.add_flag("--follow", arguments_.follow, "The same, and show how far it is");
    app_.add_option("--output", output_, "With --wait or --follow: write the result to this file")
        ->type_name("FILE");
    app_.add_flag("--json", arguments_.json, "Print JSON");
    add_url(app_, arguments_.url);
    app_.footer(
        "The id is printed once the job is on disk. Ending this command does not end the job; "
        "windlass jobs cancel does. With --wait or --follow the exit code says the kind of the "
        "job's error (windlass errors).\n\nExample:\n  windlass submit flux --data "
        "'{\"prompt\": \"a harbour\"}' --key order-7\n  windlass submit digits --file three.json "
        "--follow");
}

void SubmitCommand::add_wishes() {
    JobOptions& options = arguments_.options;
    app_.add_option("--priority", priority_, "0 (first) to 9")
        ->check(CLI::Range(0, 9).description(""))
        ->type_name("NUMBER");
    app_.add_option("--variant", options.variant, "Named setting of the model")->type_name("NAME");
    app_.add_option("--key", options.key, "The same key again is the same job, done once")
        ->type_name("TEXT");
    app_.add_option("--tenant", options.tenant, "Whose share of the model it takes")
        ->type_name("TEXT");
    app_.add_option("--run-at", options.run_at, "Not before: 10m from now, or 2026-01-31T13:45:00Z")
        ->type_name("TIME");
    app_.add_option("--deadline", options.deadline, "Given up then, unless it is over; likewise")
        ->type_name("TIME");
    app_.add_option("--run-timeout", run_timeout_, "Longest time of one attempt")
        ->check(duration_mistake)
        ->type_name("DURATION");
    app_.add_option("--stall-timeout", stall_timeout_, "Longest time without progress")
        ->check(duration_mistake)
        ->type_name("DURATION");
}

bool SubmitCommand::is_given() const { return app_.parsed(); }

Command SubmitCommand::take() {
    if (!input_.is_given()) {
        return Printout{kUsageError,
                        "windlass submit: nothing to send: give --data TEXT, --file FILE, or - for "
                        "standard input (--data null for a model that wants nothing)\n"};
    }
    if (app_.count("--output") != 0 && !arguments_.wait && !arguments_.follow) {
        return Printout{kUsageError,
                        "windlass submit: --output is for the result: add --wait or --follow, or "
                        "fetch it later with windlass jobs result ID --output FILE\n"};
    }
    arguments_.data = input_.data();
    arguments_.file = input_.file();
    arguments_.content_type = input_.content_type();
    arguments_.output = given(app_, "--output", output_);
    arguments_.options.priority = given(app_, "--priority", priority_);
    arguments_.options.run_timeout = base::parse_duration(run_timeout_);
    arguments_.options.stall_timeout = base::parse_duration(stall_timeout_);
    return arguments_;
}

JobsCommand::JobsCommand(CLI::App& parent)
    : app_(
          *parent.add_subcommand("jobs", "Show jobs; cancel, retry, hold, follow or delete them")) {
    add_list(app_);
    app_.footer(
        "Without --all or --state those that are not over.\n\nExample:\n  windlass jobs\n  "
        "windlass "
        "jobs list --state failed --model flux\n  windlass jobs follow j17");
    app_.require_subcommand(0, 1);
    CLI::App& list = *app_.add_subcommand("list", "Jobs (without an action, too)");
    add_list(list);
    list.footer("Example:\n  windlass jobs list --all --limit 20");
    add_one("show", "One job with its attempts");
    CLI::App& result = add_one("result", "Print what the model made of it");
    result.add_option("--output", output_, "Write it to this file")->type_name("FILE");
    add_one("follow", "Show how far a job is until it is over");
    add_order("cancel", "End jobs that wait or run");
    add_order("retry", "Begin failed or cancelled jobs anew");
    add_order("hold", "Let waiting jobs not begin");
    add_order("release", "Let held jobs begin");
    add_order("delete", "Forget jobs that are over, with their results");
}

void JobsCommand::add_common(CLI::App& app) {
    app.add_flag("--json", arguments_.json, "Print JSON");
    add_url(app, arguments_.url);
}

void JobsCommand::add_filter(CLI::App& app) {
    app.add_flag("--all", all_, "All jobs");
    app.add_option("--state", states_,
                   "In this state; more than once, or with commas, in one of these")
        ->delimiter(',')
        ->check(CLI::IsMember({"scheduled", "available", "held", "running", "succeeded", "failed",
                               "cancelled"})
                    .description(""))
        ->type_name("STATE");
    app.add_option("--model", model_, "Of this model")->type_name("MODEL");
    app.add_option("--tenant", tenant_, "Of this tenant")->type_name("TEXT");
    app.add_option("--key", key_, "With this key")->type_name("TEXT");
}

void JobsCommand::add_list(CLI::App& app) {
    add_filter(app);
    app.add_option("--limit", limit_, "So many of the latest")
        ->check(CLI::Range(1, 1000).description(""))
        ->type_name("COUNT")
        ->capture_default_str();
    app.add_option("--after", after_, "Those that were handed over before this one")
        ->type_name("ID");
    add_common(app);
}

CLI::App& JobsCommand::add_one(const char* name, const char* meaning) {
    CLI::App& action = *app_.add_subcommand(name, meaning);
    action.add_option("ID", arguments_.id, "Id of the job, such as j17")->required()->type_name("");
    add_common(action);
    action.footer(fmt::format("Example:\n  windlass jobs {} j17", name));
    return action;
}

void JobsCommand::add_order(const char* name, const char* meaning) {
    CLI::App& action = *app_.add_subcommand(name, meaning);
    action.add_option("ID", arguments_.id, "Id of the job; without it all that match")
        ->type_name("");
    add_filter(action);
    add_common(action);
    action.footer(
        fmt::format("Example:\n  windlass jobs {0} j17\n  windlass jobs {0} --model flux", name));
}

bool JobsCommand::is_given() const { return app_.parsed(); }

std::string JobsCommand::filter() const {
    std::string query;
    std::string states;
    for (const std::string& state : states_) states += (states.empty() ? "" : ",") + state;
    add_parameter(query, "state", states);
    add_parameter(query, "model", model_);
    add_parameter(query, "tenant", tenant_);
    add_parameter(query, "key", key_);
    return query;
}

Command JobsCommand::take() {
    arguments_.query = filter();
    for (const auto& [name, order] : kOrders) {
        if (!app_.got_subcommand(name)) continue;
        arguments_.action = JobsAction::order;
        arguments_.order = order;
        const bool is_filtered = all_ || !arguments_.query.empty();
        if (arguments_.id.empty() != is_filtered) {
            return Printout{kUsageError,
                            fmt::format("windlass jobs {}: say which jobs: either an ID, or which "
                                        "ones with --state, --model, --tenant or --key, or --all\n",
                                        name)};
        }
        if (all_) add_parameter(arguments_.query, "all", "1");
        return arguments_;
    }
    if (app_.got_subcommand("show")) arguments_.action = JobsAction::show;
    if (app_.got_subcommand("follow")) arguments_.action = JobsAction::follow;
    if (app_.got_subcommand("result")) {
        arguments_.action = JobsAction::result;
        arguments_.output = given(*app_.get_subcommand("result"), "--output", output_);
    }
    if (states_.empty() && !all_) {
        add_parameter(arguments_.query, "state", "scheduled,available,held,running");
    }
    add_parameter(arguments_.query, "limit", std::to_string(limit_));
    add_parameter(arguments_.query, "after", after_);
    return arguments_;
}

QueueCommand::QueueCommand(CLI::App& parent)
    : app_(*parent.add_subcommand("queue", "Count the jobs of each model by their states")) {
    app_.add_flag("--detailed", arguments_.detailed,
                  "Also what ended in the last 24 hours, and how long it took");
    app_.add_flag("--json", arguments_.json, "Print JSON");
    add_url(app_, arguments_.url);
    app_.footer("Example:\n  windlass queue --detailed");
}

bool QueueCommand::is_given() const { return app_.parsed(); }

ReportCommand::ReportCommand(CLI::App& parent)
    : app_(*parent.add_subcommand("report",
                                  "Say how the jobs of the last hours went, and what broke")) {
    app_.add_option("--since", arguments_.since, "How far back, such as 6h or 7d")
        ->check(duration_mistake)
        ->type_name("DURATION")
        ->capture_default_str();
    app_.add_flag("--json", arguments_.json, "Print JSON");
    add_url(app_, arguments_.url);
    app_.footer(
        "Counted is what ended since then, to the ten minutes. Of incidents the daemon keeps the "
        "latest 100 since its start; windlass events has older ones.\n\nExample:\n  windlass "
        "report --since 24h");
}

bool ReportCommand::is_given() const { return app_.parsed(); }

}  // namespace windlass::cli
