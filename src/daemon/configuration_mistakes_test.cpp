// Configuration files: every mistake of bad ones, word for word.
#include <doctest/doctest.h>

#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "daemon/configuration.h"
#include "daemon/configuration_testing.h"

using namespace std::chrono_literals;
namespace wd = windlass::daemon;
using namespace windlass::daemon::testing;

TEST_CASE("what ended the parser of TOML is a mistake like any other") {
    for (const std::string text : {"[:1:1]", "[::1]", "\u03a2[:1:1]", "\u00e4 = 1",
                                   "[models.\u00e4]", "a = \u00e4", "[daemon] \u00e4"}) {
        CAPTURE(text);
        const auto loaded = parse(text);
        CHECK_FALSE(loaded.configuration.has_value());
        CHECK(loaded.problems.size() == 1);
    }
}

TEST_CASE("all mistakes are told at once, in the order of the file") {
    const auto loaded = parse(R"([daemon]
listn = "127.0.0.1:7411"
log = "jsn"
[models.digits]
python = "digits_model:Digits"
command = ["prog"]
unload_afer = "5m"
concurrency = 0
run_timeout = 300
max_batch = 8
[model.other]
python = "a:B"
)");
    CHECK_FALSE(loaded.configuration);
    CHECK(problems(loaded) ==
          Lines{
              "w.toml:2: unknown key `listn` in [daemon]; did you mean `listen`?",
              "w.toml:3: `log` in [daemon] must be \"text\" or \"json\", not \"jsn\"",
              "w.toml:4: [models.digits] has both `python` and `command`; keep one",
              ("w.toml:7: unknown key `unload_afer` in [models.digits]; did you mean "
               "`unload_after`?"),
              "w.toml:8: `concurrency` in [models.digits] must be between 1 and 256, not 0",
              ("w.toml:9: `run_timeout` in [models.digits] must be a duration such as \"5m\", not "
               "the whole number 300; seconds are written \"300s\""),
              ("notice: w.toml:10: `max_batch` in [models.digits] has no effect yet: it arrives "
               "with a later version"),
              "w.toml:11: unknown table [model]; did you mean [models]?",
          });
}

TEST_CASE("wrong values are told with what was expected and an example") {
    struct Row {
        const char* line;
        const char* message;
    };
    const Row rows[] = {
        {"concurrency = \"4\"", "must be a whole number such as 1, not \"4\""},
        {"concurrency = 1.5", "must be a whole number such as 1, not the number 1.5"},
        {"concurrency = 257", "must be between 1 and 256, not 257"},
        {"queue_limit = -1", "must be between 1 and 100000000, not -1"},
        {"idempotent = \"yes\"", "must be true or false, not \"yes\""},
        {"idempotent = 1", "must be true or false, not the whole number 1"},
        {"run_timeout = true", "must be a duration such as \"5m\", not the boolean true"},
        {"run_timeout = \"5 minutes\"", "must be a duration such as \"5m\", not \"5 minutes\""},
        {"run_timeout = \"never\"", "must be a duration such as \"5m\", not \"never\""},
        {"run_timeout = \"0s\"", "must be between 1ms and 30d, not \"0s\""},
        {"run_timeout = \"60d\"", "must be between 1ms and 30d, not \"60d\""},
        {"run_timeout = [\"5m\"]", "must be a duration such as \"5m\", not a list"},
        {"run_timeout = 0",
         "is a bare 0: write \"0s\" for no time at all; \"never\" is not possible here"},
        {"run_timeout = 07:32:00",
         "must be a duration such as \"5m\", not the date or time 07:32:00"},
        {"unload_after = 0",
         "is a bare 0: write \"0s\" to act at once, or \"never\" to switch it off"},
        {"unload_after = \"0\"",
         "is a bare 0: write \"0s\" to act at once, or \"never\" to switch it off"},
        {"offload_after = 0",
         "is a bare 0: write \"0s\" to act at once, or \"never\" to switch it off"},
        {"unload_after = 60",
         "must be a duration such as \"6m\", or \"never\", not the whole number 60; seconds are "
         "written \"60s\""},
        {"env = [\"A=1\"]",
         "must be a table of texts such as { OMP_NUM_THREADS = \"4\" }, not a list"},
        {"env = { A = 1 }", "must hold texts: write A = \"1\""},
        {"env = { \"A=B\" = \"1\" }", "holds `A=B`, which cannot name a variable"},
        {"env = { TMPDIR = \"/x\" }", "sets `TMPDIR`, which Windlass sets itself"},
        {"interpreter = \"\"", "is empty; it must be a program such as \"python3\""},
        {"devices = \"gpu\"",
         "must be \"any\", \"cpu\" or a list of UUIDs such as [\"GPU-7e0f...\"], not \"gpu\""},
        {"copies = \"many\"", "must be a whole number such as 1, or \"auto\", not \"many\""},
        {"need = \"101%\"",
         "must be an amount of memory such as \"2.5GiB\", a share such as \"40%\", or \"all\", "
         "not \"101%\""},
        {"preload = 1", "must be true or false, not the whole number 1"},
        {"host_memory = 5", "must be an amount of memory such as \"8GiB\", not the whole number 5"},
        {"max_wait = \"soon\"", "must be a duration such as \"60s\", not \"soon\""},
        {"backoff = \"10m\"", "does not fit: `backoff` is 10m and `backoff_max` 5m (the default)"},
        {"job_backoff_max = \"1s\"",
         "does not fit: `job_backoff` is 2s (the default) and `job_backoff_max` 1s"},
        {"unload_after = \"1m\"\noffload_after = \"2m\"",
         "is 1m, below `offload_after` (2m): raise it, or write \"never\""},
    };
    for (const Row& row : rows) {
        const std::string line{row.line};
        CAPTURE(line);
        const std::string key = line.substr(0, line.find(' '));
        const auto seen = model_problems(line + "\n");
        REQUIRE_FALSE(seen.empty());
        std::string expected = "w.toml:3: `" + key + "` in [models.m] ";
        expected += row.message;
        CHECK(seen.front() == expected);
        CHECK(seen.size() == 1);
    }
}

TEST_CASE("a folder must be there") {
    const std::string here = std::filesystem::current_path();
    CHECK(model_problems("path = \"nowhere\"\n") ==
          Lines{"w.toml:3: `path` in [models.m] is \"nowhere\", but " + here +
                "/nowhere does not exist; it starts from the folder of this file"});
    CHECK(model_problems("path = \"/dev/null\"\n") ==
          Lines{"w.toml:3: `path` in [models.m] is \"/dev/null\", but /dev/null is no folder; it "
                "starts from the folder of this file"});
}

TEST_CASE("python names a module and a class") {
    struct Row {
        const char* text;
        const char* message;
    };
    const Row rows[] = {
        {"digits_model.py:Digits",
         "is \"digits_model.py:Digits\": name the module, not its file, as in "
         "\"digits_model:Digits\""},
        {"digits_model.Digits",
         "is \"digits_model.Digits\": a colon stands before the class, as in "
         "\"digits_model:Digits\""},
        {"digits", "must be a module and a class such as \"module:Class\", not \"digits\""},
        {"a:b:c", "must be a module and a class such as \"module:Class\", not \"a:b:c\""},
        {"a b:C", "must be a module and a class such as \"module:Class\", not \"a b:C\""},
        {"1a:C", "must be a module and a class such as \"module:Class\", not \"1a:C\""},
        {"a..b:C", "must be a module and a class such as \"module:Class\", not \"a..b:C\""},
        {":C", "must be a module and a class such as \"module:Class\", not \":C\""},
        {"a:", "must be a module and a class such as \"module:Class\", not \"a:\""},
        {"", "is empty; it must be a module and a class such as \"module:Class\""},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string{row.text});
        const std::string text = "[models.m]\npython = \"" + std::string{row.text} + "\"\n";
        CHECK(problems(parse(text)) ==
              Lines{"w.toml:2: `python` in [models.m] " + std::string{row.message}});
    }
}

TEST_CASE("a model needs code, a fitting name, and to be a table") {
    CHECK(problems(parse("[models.m]\n")) ==
          Lines{"w.toml:1: [models.m] needs `python = \"module:Class\"` or `command = [\"prog\", "
                "\"arg\"]`"});
    CHECK(problems(parse("[models.m]\ncommand = []\n")) ==
          Lines{"w.toml:2: `command` in [models.m] names no program; write a list such as "
                "[\"prog\", \"arg\"]"});
    CHECK(problems(parse("[models.m]\ncommand = \"prog arg\"\n")) ==
          Lines{"w.toml:2: `command` in [models.m] must be a list of a program and its arguments "
                "such as [\"prog\", \"arg\"], not \"prog arg\""});
    CHECK(problems(parse("[models]\nm = \"a:B\"\n")) ==
          Lines{"w.toml:2: `m` in [models] must be a table such as [models.m], not \"a:B\""});
    CHECK(problems(parse("models = 3\n")) ==
          Lines{"w.toml:1: `models` must be a table: write [models.NAME]"});
    CHECK(problems(parse("[models.\"my.model\"]\npython = \"a:B\"\n")) == Lines{});
    const std::string bad = "1 to 64 of letters, digits, `.`, `_` and `-`";
    CHECK(problems(parse("[models.\"a/b\"]\npython = \"a:B\"\n")) ==
          Lines{"w.toml:1: the name in [models.\"a/b\"] must be " + bad});
    CHECK(problems(parse("[models.\"..\"]\npython = \"a:B\"\n")) ==
          Lines{"w.toml:1: the name in [models...] must be " + bad});
    CHECK(problems(parse("[models." + std::string(65, 'x') + "]\npython = \"a:B\"\n")).size() == 1);
    CHECK(problems(parse("[models." + std::string(64, 'x') + "]\npython = \"a:B\"\n")) == Lines{});
}

TEST_CASE("a key in the wrong place is told where it belongs") {
    CHECK(problems(parse("listen = \"127.0.0.1:1\"\n[models.m]\npython = \"a:B\"\n")) ==
          Lines{"w.toml:1: unknown key `listen` outside of any table; it belongs in [daemon]"});
    CHECK(problems(parse("[daemon]\nunload_after = \"1m\"\n[models]\n")) ==
          Lines{"w.toml:2: unknown key `unload_after` in [daemon]; it belongs in [models.NAME]"});
    CHECK(problems(parse("[models.my.model]\npython = \"a:B\"\n")) ==
          Lines{"w.toml:1: unknown key `model` in [models.my]; a model's name that holds a dot "
                "needs quotes, as in [models.\"my.model\"]"});
    CHECK(model_problems("colour = 1\n") ==
          Lines{"w.toml:3: unknown key `colour` in [models.m]; `windlass config keys` lists the "
                "known ones"});
    CHECK(problems(parse("[servers]\n[models]\n")) ==
          Lines{"w.toml:1: unknown table [servers]; known are [daemon], [devices] and "
                "[models.NAME]"});
}

TEST_CASE("keys of later versions are checked and said to have no effect") {
    const auto loaded = parse(R"([devices]

headroom = "1GiB"
on_unknown_memory = "allow"
[models.m]
python = "a:B"
devices = ["GPU-1"]
need = "40%"
copies = "auto"
max_batch = 5
offload_after = "1m"
)");
    const std::string later = " has no effect yet: it arrives with a later version";
    CHECK(problems(loaded) == Lines{"notice: w.toml:10: `max_batch` in [models.m]" + later});
    CHECK(good(loaded).devices.on_unknown_memory == wd::UnknownMemory::allow);
    CHECK(problems(parse("[models]\n")) == Lines{});
    CHECK(problems(parse("")) == Lines{"notice: w.toml: no model is configured: add [models.NAME] "
                                       "with `python` or `command`"});
}

TEST_CASE("what does not go with a program that serves HTTP is told") {
    CHECK(problems(parse(R"([models.a]
python = "a:B"
ready = "http:/health"
[models.b]
command = ["b"]
offload = "http:/sleep"
[models.c]
command = ["c", "{port}", "--uds={socket}"]
ready = "/health"
restore = "http:/wake_up"
idempotent = true
[models.d]
command = ["d"]
ready = "http://127.0.0.1/health"
)")) == Lines{
            "w.toml:3: `ready` in [models.a] is for a `command` that serves HTTP; a class has "
            "hooks instead",
            "w.toml:6: `offload` in [models.b] needs `ready` beside it, such as "
            "\"http:/health\"",
            "w.toml:8: `command` in [models.c] has both {port} and {socket}; the program listens "
            "on one of them",
            "w.toml:9: `ready` in [models.c] is \"/health\"; write the path that the program "
            "answers, as in \"http:/health\"",
            "w.toml:10: `restore` in [models.c] goes with its counterpart: give both `offload` "
            "and `restore`",
            "w.toml:11: `idempotent` in [models.c] does not go with `ready`: what was streamed "
            "to a program cannot be sent again",
            "w.toml:14: `ready` in [models.d] is \"http://127.0.0.1/health\"; write the path "
            "that the program answers, as in \"http:/health\"",
        });
}
