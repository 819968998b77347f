// Configuration files: what is read from good ones, and from their surroundings.
#include <doctest/doctest.h>

#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "daemon/configuration.h"
#include "daemon/configuration_keys.h"
#include "daemon/configuration_testing.h"

using namespace std::chrono_literals;
namespace wd = windlass::daemon;
using namespace windlass::daemon::testing;

TEST_CASE("the smallest configuration has every default of the design") {
    const auto loaded = parse("[models.digits]\npython = \"digits_model:Digits\"\n");
    CHECK(problems(loaded) == Lines{});
    const wd::Configuration configuration = good(loaded);
    const wd::DaemonConfiguration& d = configuration.daemon;
    CHECK(wd::to_text(d.listen) == "127.0.0.1:7411");
    CHECK(d.state_dir == "/home/ada/.local/state/windlass");
    CHECK(d.log == wd::LogFormat::text);
    CHECK(d.shutdown_grace == 5s);
    CHECK(d.allowed_hosts.empty());
    CHECK(d.body_limit.count() == 268'435'456);
    CHECK(d.events_keep == 168h);
    CHECK(d.events_limit == 100'000);
    CHECK(d.jobs_keep_succeeded == 24h);
    CHECK(d.jobs_keep_cancelled == 168h);
    CHECK(d.jobs_keep_failed == 720h);
    CHECK(configuration.devices == wd::DevicesConfiguration{});
    CHECK(configuration.devices.headroom.count() == 536'870'912);
    CHECK(configuration.devices.settle_timeout == 30s);
    REQUIRE(configuration.models.size() == 1);
    const wd::ModelConfiguration& m = configuration.models.front();
    CHECK(m.name == "digits");
    CHECK(m.python == "digits_model:Digits");
    CHECK(m.command.empty());
    CHECK(m.path == std::filesystem::current_path());
    CHECK(m.interpreter == "python3");
    CHECK(m.env.empty());
    CHECK(m.devices == wd::DeviceChoice::any);
    CHECK(m.concurrency == 1);
    CHECK(m.queue_limit == 1000);
    CHECK_FALSE(m.idempotent);
    CHECK(m.start_timeout == 60s);
    CHECK(m.load_timeout == 10min);
    CHECK(m.run_timeout == 5min);
    CHECK(m.stall_timeout == 15min);
    CHECK(m.call_timeout == 20min);
    CHECK(m.wait_timeout == 15min);
    CHECK(m.backoff == 1s);
    CHECK(m.backoff_max == 5min);
    CHECK(m.job_run_timeout == 24h);
    CHECK(m.job_failures == 5);
    CHECK(m.job_crashes == 3);
    CHECK(m.job_backoff == 2s);
    CHECK(m.job_backoff_max == 5min);
    CHECK(m.cancel_grace == 2s);
    CHECK(m.term_grace == 10s);
    CHECK(m.recycle_after == 0);
    CHECK_FALSE(m.max_growth.has_value());
    CHECK(m.offload_after == 5min);
    CHECK(m.unload_after == 6min);
}

TEST_CASE("every key with a default may be written out, says nothing new, and changes nothing") {
    std::string text;
    for (const wd::Section section :
         {wd::Section::daemon, wd::Section::devices, wd::Section::model}) {
        const bool is_model = section == wd::Section::model;
        text += is_model ? "[models.m]\npython = \"a:B\"\n"
                         : std::string{wd::section_title(section)} + "\n";
        for (const wd::Key& key : wd::key_table()) {
            if (key.section != section || key.default_text.empty()) continue;
            text += std::string{key.name} + " = " + std::string{key.default_text} + "\n";
        }
    }
    const auto loaded = parse(text);
    CHECK(problems(loaded) == Lines{});
    CHECK(good(loaded) == good(parse("[models.m]\npython = \"a:B\"\n")));
}

TEST_CASE("which devices may be used is a word or a list") {
    const auto use = [](const std::string& value) {
        return parse("[devices]\nuse = " + value + "\n[models.m]\npython = \"a:B\"\n");
    };
    using Uuids = std::vector<std::string>;
    CHECK(good(use("\"auto\"")).devices.use.empty());
    CHECK(good(use("\"cpu\"")).devices.use == Uuids{"cpu"});
    CHECK(good(use("[\"GPU-1\", \"GPU-2\"]")).devices.use == Uuids{"GPU-1", "GPU-2"});
    CHECK(problems(use("[]")) == Lines{"w.toml:2: `use` in [devices] is an empty list; write "
                                       "\"cpu\" to use no GPU, or \"auto\""});
    CHECK(problems(use("\"gpu\"")).at(0).contains("must be \"auto\", \"cpu\" or a list of UUIDs"));
    CHECK(problems(use("3")).size() == 1);
}

TEST_CASE("how much is kept of events is bounded twice") {
    const wd::DaemonConfiguration daemon =
        good(parse("[daemon]\nevents_keep = \"1h\"\nevents_limit = 500\n")).daemon;
    CHECK(daemon.events_keep == 1h);
    CHECK(daemon.events_limit == 500);
    CHECK_FALSE(parse("[daemon]\nevents_keep = \"never\"\n").configuration);
    CHECK_FALSE(parse("[daemon]\nevents_limit = 0\n").configuration);
}

TEST_CASE("every value that is given is read") {
    const auto loaded = parse(R"(
[daemon]
listen = "[::1]:0"
state_dir = "state"
log = "json"
shutdown_grace = "1500ms"
allowed_hosts = ["GPU.example", "fe80::1"]
body_limit = "1GiB"

[models.b]
command = ["./prog", "--fast"]
path = "."
env = { A = "1", B = "" }
devices = "cpu"
concurrency = 8
queue_limit = 3
preload = true
idempotent = true
start_timeout = "1s"
load_timeout = "2s"
run_timeout = "3s"
stall_timeout = "4s"
call_timeout = "5s"
wait_timeout = "6s"
backoff = "7s"
backoff_max = "8s"
cancel_grace = "0s"
term_grace = "9s"
unload_after = "never"

[models.a]
python = "package.module:Outer.Inner"
interpreter = "venv/bin/python"
unload_after = "0s"
)");
    CHECK(problems(loaded) == Lines{});
    const wd::Configuration configuration = good(loaded);
    const std::string here = std::filesystem::current_path();
    const wd::DaemonConfiguration& d = configuration.daemon;
    CHECK(d.listen == wd::ListenAddress{"::1", 0});
    CHECK(d.state_dir == here + "/state");
    CHECK(d.log == wd::LogFormat::json);
    CHECK(d.shutdown_grace == 1500ms);
    CHECK(d.allowed_hosts == std::vector<std::string>{"gpu.example", "fe80::1"});
    CHECK(d.body_limit.count() == 1ULL << 30);
    const wd::ModelConfiguration& a = configuration.models.at(0);
    CHECK(a.name == "a");
    CHECK(a.python == "package.module:Outer.Inner");
    CHECK(a.interpreter == here + "/venv/bin/python");
    CHECK(a.unload_after == 0s);
    const wd::ModelConfiguration& b = configuration.models.at(1);
    CHECK(b.command == std::vector<std::string>{here + "/prog", "--fast"});
    CHECK(b.env == std::map<std::string, std::string>{{"A", "1"}, {"B", ""}});
    CHECK(b.devices == wd::DeviceChoice::cpu);
    CHECK((b.concurrency == 8 && b.queue_limit == 3));
    CHECK(b.preload);
    CHECK(b.idempotent);
    CHECK(b.start_timeout == 1s);
    CHECK(b.load_timeout == 2s);
    CHECK(b.run_timeout == 3s);
    CHECK(b.stall_timeout == 4s);
    CHECK(b.call_timeout == 5s);
    CHECK(b.wait_timeout == 6s);
    CHECK(b.backoff == 7s);
    CHECK(b.backoff_max == 8s);
    CHECK(b.cancel_grace == 0s);
    CHECK(b.term_grace == 9s);
    CHECK_FALSE(b.unload_after.has_value());
}

TEST_CASE("a syntax error stands alone, with line and column") {
    struct Row {
        const char* text;
        const char* message;
    };
    const Row rows[] = {
        {"[models.a]\npython = \"a:B\nunknown = 1\n",
         "w.toml:2:14: not valid TOML in a string: unescaped control characters other than TAB "
         "(U+0009) are explicitly prohibited; is a closing quote missing?"},
        {"[models.a]\npython = \"a:B\"\npython = \"a:C\"\n",
         "w.toml:3:10: not valid TOML in a key-value pair: cannot redefine existing string "
         "'python'"},
        {"[models.a\n", "w.toml:1:10: not valid TOML in a table header: expected ']', saw '\\n'"},
        {"a = \"\xff\"", "w.toml:1:5: not valid TOML: Encountered invalid utf-8 sequence"},
        {"a = 5m", "w.toml:1:6: not valid TOML in a decimal integer: expected digit, saw 'm'"},
        {"a = tr\x0e", "w.toml:1:7: not valid TOML in a boolean: expected 'true', saw 'tr?'"},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string{row.text});
        const auto loaded = parse(row.text);
        CHECK_FALSE(loaded.configuration);
        CHECK(problems(loaded) == Lines{row.message});
    }
}

TEST_CASE("[R11] [R12] the idle limits: never, at once, and the environment's defaults") {
    CHECK_FALSE(model("unload_after = \"never\"").unload_after);
    CHECK(model("unload_after = \"0s\"").unload_after == 0s);
    // Only an `offload_after` that is given bounds it; its default does not.
    CHECK(model("unload_after = \"10s\"").unload_after == 10s);
    const wd::Environment given = {{"IDLE_UNLOAD_TIMEOUT_SEC", "30"},
                                   {"IDLE_CLEAR_TIMEOUT_SEC", "40"}};
    CHECK(model("", given).offload_after == 30s);
    CHECK(model("", given).unload_after == 40s);
    CHECK(model("offload_after = \"7s\"", given).offload_after == 7s);
    CHECK(model("unload_after = \"7m\"", given).unload_after == 7min);
    CHECK_FALSE(model("", {{"IDLE_UNLOAD_TIMEOUT_SEC", "0"}}).offload_after);
    CHECK_FALSE(model("", {{"IDLE_CLEAR_TIMEOUT_SEC", "0"}}).unload_after);
    CHECK(model("", {{"IDLE_CLEAR_TIMEOUT_SEC", ""}}).unload_after == 6min);
    for (const char* bad : {"-1", "1.5", "5m", "never", " 5", "99999999"}) {
        CAPTURE(bad);
        CHECK(problems(parse("[models]\n", {{"IDLE_CLEAR_TIMEOUT_SEC", bad}})) ==
              Lines{"IDLE_CLEAR_TIMEOUT_SEC: must be whole seconds up to 2592000, such as 300 (0: "
                    "never), not \"" +
                    std::string{bad} + "\""});
    }
    CHECK(problems(parse("[models]\n", {{"IDLE_UNLOAD_TIMEOUT_SEC", "300"},
                                        {"IDLE_CLEAR_TIMEOUT_SEC", "200"}})) ==
          Lines{"IDLE_CLEAR_TIMEOUT_SEC: is 200, below the 300 of IDLE_UNLOAD_TIMEOUT_SEC: a model "
                "would be unloaded before it is offloaded; raise it, or set it to 0 (never)"});
    CHECK(model_problems("offload_after = \"10m\"").front() ==
          "w.toml:3: `offload_after` in [models.m] is 10m, above the default of `unload_after` "
          "(6m): give `unload_after` too, or \"never\"");
}

TEST_CASE("listening where other machines can reach it needs the token that is not there yet") {
    const std::string needs =
        "can be reached from other machines, which needs a token, and tokens (`token_file`) "
        "arrive with a later version: listen on loopback, with a proxy in front that knows who "
        "may ask";
    CHECK(problems(parse("[daemon]\nlisten = \"0.0.0.0:7411\"\n[models]\n")) ==
          Lines{"w.toml:2: `listen` in [daemon] is \"0.0.0.0:7411\": that " + needs});
    CHECK(problems(parse("[models]\n", {}, {.listen = "[::]:80", .log = {}, .state_dir = {}})) ==
          Lines{"--listen: \"[::]:80\" " + needs});
    // An override replaces what the file says.
    const auto loaded = parse("[daemon]\nlisten = \"0.0.0.0:7411\"\nlog = \"json\"\n[models]\n", {},
                              {.listen = "localhost:1", .log = "text", .state_dir = "/s/../t"});
    CHECK(problems(loaded) == Lines{});
    const wd::Configuration configuration = good(loaded);
    CHECK(configuration.daemon.listen.host == "localhost");
    CHECK(configuration.daemon.log == wd::LogFormat::text);
    CHECK(configuration.daemon.state_dir == "/t");
    CHECK(problems(parse("[models]\n", {}, {.listen = "x", .log = "xml", .state_dir = ""})) ==
          Lines{
              "--listen: must be an address and port such as \"127.0.0.1:7411\" or "
              "\"[::1]:7411\", not \"x\"",
              "--log: must be text or json, not \"xml\"",
              "--state-dir: is empty; name a folder",
          });
    CHECK(problems(parse("", {}, {.socket = "", .access_log = ""})).size() == 3);  // and no model
    for (const char* bad : {"7411", ":7411", "127.0.0.1:", "127.0.0.1:65536", "::1:80", "[::1]",
                            "example.com:80", "127.0.0.1:80x", "[127.0.0.1]:80"}) {
        CAPTURE(bad);
        CHECK_FALSE(wd::parse_listen(bad).has_value());
    }
    for (const char* good : {"127.0.0.1:7411", "[::1]:0", "localhost:80", "127.3.2.1:1"}) {
        CAPTURE(good);
        const auto address = wd::parse_listen(good);
        REQUIRE(address);
        CHECK(wd::to_text(*address) == good);
        CHECK(wd::is_loopback(*address));
    }
    CHECK(problems(parse("[daemon]\nallowed_hosts = [\"http://x\", \"y:80\"]\n[models]\n")) ==
          Lines{
              "w.toml:2: `allowed_hosts` in [daemon] holds \"http://x\"; a host is a name or an "
              "address alone, without scheme, port or brackets",
              "w.toml:2: `allowed_hosts` in [daemon] holds \"y:80\"; a host is a name or an "
              "address alone, without scheme, port or brackets",
          });
}

TEST_CASE("a file that cannot be read is a problem with its reason") {
    CHECK(problems(wd::load_configuration("nowhere/w.toml", {})) ==
          Lines{"nowhere/w.toml: cannot be read: No such file or directory; give the path of "
                "the configuration file"});
    CHECK(problems(wd::load_configuration(".", {})) ==
          Lines{".: is a folder; name the configuration file in it"});
    CHECK(problems(wd::load_configuration("/dev/zero", {})) ==
          Lines{"/dev/zero: is larger than 4 MiB: no configuration"});
}

TEST_CASE("the state folder follows the environment, and names stay printable") {
    CHECK(good(parse("[models]\n", {{"XDG_STATE_HOME", "/x"}, {"HOME", "/h"}})).daemon.state_dir ==
          "/x/windlass");
    CHECK(good(parse("[models]\n", {{"XDG_STATE_HOME", "relative"}})).daemon.state_dir ==
          "/var/lib/windlass");
    CHECK(model_problems("\"a\\u001b[2J\" = 1\n").front() ==
          "w.toml:3: unknown key `a?[2J` in [models.m]; `windlass config keys` lists the known "
          "ones");
}

TEST_CASE("the Unix socket lies in the state folder, where it is told to, or nowhere") {
    const auto socket = [](const std::string& keys, const wd::Overrides& overrides = {}) {
        return good(parse("[daemon]\nstate_dir = \"/s\"\n" + keys, wd::testing::kNoEnvironment,
                          overrides))
            .daemon.socket;
    };
    CHECK(socket("") == "/s/windlass.sock");
    CHECK(socket("", {.state_dir = "/t"}) == "/t/windlass.sock");
    CHECK(socket("socket = \"/run/w.sock\"") == "/run/w.sock");
    CHECK(socket("socket = \"w.sock\"") == (std::filesystem::current_path() / "w.sock").string());
    CHECK(socket("socket = \"none\"").empty());
    CHECK(socket("socket = \"none\"", {.socket = "/x/../y.sock"}) == "/y.sock");
    CHECK(socket("socket = \"/run/w.sock\"", {.socket = "none"}).empty());
}

TEST_CASE("a Unix socket's path that is too long is a mistake where it was given, else a notice") {
    const std::string fits = "/" + std::string(106, 'x');
    CHECK(good(parse("[daemon]\nsocket = \"" + fits + "\"\n")).daemon.socket == fits);
    const auto given = parse("[daemon]\nsocket = \"" + fits + "x\"\n");
    CHECK_FALSE(given.configuration.has_value());
    CHECK(problems(given).at(0).starts_with("w.toml:2: `socket` in [daemon] is 108 bytes long"));
    const auto asked = parse("", wd::testing::kNoEnvironment, {.socket = fits + "x"});
    CHECK_FALSE(asked.configuration.has_value());
    const auto by_default = parse("[daemon]\nstate_dir = \"" + fits + "\"\n");
    CHECK(good(by_default).daemon.socket.empty());
    CHECK(problems(by_default).at(0).starts_with("notice: w.toml: there is no Unix socket"));
}

TEST_CASE("the limit of all bodies is never below that of one") {
    const auto limit = [](const std::string& keys) {
        return good(parse("[daemon]\n" + keys)).daemon.bodies_limit.count();
    };
    CHECK(limit("") == 1ULL << 30);
    CHECK(limit("body_limit = \"2GiB\"") == 2ULL << 30);
    CHECK(limit("bodies_limit = \"512MiB\"") == 512ULL << 20);
    const auto wrong = parse("[daemon]\nbody_limit = \"1MiB\"\nbodies_limit = \"1KiB\"\n");
    CHECK(problems(wrong) ==
          Lines{"w.toml:3: `bodies_limit` in [daemon] is below body_limit, the limit of a single "
                "body",
                "notice: w.toml: no model is configured: add [models.NAME] with `python` or "
                "`command`"});
}

TEST_CASE("a command with `ready` is a program that serves HTTP") {
    const auto loaded = parse(R"([models.llm]
command = ["vllm", "serve", "--port", "{port}"]
ready = "http:/health"
offload = "http:/sleep?level=1"
restore = "http:/wake_up"
)");
    CHECK(problems(loaded) == Lines{});
    const wd::Configuration configuration = good(loaded);
    const wd::ModelConfiguration& llm = configuration.models.at(0);
    CHECK(llm.command.back() == "{port}");
    CHECK(llm.ready == "/health");
    CHECK(llm.offload == "/sleep?level=1");
    CHECK(llm.restore == "/wake_up");
}
