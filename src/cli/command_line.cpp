// The command line: with command_line_*.cpp the only file that includes CLI11.
#include "cli/command_line.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <limits>
#include <memory>
#include <sstream>

#include "cli/command_line_doctor.h"
#include "cli/command_line_drill.h"
#include "cli/command_line_events.h"
#include "cli/command_line_explain.h"
#include "cli/command_line_input.h"
#include "cli/command_line_jobs.h"
#include "cli/command_line_top.h"
#include "cli/command_line_url.h"
#include "cli/suggestion.h"

namespace windlass::cli {
namespace {

constexpr int kUsageError = 2;  // as `invalid_input`: docs/errors.md

// Plainer than CLI11's own: no notes on what excludes or needs what, defaults in parentheses.
class HelpFormatter : public CLI::Formatter {
  public:
    HelpFormatter() {
        label("Positionals", "Arguments");
        label("SUBCOMMAND", "COMMAND");
    }

    std::string make_option(const CLI::Option* option, bool is_positional) const override {
        std::string name = make_option_name(option, is_positional);
        const std::string type = option->get_type_name();
        if (!is_positional && !type.empty()) name += " " + type;
        std::string meaning = make_option_desc(option);
        if (!option->get_default_str().empty())
            meaning += fmt::format(" (default: {})", option->get_default_str());
        std::ostringstream out;
        CLI::detail::format_help(out, name, meaning, get_column_width());
        return out.str();
    }
};

std::string duration_mistake(const std::string& text) {
    if (base::parse_duration(text)) return {};
    return fmt::format("must be a duration such as 1500ms, 30s or 5m, not \"{}\"", text);
}

std::string bytes_mistake(const std::string& text) {
    if (base::parse_bytes(text)) return {};
    return fmt::format("must be an amount such as 64MiB or 1GB, not \"{}\"", text);
}

// An option whose text is a duration; read_duration() turns it into one.
void add_duration(CLI::App& app, const char* name, std::string& text, const char* meaning) {
    app.add_option(name, text, meaning)->check(duration_mistake)->type_name("DURATION");
}

std::optional<base::Duration> read_duration(const std::string& text) {
    return base::parse_duration(text);
}

// What every command has that shows something of the daemon. Returns `app`.
template <class Arguments>
CLI::App& add_common(CLI::App& app, Arguments& arguments) {
    app.add_flag("--json", arguments.json, "Print JSON");
    add_url(app, arguments.url);
    return app;
}

void add_id(CLI::App& app, std::uint64_t& id, const char* meaning) {
    app.add_option("ID", id, meaning)
        ->required()
        ->check(
            CLI::Range(std::int64_t{1}, std::numeric_limits<std::int64_t>::max()).description(""))
        ->type_name("");
}

template <class T>
std::optional<T> given(const CLI::App& app, const std::string& option, const T& value) {
    if (app.count(option) == 0) return std::nullopt;
    return value;
}

// Each command: its options at construction, its arguments once parsed.

struct ServeCommand {
    CLI::App& app;
    ServeArguments arguments;
    std::string listen;
    std::string socket;
    std::string access_log;
    std::string log;
    std::string state_dir;
    std::string record_limit = "256MiB";
    bool json = false;

    explicit ServeCommand(CLI::App& parent)
        : app(*parent.add_subcommand("serve", "Serve the models of a configuration file")) {
        auto* file = app.add_option("FILE,--config", arguments.configuration, "Configuration file");
        file->type_name("FILE")->capture_default_str();
        app.add_option("--listen", listen,
                       "Address and port, such as 127.0.0.1:7411; port 0 takes "
                       "any free one")
            ->type_name("ADDRESS");
        app.add_option("--socket", socket, "Path of the Unix socket, or none")->type_name("PATH");
        app.add_option("--access-log", access_log, "File for a line per request; -: stdout")
            ->type_name("FILE");
        app.add_option("--log", log, "Log format: text or json")
            ->check(CLI::IsMember({"text", "json"}).description(""))
            ->type_name("FORMAT");
        app.add_option("--state-dir", state_dir, "Folder of what outlives the daemon")
            ->type_name("FOLDER");
        app.add_option("--emulate", arguments.emulate,
                       "Serve on GPUs that are not there, such as 2x24GiB; for trying and testing")
            ->type_name("DEVICES");
        app.add_option("--record", arguments.record,
                       "Keep what happens in this file, without payloads, for windlass replay")
            ->type_name("FILE");
        app.add_option("--record-limit", record_limit, "How large that may become")
            ->check(bytes_mistake)
            ->type_name("BYTES")
            ->capture_default_str();
        app.add_flag("--json", json, "The same as --log json");
        app.footer("Example:\n  windlass serve windlass.toml --listen 127.0.0.1:7500");
    }

    Command take() {
        arguments.listen = given(app, "--listen", listen);
        arguments.socket = given(app, "--socket", socket);
        arguments.access_log = given(app, "--access-log", access_log);
        arguments.log = given(app, "--log", log);
        if (json && !arguments.log) arguments.log = "json";
        arguments.state_dir = given(app, "--state-dir", state_dir);
        arguments.record_limit = base::parse_bytes(record_limit).value_or(base::Bytes{0});
        return arguments;
    }
};

struct CallCommand {
    CLI::App& app;
    CallArguments arguments;
    InputOptions input{app, arguments.model};
    std::string timeout;
    std::string wait;
    unsigned priority = 0;
    std::string variant;
    std::string output;

    explicit CallCommand(CLI::App& parent)
        : app(*parent.add_subcommand("call", "Send one input to a model and print its answer")) {
        add_limits();
        app.add_option("--output", output, "Write the answer to this file")->type_name("FILE");
        app.add_flag("--json", arguments.json, "Print answer, times and origin as one object");
        add_url(app, arguments.url);
        app.footer(
            "The answer goes to stdout; the exit code says the kind of an error (windlass errors)."
            "\n\nExample:\n  windlass call digits --data '[[0, 12, 13, 5]]' --timeout 30s");
    }

    void add_limits() {
        add_duration(app, "--timeout", timeout, "Longest time from arrival to answer");
        add_duration(app, "--wait", wait, "Longest time in the queue, loading included");
        app.add_option("--priority", priority, "0 (first) to 9")
            ->check(CLI::Range(0, 9).description(""))
            ->type_name("NUMBER");
        app.add_option("--variant", variant, "Named setting of the model")->type_name("NAME");
    }

    Command take() {
        if (!input.is_given()) {
            return Printout{kUsageError,
                            "windlass call: nothing to send: give --data TEXT, --file FILE, or - "
                            "for standard input (--data '' sends nothing on purpose)\n"};
        }
        arguments.data = input.data();
        arguments.file = input.file();
        arguments.content_type = input.content_type();
        arguments.timeout = read_duration(timeout);
        arguments.wait = read_duration(wait);
        arguments.priority = given(app, "--priority", priority);
        arguments.variant = given(app, "--variant", variant);
        arguments.output = given(app, "--output", output);
        return arguments;
    }
};

// `windlass models` and its actions share one set of options.
struct ModelsCommand {
    CLI::App& app;
    ModelsArguments arguments;
    std::string timeout;

    explicit ModelsCommand(CLI::App& parent)
        : app(*parent.add_subcommand("models",
                                     "Show models; load, offload, restart, pause or unload one")) {
        add_common(app, arguments);
        app.footer("Example:\n  windlass models\n  windlass models load digits");
        app.require_subcommand(0, 1);
        add_common(*app.add_subcommand("list", "All models (without an action, too)"), arguments)
            .footer("Example:\n  windlass models list");
        add_action("show", "One model with its waiting requests");
        CLI::App& load = add_action("load", "Load a model and wait until it is ready");
        add_duration(load, "--timeout", timeout, "Longest time to wait");
        load.add_flag("--no-wait", arguments.no_wait,
                      "Only begin it, once there is room without moving others");
        add_duration(add_action("offload", "Move an idle model's weights to host memory"),
                     "--timeout", timeout, "Longest time to wait");
        CLI::App& unload =
            add_action("unload", "Unload a model and wait until its process is gone");
        add_duration(unload, "--timeout", timeout, "Longest time to wait");
        unload.add_flag("--force", arguments.force,
                        "Kill its process at once, with whatever runs in it");
        add_duration(add_action("restart", "Let runs finish, then load a model in a new process"),
                     "--timeout", timeout, "Longest time to wait");
        add_action("pause", "Begin no further run; what runs goes on, what waits keeps waiting");
        add_action("resume", "Begin runs again");
    }

    CLI::App& add_action(const char* name, const char* meaning) {
        CLI::App& action = add_common(*app.add_subcommand(name, meaning), arguments);
        action.add_option("MODEL", arguments.model, "Name of the model")->required()->type_name("");
        action.footer(fmt::format("Example:\n  windlass models {} digits", name));
        return action;
    }

    Command take() {
        arguments.timeout = read_duration(timeout);
        if (app.got_subcommand("show")) arguments.action = ModelsAction::show;
        if (app.got_subcommand("load")) arguments.action = ModelsAction::load;
        if (app.got_subcommand("offload")) arguments.action = ModelsAction::offload;
        if (app.got_subcommand("unload")) arguments.action = ModelsAction::unload;
        if (app.got_subcommand("restart")) arguments.action = ModelsAction::restart;
        if (app.got_subcommand("pause")) arguments.action = ModelsAction::pause;
        if (app.got_subcommand("resume")) arguments.action = ModelsAction::resume;
        return arguments;
    }
};

struct DevicesCommand {
    CLI::App& app;
    DevicesArguments arguments;

    explicit DevicesCommand(CLI::App& parent)
        : app(*parent.add_subcommand("devices", "Show devices: how full, and who holds what")) {
        add_common(app, arguments);
        app.footer("What is not known is shown as -.\n\nExample:\n  windlass devices");
    }

    Command take() const { return arguments; }
};

struct WorkersCommand {
    CLI::App& app;
    WorkersArguments arguments;
    std::uint64_t id = 0;

    explicit WorkersCommand(CLI::App& parent)
        : app(*parent.add_subcommand("workers", "Show worker processes; end one at once")) {
        add_common(app, arguments);
        app.footer("Example:\n  windlass workers\n  windlass workers kill 7");
        app.require_subcommand(0, 1);
        add_common(*app.add_subcommand("list", "All worker processes (without an action, too)"),
                   arguments)
            .footer("Example:\n  windlass workers list");
        CLI::App& kill = add_common(
            *app.add_subcommand(
                "kill", "Kill a worker: what runs in it is lost, what waits is served by the next"),
            arguments);
        add_id(kill, id, "Number of the worker, as the list shows it");
        kill.footer("Example:\n  windlass workers kill 7");
    }

    Command take() {
        if (app.got_subcommand("kill")) arguments.kill = id;
        return arguments;
    }
};

struct IncidentsCommand {
    CLI::App& app;
    IncidentsArguments arguments;
    std::uint64_t id = 0;

    explicit IncidentsCommand(CLI::App& parent)
        : app(*parent.add_subcommand("incidents",
                                     "Show workers that had to be ended or died, and each step")) {
        add_common(app, arguments);
        app.footer(
            "PROVED is the memory that came back, as the device's driver says; what is not known "
            "is shown as -.\n\nExample:\n  windlass incidents\n  windlass incidents show 3");
        app.require_subcommand(0, 1);
        add_common(*app.add_subcommand("list", "The latest 100 (without an action, too)"),
                   arguments)
            .footer("Example:\n  windlass incidents list");
        CLI::App& show = add_common(
            *app.add_subcommand("show", "One with what its threads did before it was ended"),
            arguments);
        add_id(show, id, "Number of the incident, as the list shows it");
        show.footer("Example:\n  windlass incidents show 3");
    }

    Command take() {
        if (app.got_subcommand("show")) arguments.show = id;
        return arguments;
    }
};

struct StatusCommand {
    CLI::App& app;
    StatusArguments arguments;
    std::string wait;

    explicit StatusCommand(CLI::App& parent)
        : app(*parent.add_subcommand("status", "Say whether the daemon is ready, and its models")) {
        add_duration(app, "--wait", wait, "Ask until it is ready, at most so long");
        add_common(app, arguments);
        app.footer(
            "Exits with 0 when it is ready, with 6 when it is not or is not there.\n\n"
            "Example:\n  windlass status --wait 30s");
    }

    Command take() {
        arguments.wait = read_duration(wait);
        return arguments;
    }
};

struct ConfigCommand {
    CLI::App& app;
    CLI::App& check;
    CLI::App& keys;
    ConfigCheckArguments check_arguments;
    bool keys_json = false;
    bool keys_markdown = false;

    explicit ConfigCommand(CLI::App& parent)
        : app(*parent.add_subcommand("config", "Check a configuration file; list its keys")),
          check(*app.add_subcommand("check", "Say everything that is wrong with a file")),
          keys(*app.add_subcommand("keys", "List every key with its default and meaning")) {
        app.require_subcommand(1);
        app.footer("Example:\n  windlass config check windlass.toml");
        check.add_option("FILE", check_arguments.file, "Configuration file")
            ->type_name("")
            ->capture_default_str();
        check.add_flag("--json", check_arguments.json, "Print JSON");
        check.footer(
            "Exits with 0 when the file can be used, with 2 when not.\n\n"
            "Example:\n  windlass config check windlass.toml");
        auto* json = keys.add_flag("--json", keys_json, "Print JSON");
        keys.add_flag("--markdown", keys_markdown, "Print docs/configuration.md")->excludes(json);
        keys.footer("Example:\n  windlass config keys");
    }

    Command take() const {
        if (check.parsed()) return check_arguments;
        return ConfigKeysArguments{keys_json       ? KeysFormat::json
                                   : keys_markdown ? KeysFormat::markdown
                                                   : KeysFormat::text};
    }
};

struct ReplayCommand {
    CLI::App& app;
    ReplayArguments arguments;

    explicit ReplayCommand(CLI::App& parent)
        : app(*parent.add_subcommand(
              "replay", "Run a recording through the engine again, up to the first difference")) {
        app.add_option("FILE", arguments.file, "What serve --record wrote")
            ->required()
            ->type_name("");
        app.add_flag("--json", arguments.json, "Print JSON");
        app.footer(
            "Exits with 0 when the engine decides the same, with 1 at a difference, with 70 when "
            "an invariant breaks.\n\nExample:\n  windlass serve windlass.toml --record "
            "report.wlrec\n  windlass replay report.wlrec");
    }
};

// The command whose words could not be read: the deepest that was recognised.
const CLI::App& deepest(const CLI::App& app) {
    const auto chosen = app.get_subcommands();
    return chosen.empty() ? app : deepest(*chosen.front());
}

std::vector<std::string> subcommand_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
    return names;
}

std::vector<std::string> option_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options()) {
        for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
    return names;
}

std::string full_name(const CLI::App& app) {
    const CLI::App* parent = app.get_parent();
    return parent == nullptr ? app.get_name() : full_name(*parent) + " " + app.get_name();
}

// "unknown command `sever`; did you mean `serve`?", or what CLI11 has to say.
std::string usage_mistake(const CLI::App& app, const CLI::ParseError& error) {
    const std::vector<std::string> words = app.remaining();
    if (words.empty()) return error.what();
    const std::string& word = words.front();
    const bool option = word.starts_with('-');
    const std::vector<std::string> known = option ? option_names(app) : subcommand_names(app);
    if (known.empty()) return fmt::format("one word too many: `{}`", word);
    const auto similar = similar_word(word, known);
    return fmt::format("unknown {} `{}`{}", option ? "option" : "command", word,
                       similar ? fmt::format("; did you mean `{}`?", *similar) : std::string{});
}

Printout describe(const CLI::App& app, const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return {0, app.help()};  // of the command that was asked about
    const CLI::App& command = deepest(app);
    const std::string name = full_name(command);
    return {kUsageError, fmt::format("{}: {}\n`{} --help` shows how\n", name,
                                     usage_mistake(command, error), name)};
}

}  // namespace

Command parse_command_line(const std::vector<std::string>& words) {
    CLI::App app{
        "Windlass hauls model weights in and out of memory: one supervised copy of each "
        "model for all clients.",
        "windlass"};
    VersionArguments version;
    app.formatter(std::make_shared<HelpFormatter>());  // inherited by the commands
    bool print_version = false;
    auto* version_flag = app.add_flag("--version", print_version, "Print version and commit");
    app.add_flag("--json", version.json, "With --version: print JSON")->needs(version_flag);
    app.footer(
        "Example:\n  windlass serve windlass.toml\n  windlass call digits --file three.json");
    ServeCommand serve{app};
    CallCommand call{app};
    SubmitCommand submit{app};
    JobsCommand jobs{app};
    const QueueCommand queue{app};
    const ReportCommand report{app};
    ModelsCommand models{app};
    const DevicesCommand devices{app};
    TopCommand top{app};
    WorkersCommand workers{app};
    IncidentsCommand incidents{app};
    ExplainCommand explain{app};
    add_common(explain.app(), explain.arguments());
    EventsCommand events{app};
    StatusCommand status{app};
    DoctorCommand doctor{app};
    const ConfigCommand config{app};
    DrillCommand drill{app};
    const ReplayCommand replay{app};
    ErrorsArguments errors;
    CLI::App* errors_app = app.add_subcommand("errors", "List the types of errors");
    errors_app->add_flag("--json", errors.json, "Print JSON");
    errors_app->footer("Example:\n  windlass errors");

    std::vector<std::string> reversed{words.rbegin(), words.rend()};  // as CLI11 wants them
    // CLI11 has no other way than exceptions; they end here.
    try {
        app.parse(reversed);
    } catch (const CLI::ParseError& error) {
        return describe(app, error);
    }
    if (serve.app.parsed()) return serve.take();
    if (call.app.parsed()) return call.take();
    if (submit.is_given()) return submit.take();
    if (jobs.is_given()) return jobs.take();
    if (queue.is_given()) return queue.take();
    if (report.is_given()) return report.take();
    if (models.app.parsed()) return models.take();
    if (devices.app.parsed()) return devices.take();
    if (top.is_given()) return top.take();
    if (workers.app.parsed()) return workers.take();
    if (incidents.app.parsed()) return incidents.take();
    if (explain.is_given()) return explain.take();
    if (events.is_given()) return events.take();
    if (status.app.parsed()) return status.take();
    if (doctor.is_given()) return doctor.take();
    if (config.app.parsed()) return config.take();
    if (drill.is_given()) return drill.take();
    if (replay.app.parsed()) return replay.arguments;
    if (errors_app->parsed()) return errors;
    if (print_version) return version;
    return Printout{kUsageError, app.help()};
}

}  // namespace windlass::cli
