// Log lines as people and programs get them.
#include "daemon/log.h"

#include <doctest/doctest.h>

#include <limits>
#include <sstream>
#include <string>

using namespace std::chrono_literals;
namespace wd = windlass::daemon;
namespace base = windlass::base;
namespace log = windlass::base::log;

namespace {

// What one line looks like after its time, which is checked for its form and cut off.
std::string text_line(std::string_view event, std::initializer_list<log::Field> fields) {
    std::ostringstream out;
    wd::make_log_sink(wd::LogFormat::text, log::Level::info, out)(log::Level::info, event, fields);
    const std::string line = out.str();
    REQUIRE(line.size() > 24);
    std::string form = line.substr(0, 24);
    for (char& c : form) c = c >= '0' && c <= '9' ? '0' : c;
    CHECK(form == "0000-00-00 00:00:00.000 ");
    return line.substr(24);
}

std::string json_line(std::string_view event, std::initializer_list<log::Field> fields) {
    std::ostringstream out;
    wd::make_log_sink(wd::LogFormat::json, log::Level::info, out)(log::Level::error, event, fields);
    const std::string line = out.str();
    REQUIRE(line.size() > 37);
    std::string form = line.substr(0, 37);
    for (char& c : form) c = c >= '0' && c <= '9' ? '0' : c;
    CHECK(form == R"({"time":"0000-00-00T00:00:00.000000Z")");
    return "{" + line.substr(38);
}

}  // namespace

TEST_CASE("a line of text has time, level, event and fields") {
    CHECK(text_line("model.ready", {{"model", "digits"},
                                    {"pid", 4711},
                                    {"took", 250ms},
                                    {"share", 0.5},
                                    {"warm", true},
                                    {"bytes", base::Bytes{42}}}) ==
          "info    model.ready model=digits pid=4711 took=250ms share=0.5 warm=true bytes=42\n");
    CHECK(text_line("daemon.started", {}) == "info    daemon.started\n");
}

TEST_CASE("a line of JSON has the same, typed") {
    CHECK(
        json_line(
            "model.ready",
            {{"model", "digits"}, {"pid", -1}, {"took", 250ms}, {"share", 0.5}, {"warm", false}}) ==
        R"({"level":"error","event":"model.ready","model":"digits","pid":-1,"took":"250ms",)"
        R"("share":0.5,"warm":false})"
        "\n");
    CHECK(json_line("a", {{"x", std::numeric_limits<double>::infinity()}}) ==
          "{\"level\":\"error\",\"event\":\"a\",\"x\":null}\n");
}

TEST_CASE("no text can forge a line, colour a terminal or break the encoding") {
    struct Row {
        std::string text;
        std::string escaped;  // between the quotes
    };
    const Row rows[] = {
        {"two words", "two words"},
        {"", ""},
        {"a\tb", "a\\tb"},
        {"say \"x\\y\"", "say \\\"x\\\\y\\\""},
        {"\x1b[31mred", "\\u001b[31mred"},
        {std::string{"nul\0", 4}, "nul\\u0000"},
        {"\x7f", "\\u007f"},
        {"\u009b31m", "\\u009b31m"},  // the one-character CSI of 8-bit terminals
        {"gr\u00fc\u00df \u20ac \U0001F600", "gr\u00fc\u00df \u20ac \U0001F600"},
        {"\xff", "\uFFFD"},
        {"\xc3", "\uFFFD"},  // cut short
        {"\xc3(", "\uFFFD("},
        {"\xc0\xaf", "\uFFFD\uFFFD"},                      // overlong
        {"\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD"},            // surrogate
        {"\xf4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},  // above U+10FFFF
        {"{} %v {0}", "{} %v {0}"},                        // neither a format nor a pattern
    };
    for (const Row& row : rows) {
        CAPTURE(row.escaped);
        CHECK(text_line("e", {{"k", row.text}}) == "info    e k=\"" + row.escaped + "\"\n");
        CHECK(json_line("e", {{"k", row.text}}) ==
              "{\"level\":\"error\",\"event\":\"e\",\"k\":\"" + row.escaped + "\"}\n");
    }
    CHECK(text_line("worker.line", {{"line", "a=b"}}) == "info    worker.line line=\"a=b\"\n");
}

TEST_CASE("a text of several lines stands below its line, and is one string of JSON") {
    CHECK(text_line("run.failed", {{"traceback", "File \"m.py\"\n\x1b[2J\n\nend\n"}, {"n", 1}}) ==
          "info    run.failed n=1\n"
          "    traceback:\n"
          "    | File \"m.py\"\n"
          "    | \\u001b[2J\n"
          "    | \n"
          "    | end\n");
    CHECK(text_line("e", {{"k", "\n"}}) == "info    e\n    k:\n    | \n");
    CHECK(json_line("e", {{"k", "a\nb"}}) ==
          "{\"level\":\"error\",\"event\":\"e\",\"k\":\"a\\nb\"}\n");
}

TEST_CASE("lines below the level are left out") {
    std::ostringstream out;
    const log::Sink sink = wd::make_log_sink(wd::LogFormat::text, log::Level::warning, out);
    sink(log::Level::debug, "a", {});
    sink(log::Level::info, "b", {});
    sink(log::Level::warning, "c", {});
    sink(log::Level::error, "d", {});
    CHECK(out.str().find(" a\n") == std::string::npos);
    CHECK(out.str().find(" b\n") == std::string::npos);
    CHECK(out.str().find("warning c\n") != std::string::npos);
    CHECK(out.str().find("error   d\n") != std::string::npos);
}
