// Words to arguments, and mistakes to advice.
#include "cli/command_line.h"

#include <doctest/doctest.h>

#include <ostream>

#include "cli/suggestion.h"

using namespace std::chrono_literals;
namespace cli = windlass::cli;

namespace {

template <class T>
T parsed(const std::vector<std::string>& words) {
    const cli::Command command = cli::parse_command_line(words);
    if (const auto* printout = std::get_if<cli::Printout>(&command)) CAPTURE(printout->text);
    REQUIRE(std::holds_alternative<T>(command));
    return std::get<T>(command);
}

std::string mistake(const std::vector<std::string>& words) {
    const auto printout = parsed<cli::Printout>(words);
    CHECK(printout.exit_code == 2);
    return printout.text.substr(0, printout.text.find('\n'));
}

}  // namespace

TEST_CASE("serve takes its file either way, and its overrides") {
    CHECK(parsed<cli::ServeArguments>({"serve"}).configuration == "windlass.toml");
    CHECK(parsed<cli::ServeArguments>({"serve", "a.toml"}).configuration == "a.toml");
    const auto all =
        parsed<cli::ServeArguments>({"serve", "--config", "b.toml", "--listen", "127.0.0.1:0",
                                     "--log", "json", "--state-dir", "/s", "--socket", "none"});
    CHECK(all.configuration == "b.toml");
    CHECK(all.listen == "127.0.0.1:0");
    CHECK(all.log == "json");
    CHECK(all.state_dir == "/s");
    CHECK(all.socket == "none");
    CHECK_FALSE(parsed<cli::ServeArguments>({"serve"}).listen.has_value());
    CHECK(parsed<cli::ServeArguments>({"serve", "--json"}).log == "json");
    CHECK(mistake({"serve", "--log", "xml"}).starts_with("windlass serve: --log: "));
}

TEST_CASE("serve records within a bound, and replay takes the file") {
    CHECK(parsed<cli::ServeArguments>({"serve"}).record.empty());
    CHECK(parsed<cli::ServeArguments>({"serve"}).record_limit.count() == 256U << 20);
    const auto all =
        parsed<cli::ServeArguments>({"serve", "--record", "r", "--record-limit", "1MiB"});
    CHECK(all.record == "r");
    CHECK(all.record_limit.count() == 1U << 20);
    CHECK(mistake({"serve", "--record-limit", "1"})
              .starts_with("windlass serve: --record-limit: must be an amount such as 64MiB"));
    CHECK(parsed<cli::ReplayArguments>({"replay", "r", "--json"}).json);
    CHECK(parsed<cli::ReplayArguments>({"replay", "r"}).file == "r");
    CHECK(mistake({"replay"}).starts_with("windlass replay: "));
}

TEST_CASE("status takes how long to wait") {
    CHECK(parsed<cli::DevicesArguments>({"devices", "--json", "--url", "u"}).json);
    CHECK(parsed<cli::ServeArguments>({"serve", "--emulate", "2x24GiB"}).emulate == "2x24GiB");
    CHECK_FALSE(parsed<cli::StatusArguments>({"status"}).wait.has_value());
    const auto all = parsed<cli::StatusArguments>({"status", "--wait", "30s", "--json"});
    CHECK(all.wait == 30s);
    CHECK(all.json);
    CHECK(mistake({"status", "--wait", "30"}).starts_with("windlass status: --wait: "));
}

TEST_CASE("top takes how often and how many times to look") {
    const auto plain = parsed<cli::TopArguments>({"top"});
    CHECK(plain.interval == 1s);
    CHECK_FALSE(plain.count.has_value());
    CHECK_FALSE(plain.json);
    const auto all = parsed<cli::TopArguments>(
        {"top", "--json", "--count", "3", "--interval", "250ms", "--no-color", "--url", "u"});
    CHECK(all.interval == 250ms);
    CHECK(all.count == 3);
    CHECK(all.no_colour);
    CHECK(all.url == "u");
    CHECK(mistake({"top", "--interval", "1ms"})
              .starts_with("windlass top: --interval: must be a duration from 100ms to 1h"));
    CHECK(mistake({"top", "--count", "0"}).starts_with("windlass top: --count: "));
}

TEST_CASE("call takes one input and its limits") {
    const auto text = parsed<cli::CallArguments>({"call", "digits", "--data", "[1]"});
    CHECK(text.model == "digits");
    CHECK(text.data == "[1]");
    CHECK(text.url == "http://127.0.0.1:7411");
    CHECK_FALSE(text.timeout.has_value());
    CHECK_FALSE(text.priority.has_value());
    const auto all = parsed<cli::CallArguments>(
        {"call", "m", "--file", "x.npy", "--timeout", "1500ms", "--wait", "0s", "--priority", "0",
         "--variant", "fp16", "--content-type", "a/b", "--output", "o", "--json", "--url", "u"});
    CHECK(all.file == "x.npy");
    CHECK(all.timeout == 1500ms);
    CHECK(all.wait == 0s);
    CHECK(all.priority == 0);
    CHECK(all.variant == "fp16");
    CHECK(all.content_type == "a/b");
    CHECK(all.output == "o");
    CHECK(all.json);
    CHECK(all.url == "u");
    CHECK(parsed<cli::CallArguments>({"call", "m", "-"}).file == "-");
    CHECK(parsed<cli::CallArguments>({"call", "m", "--data", ""}).data == "");
    CHECK(mistake({"call", "m"}).starts_with("windlass call: nothing to send: give --data TEXT"));
    CHECK(mistake({"call", "m", "--data", "x", "--file", "y"}).starts_with("windlass call: "));
    CHECK(mistake({"call", "m", "-", "--file", "y"}).starts_with("windlass call: "));
    CHECK(mistake({"call"}).starts_with("windlass call: MODEL is required"));
    CHECK(mistake({"call", "m", "[1]"}) ==
          "windlass call: INPUT: must be - for standard input, not \"[1]\"; --data sends a text, "
          "--file a file");
    CHECK(mistake({"call", "m", "-", "--priority", "10"}).starts_with("windlass call: --priority"));
    CHECK(mistake({"call", "m", "-", "--timeout", "5"}) ==
          "windlass call: --timeout: must be a duration such as 1500ms, 30s or 5m, not \"5\"");
}

TEST_CASE("models lists unless told otherwise") {
    CHECK(parsed<cli::ModelsArguments>({"models"}).action == cli::ModelsAction::list);
    CHECK(parsed<cli::ModelsArguments>({"models", "--json"}).json);
    CHECK(parsed<cli::ModelsArguments>({"models", "list", "--json"}).json);
    CHECK(parsed<cli::ModelsArguments>({"models", "list", "--url", "u"}).url == "u");
    CHECK(parsed<cli::ModelsArguments>({"models", "--url", "u", "show", "m"}).url == "u");
    const auto load = parsed<cli::ModelsArguments>({"models", "load", "m", "--timeout", "5m"});
    CHECK(load.action == cli::ModelsAction::load);
    CHECK(load.model == "m");
    CHECK(load.timeout == 5min);
    CHECK(parsed<cli::ModelsArguments>({"models", "unload", "m"}).action ==
          cli::ModelsAction::unload);
    CHECK(parsed<cli::ModelsArguments>({"models", "load", "m", "--no-wait"}).no_wait);
    CHECK(parsed<cli::ModelsArguments>({"models", "unload", "m", "--force"}).force);
    CHECK(parsed<cli::ModelsArguments>({"models", "offload", "m"}).action ==
          cli::ModelsAction::offload);
    CHECK(parsed<cli::ModelsArguments>({"models", "show", "m"}).model == "m");
    CHECK(mistake({"models", "show"}).starts_with("windlass models show: MODEL is required"));
    CHECK(mistake({"models", "laod", "m"}) ==
          "windlass models: unknown command `laod`; did you mean `load`?");
}

TEST_CASE("workers are listed, or one is killed by its number") {
    CHECK_FALSE(parsed<cli::WorkersArguments>({"workers"}).kill.has_value());
    CHECK(parsed<cli::WorkersArguments>({"workers", "list", "--json"}).json);
    CHECK(parsed<cli::WorkersArguments>({"workers", "kill", "7"}).kill == 7);
    CHECK(parsed<cli::Printout>({"workers", "kill"}).exit_code == 2);
    CHECK(parsed<cli::Printout>({"workers", "kill", "x"}).exit_code == 2);
    CHECK(parsed<cli::Printout>({"workers", "kill", "-1"}).exit_code == 2);
}

TEST_CASE("incidents are listed, or one is shown by its number") {
    CHECK_FALSE(parsed<cli::IncidentsArguments>({"incidents"}).show.has_value());
    CHECK(parsed<cli::IncidentsArguments>({"incidents", "list", "--json"}).json);
    CHECK(parsed<cli::IncidentsArguments>({"incidents", "show", "7"}).show == 7);
    CHECK(parsed<cli::Printout>({"incidents", "show", "0"}).exit_code == 2);
    CHECK(parsed<cli::Printout>({"incidents", "--help"}).text.contains("windlass incidents show"));
}

TEST_CASE("explain takes a request, a model, or nothing") {
    CHECK(parsed<cli::ExplainArguments>({"explain"}).subject.empty());
    CHECK(parsed<cli::ExplainArguments>({"explain", "r17", "--json"}).subject == "r17");
    CHECK(parsed<cli::ExplainArguments>({"explain", "big:fp16"}).subject == "big:fp16");
    CHECK(parsed<cli::Printout>({"explain", "a", "b"}).exit_code == 2);
    CHECK(parsed<cli::Printout>({"explain", "--help"}).text.contains("windlass explain r17"));
}

TEST_CASE("config, errors and version") {
    CHECK(parsed<cli::ConfigCheckArguments>({"config", "check"}).file == "windlass.toml");
    CHECK(parsed<cli::ConfigCheckArguments>({"config", "check", "x", "--json"}).json);
    CHECK(parsed<cli::ConfigKeysArguments>({"config", "keys"}).format == cli::KeysFormat::text);
    CHECK(parsed<cli::ConfigKeysArguments>({"config", "keys", "--markdown"}).format ==
          cli::KeysFormat::markdown);
    CHECK(parsed<cli::ConfigKeysArguments>({"config", "keys", "--json"}).format ==
          cli::KeysFormat::json);
    CHECK(mistake({"config", "keys", "--json", "--markdown"}).starts_with("windlass config keys:"));
    CHECK(mistake({"config"}) == "windlass config: A subcommand is required");
    CHECK(mistake({"config", "chek"}) ==
          "windlass config: unknown command `chek`; did you mean `check`?");
    CHECK(parsed<cli::ErrorsArguments>({"errors", "--json"}).json);
    CHECK_FALSE(parsed<cli::VersionArguments>({"--version"}).json);
    CHECK(parsed<cli::VersionArguments>({"--version", "--json"}).json);
}

TEST_CASE("what is not understood is told with what is near") {
    CHECK(mistake({"sever"}) == "windlass: unknown command `sever`; did you mean `serve`?");
    CHECK(mistake({"modles", "list"}) ==
          "windlass: unknown command `modles`; did you mean `models`?");
    CHECK(mistake({"frobnicate"}) == "windlass: unknown command `frobnicate`");
    CHECK(mistake({"call", "m", "-", "--timout", "5s"}) ==
          "windlass call: unknown option `--timout`; did you mean `--timeout`?");
    CHECK(mistake({"errors", "all"}) == "windlass errors: one word too many: `all`");
    CHECK(mistake({}).find("one supervised copy") != std::string::npos);
    CHECK(cli::similar_word("", {"a"}) == std::nullopt);
    CHECK(cli::similar_word("xy", {"ab"}) == std::nullopt);
}

TEST_CASE("every command explains itself with an example at the end") {
    const std::vector<std::vector<std::string>> commands = {{},
                                                            {"serve"},
                                                            {"call"},
                                                            {"models"},
                                                            {"errors"},
                                                            {"models", "list"},
                                                            {"models", "show"},
                                                            {"models", "load"},
                                                            {"config"},
                                                            {"config", "check"},
                                                            {"config", "keys"},
                                                            {"models", "unload"},
                                                            {"drill", "duplicates"},
                                                            {"drill", "idle"}};
    for (std::vector<std::string> words : commands) {
        std::string name = "windlass";
        for (const std::string& word : words) name += " " + word;
        CAPTURE(name);
        words.emplace_back("--help");
        const auto help = parsed<cli::Printout>(words);
        CHECK(help.exit_code == 0);
        const std::size_t example = help.text.find("Example:\n  " + name);
        const bool has_example =
            example != std::string::npos || (words.size() == 1 && help.text.contains("Example:\n"));
        CHECK(has_example);
        CHECK(help.text.contains("Usage: " + name));
        CHECK(help.text.contains(
            words.size() == 1 || words[0] != "config" || words.size() == 3 ? "--json" : "check"));
    }
}

TEST_CASE("[R76] a drill takes its options") {
    const auto usual = parsed<cli::DuplicatesArguments>({"drill", "duplicates"});
    CHECK(usual.mode == cli::DuplicatesMode::prod);
    CHECK(usual.clients == 17);
    CHECK(usual.model_size.count() == 100ULL << 20);
    CHECK(usual.port == 0);
    CHECK_FALSE(usual.is_real);
    const auto all = parsed<cli::DuplicatesArguments>({"drill", "duplicates", "--mode", "monitor",
                                                       "--clients", "3", "--model-size", "1GiB",
                                                       "--port", "7500", "--real", "--json"});
    CHECK(all.mode == cli::DuplicatesMode::monitor);
    CHECK(all.clients == 3);
    CHECK(all.model_size.count() == 1ULL << 30);
    CHECK(all.port == 7500);
    CHECK(all.is_real);
    CHECK(all.json);
    CHECK(mistake({"drill", "duplicates", "--model-size", "3"}).find("100MiB") !=
          std::string::npos);
    mistake({"drill", "duplicates", "--clients", "65"});
    mistake({"drill"});
}

TEST_CASE("drills about jobs take their options") {
    const auto usual = parsed<cli::JobDrillArguments>({"drill", "stall"});
    CHECK(usual.drill == cli::JobDrill::stall);
    CHECK(usual.stall == 2s);
    CHECK(usual.slack == 1s);
    const auto stall = parsed<cli::JobDrillArguments>(
        {"drill", "stall", "--stall", "500ms", "--slack", "3", "--json"});
    CHECK(stall.stall == 500ms);
    CHECK(stall.slack == 3s);
    CHECK(stall.json);
    const auto load = parsed<cli::JobDrillArguments>({"drill", "load", "--jobs", "12"});
    CHECK(load.drill == cli::JobDrill::load);
    CHECK(load.jobs == 12);
    CHECK(parsed<cli::JobDrillArguments>({"drill", "kill-daemon"}).drill ==
          cli::JobDrill::kill_daemon);
    CHECK(parsed<cli::AllDrillsArguments>({"drill", "all", "--slack", "2"}).slack == 2s);
    mistake({"drill", "load", "--jobs", "0"});
    mistake({"drill", "stall", "--stall", "soon"});
}

TEST_CASE("[R22] a drill's idle times are seconds, or durations") {
    const auto usual = parsed<cli::IdleArguments>({"drill", "idle"});
    CHECK(usual.offload == 2s);
    CHECK(usual.unload == 4s);
    CHECK(usual.slack == 500ms);
    const auto both =
        parsed<cli::IdleArguments>({"drill", "idle", "--offload", "0.5", "--unload", "900ms"});
    CHECK(both.offload == 500ms);
    CHECK(both.unload == 900ms);
    CHECK(mistake({"drill", "idle", "--offload", "4"}).find("must be longer than --offload (4)") !=
          std::string::npos);
    mistake({"drill", "idle", "--unload", "2m"});
    mistake({"drill", "idle", "--unload", "soon"});
}
