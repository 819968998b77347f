// The words of `windlass drill`, by CLI11.
#include "cli/command_line_drill.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <optional>

namespace windlass::cli {
namespace {

constexpr unsigned kClientsMax = 64;
constexpr unsigned kJobsMax = 100'000;

std::string size_mistake(const std::string& text) {
    const auto size = base::parse_bytes(text);
    if (size && size->count() != 0) return {};
    return fmt::format("must be an amount of memory such as 100MiB or 2GiB, not \"{}\"", text);
}

// Idle times are as short as a person waits.
constexpr std::chrono::minutes kIdleMax{1};

// "2s", or "2", which is the same.
std::optional<base::Duration> read_seconds(const std::string& text) {
    const auto duration = base::parse_duration(text);
    return duration ? duration : base::parse_duration(text + "s");
}

std::string idle_mistake(const std::string& text) {
    const auto duration = read_seconds(text);
    if (duration && *duration <= kIdleMax) return {};
    return fmt::format("must be seconds such as 2, or 500ms, up to {}; not \"{}\"",
                       base::to_text(kIdleMax), text);
}

void add_seconds(CLI::App& app, const char* name, std::string& text, const char* meaning) {
    app.add_option(name, text, meaning)
        ->check(idle_mistake)
        ->type_name("SECONDS")
        ->capture_default_str();
}

// What every drill has.
template <class Arguments>
void add_where(CLI::App& app, Arguments& arguments, std::string& model_size) {
    app.add_option("--model-size", model_size, "Memory of the model")
        ->check(size_mistake)
        ->type_name("SIZE")
        ->capture_default_str();
    app.add_option("--port", arguments.port, "Port of the drill's daemon; 0 takes any free one")
        ->check(CLI::Range(0U, 65535U).description(""))
        ->type_name("PORT")
        ->capture_default_str();
    app.add_flag("--real", arguments.is_real,
                 "On the emptiest GPU of this machine, and only if it fits beside what runs");
    app.add_flag("--json", arguments.json, "Print JSON, with each look at the device");
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
    add_idle();
    add_job_drills();
    add_all();
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
    add_where(app, duplicates_, model_size_);
    app.footer(
        "It says on stderr what it takes before it does; with --real it refuses where that would "
        "take memory away from others.\n\n"
        "Example:\n  windlass drill duplicates --clients 17 --model-size 100MiB");
}

void DrillCommand::add_idle() {
    idle_app_ = app_.add_subcommand(
        "idle", "An idle model leaves the device, comes back for a call, and ends, each in time");
    CLI::App& app = *idle_app_;
    add_seconds(app, "--offload", offload_, "Idle time until its weights go to host memory");
    add_seconds(app, "--unload", unload_, "Idle time until its process ends");
    add_seconds(app, "--slack", slack_, "How late each of the two may be");
    add_where(app, idle_, model_size_);
    app.footer(
        "It says on stderr what it takes before it does; with --real it refuses where that would "
        "take memory away from others.\n\n"
        "Example:\n  windlass drill idle --offload 2 --unload 4");
}

void DrillCommand::add_job_drill(const char* name, JobDrill drill, const char* meaning,
                                 const char* example) {
    CLI::App& app = *app_.add_subcommand(name, meaning);
    job_apps_[drill] = &app;
    if (drill == JobDrill::stall)
        add_seconds(app, "--stall", stall_, "Without progress for so long a job is stalled");
    if (drill == JobDrill::load) {
        app.add_option("--jobs", jobs_, "Jobs that are handed over")
            ->check(CLI::Range(1U, kJobsMax).description(""))
            ->type_name("NUMBER")
            ->capture_default_str();
    }
    add_seconds(app, "--slack", job_slack_, "How late each thing may be");
    app.add_flag("--json", json_, "Print JSON, with each look at the device");
    app.footer(fmt::format("Example:\n  windlass drill {}", example));
}

void DrillCommand::add_job_drills() {
    add_job_drill("stall", JobDrill::stall,
                  "A job hangs: it is found out in time, and runs again in a fresh process",
                  "stall --stall 2s");
    add_job_drill("load", JobDrill::load,
                  "Many jobs from several clients: none is lost, none is done twice",
                  "load --jobs 200");
    add_job_drill("crash", JobDrill::crash,
                  "A job that kills its worker is given up in the end; the others are done",
                  "crash");
    add_job_drill("oom", JobDrill::oom,
                  "A job runs out of device memory: room is made, and it is tried again", "oom");
    add_job_drill("leak", JobDrill::leak,
                  "A worker that keeps growing is replaced, and all its memory comes back", "leak");
    add_job_drill("ignore-term", JobDrill::ignore_term,
                  "A worker that ignores SIGTERM is killed at its time", "ignore-term");
    add_job_drill("kill-daemon", JobDrill::kill_daemon,
                  "SIGKILL of the daemon: no job is lost, none is done twice, nothing lives on",
                  "kill-daemon");
    add_job_drill("slow-driver", JobDrill::slow_driver,
                  "The driver does not answer: calls and jobs go on, numbers tell their age",
                  "slow-driver");
    add_job_drill("memory", JobDrill::memory,
                  "More models than fit take turns, and give back every byte", "memory");
}

void DrillCommand::add_all() {
    all_app_ = app_.add_subcommand("all", "Every drill, one after the other");
    add_seconds(*all_app_, "--slack", job_slack_, "How late each thing may be");
    all_app_->add_flag("--json", json_, "Print JSON");
    all_app_->footer("Takes about a minute.\n\nExample:\n  windlass drill all");
}

bool DrillCommand::is_given() const { return app_.parsed(); }

Command DrillCommand::take_idle() {
    idle_.offload = read_seconds(offload_).value_or(base::Duration{0});
    idle_.unload = read_seconds(unload_).value_or(base::Duration{0});
    idle_.slack = read_seconds(slack_).value_or(base::Duration{0});
    idle_.model_size = base::parse_bytes(model_size_).value_or(base::Bytes{0});
    if (idle_.offload < idle_.unload) return idle_;
    return Printout{2, fmt::format("windlass drill idle: --unload ({}) must be longer than "
                                   "--offload ({}): the weights leave first\n",
                                   unload_, offload_)};
}

Command DrillCommand::take_job_drill() {
    const base::Duration slack = read_seconds(job_slack_).value_or(base::Duration{0});
    if (all_app_->parsed()) return AllDrillsArguments{.slack = slack, .json = json_};
    JobDrillArguments arguments{.jobs = jobs_,
                                .stall = read_seconds(stall_).value_or(base::Duration{0}),
                                .slack = slack,
                                .json = json_};
    for (const auto& [drill, app] : job_apps_) {
        if (app->parsed()) arguments.drill = drill;
    }
    return arguments;
}

Command DrillCommand::take() {
    if (idle_app_->parsed()) return take_idle();
    if (!duplicates_app_->parsed()) return take_job_drill();
    duplicates_.mode = mode_ == "dev"       ? DuplicatesMode::dev
                       : mode_ == "monitor" ? DuplicatesMode::monitor
                                            : DuplicatesMode::prod;
    duplicates_.model_size = base::parse_bytes(model_size_).value_or(base::Bytes{0});
    return duplicates_;
}

}  // namespace windlass::cli
