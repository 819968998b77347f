// What the daemon says of models, read and shown.
#include "cli/model_text.h"

#include <doctest/doctest.h>

#include <ostream>

using namespace std::chrono_literals;
namespace cli = windlass::cli;

namespace {

constexpr std::string_view kReady =
    R"({"name":"digits","residency":"ready","copies":1,"worker_pid":4711,"generation":2,)"
    R"("device":"cpu","running":1,"waiting":0,"loads":3,"failures":0,"ready_since_s":250.0,)"
    R"("loading_for_s":null,"last_error":null,"retry_after_s":null,"waiting_requests":[]})";
constexpr std::string_view kBackoff =
    R"({"name":"big","residency":"backoff","copies":0,"worker_pid":null,"generation":7,)"
    R"("device":null,"workers":[],"need":"learned","need_bytes":2684354560,)"
    R"("running":0,"waiting":2,"loads":3,"failures":3,)"
    R"("ready_since_s":null,)"
    R"("loading_for_s":null,"last_error":{"type":"worker_lost","message":"it died\u001b[2J"},)"
    R"("retry_after_s":3.6,"waiting_requests":[)"
    R"({"request_id":"r17","reason":"backoff","waited_ms":1500.25,"priority":4}]})";

cli::ModelState model(std::string_view json) {
    const auto parsed = cli::parse_model(json);
    REQUIRE(parsed);
    return *parsed;
}

}  // namespace

TEST_CASE("a model is read from JSON, whatever is missing") {
    const cli::ModelState ready = model(kReady);
    CHECK(ready.name == "digits");
    CHECK(ready.worker_pid == 4711);
    CHECK(ready.ready_since_s == 250);
    CHECK_FALSE(ready.loading_for_s.has_value());
    const cli::ModelState backoff = model(kBackoff);
    CHECK_FALSE(backoff.worker_pid.has_value());
    CHECK(backoff.waiting_requests.at(0).request_id == "r17");
    CHECK(model(R"({"name":"x","residency":"cold"})").loads == 0);
    CHECK(cli::parse_models(R"({"models":[]})")->empty());
    for (const char* wrong : {"", "[]", "{}", "null", R"({"name":1,"residency":"cold"})"}) {
        CAPTURE(std::string{wrong});
        REQUIRE_FALSE(cli::parse_model(wrong).has_value());
        CHECK(cli::parse_model(wrong).error().code == windlass::base::Errc::data_corrupt);
        CHECK_FALSE(cli::parse_models(wrong).has_value());
    }
}

TEST_CASE("models stand in a table, one line each, whatever their errors hold") {
    CHECK(cli::models_table({model(kReady), model(kBackoff)}) ==
          "MODEL   STATE          DEVICE  PID   RUNNING  WAITING  LOADS  FAILURES  NOTE\n"
          "digits  ready (4 min)  cpu     4711  1        0        3      0\n"
          "big     backoff        -       -     0        2        3      3         "
          "next try in 4 s; worker_lost: it died [2J\n");
    CHECK(cli::models_table({}) == "no models: the daemon's configuration has none\n");
}

TEST_CASE("the devices of several copies are shown once each, with how many are there") {
    const auto shown = [](std::string_view workers) {
        const std::string json = R"({"name":"m","residency":"ready","device":"GPU-1","workers":[)" +
                                 std::string{workers} + "]}";
        const std::string text = cli::model_details(model(json));
        const std::size_t at = text.find("device ") + 10;
        return text.substr(at, text.find('\n', at) - at);
    };
    const std::string one = R"({"id":1,"pid":7,"device":"GPU-1","state":"ready"})";
    const std::string two = R"({"id":2,"pid":8,"device":"GPU-2","state":"loading"})";
    CHECK(shown(one) == "GPU-1");
    CHECK(shown(one + "," + two) == "GPU-1, GPU-2");
    CHECK(shown(two + "," + one + "," + two) == "GPU-1, GPU-2 (2)");
    const std::string standby = R"({"id":3,"pid":9,"device":null,"state":"standby"})";
    CHECK(shown(one + "," + standby) == "GPU-1");
}

TEST_CASE("a process on standby is no copy, and is noted") {
    const std::string table =
        cli::models_table({model(R"({"name":"m","residency":"cold","device":null,"workers":[)"
                                 R"({"id":3,"pid":9,"device":null,"state":"standby"}]})")});
    CHECK(table ==
          "MODEL  STATE  DEVICE  PID  RUNNING  WAITING  LOADS  FAILURES  NOTE\n"
          "m      cold   -       -    0        0        0      0         1 on standby\n");
}

TEST_CASE("one model is shown with who waits for it") {
    CHECK(cli::model_details(model(kBackoff)) ==
          "model        big\n"
          "state        backoff\n"
          "device       -\n"
          "pid          -\n"
          "running      0\n"
          "waiting      2\n"
          "loads        3\n"
          "failures     3\n"
          "need         2.5 GiB (learned)\n"
          "last error   worker_lost: it died [2J\n"
          "next try in  4 s\n"
          "\n"
          "REQUEST  WAITS FOR  SINCE  PRIORITY\n"
          "r17      backoff    2 s    4\n"
          "and 1 more\n");
    CHECK(cli::model_details(model(R"({"name":"x","residency":"cold","need":"unknown"})"))
              .ends_with("need      unknown\n"));
    CHECK(cli::model_line(model(kReady)) == "digits: ready, pid 4711 on cpu\n");
    CHECK(cli::model_line(model(R"({"name":"x","residency":"cold"})")) == "x: cold\n");
}

TEST_CASE("while a call waits, one line says for what") {
    struct Row {
        const char* json;
        const char* text;
    };
    const Row rows[] = {
        {R"({"name":"m","residency":"loading","loading_for_s":3.2})", "m: loading (3 s)"},
        {R"({"name":"m","residency":"cold"})", "m: cold (7 s)"},
        {R"({"name":"m","residency":"backoff","retry_after_s":130})",
         "m: its last load failed; next try in 2 min"},
        {R"({"name":"m","residency":"ready","running":1,"ready_since_s":100})", "m: running (7 s)"},
        {R"({"name":"m","residency":"ready","running":2,"waiting":30})",
         "m: 2 running, 30 waiting (7 s)"},
        {R"({"name":"m","residency":"draining"})", "m: draining (7 s)"},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string{row.json});
        CHECK(cli::waiting_text(model(row.json), 7s) == row.text);
    }
    CHECK(cli::rough_time(0.2) == "0 s");
    CHECK(cli::rough_time(119) == "119 s");
    CHECK(cli::rough_time(7200) == "2 h");
}
