// What drills make of what they saw: copies, high-water marks, verdicts, JSON.
#include "cli/drill_report.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "cli/drill_json.h"

namespace windlass::cli::drill {

using base::Bytes;
using base::operator""_MiB;
using std::chrono::milliseconds;

namespace {

Look look_at(int at_ms, Bytes ours) {
    return {.at = milliseconds{at_ms}, .used = ours, .free = Bytes{0}, .ours = ours};
}

Report report_of(std::vector<Check> checks) {
    return {.drill = "duplicates", .promise = "takes 1 MiB", .checks = std::move(checks)};
}

}  // namespace

TEST_CASE("[R78] the high-water mark is the most of its phase, and of no other") {
    const std::vector<Look> looks = {look_at(0, 0_MiB), look_at(100, 900_MiB), look_at(200, 50_MiB),
                                     look_at(300, 70_MiB)};
    CHECK(high_water(looks, {"all", milliseconds{0}, milliseconds{300}}) == 900_MiB);
    CHECK(high_water(looks, {"late", milliseconds{200}, milliseconds{300}}) == 70_MiB);
    CHECK_FALSE(high_water(looks, {"never", milliseconds{301}, milliseconds{400}}).has_value());
}

TEST_CASE("[R74] a copy is a process of the drill that holds the weights") {
    Look look = look_at(0, 0_MiB);
    look.holdings = {{.pid = 10, .part = 10, .bytes = 550_MiB},  // itself a part
                     {.pid = 21, .part = 20, .bytes = 550_MiB},  // a part's child
                     {.pid = 22, .part = 20, .bytes = 450_MiB},  // only a context
                     {.pid = 30, .part = 0, .bytes = 900_MiB}};  // a stranger
    CHECK(copies_of(look, {10, 20}, 500_MiB).size() == 2);
    CHECK(copies_of(look, {20}, 500_MiB).front().pid == 21);
    CHECK(copies_of(look, {99}, 0_MiB).empty());
}

TEST_CASE("a drill passes when it looked at something and all was as expected") {
    const Check sound{.what = "a", .expected = "1", .happened = "1", .is_met = true};
    const Check broken{.what = "copies", .expected = "1", .happened = "3", .is_met = false};
    CHECK(is_passed(report_of({sound, sound})));
    CHECK_FALSE(is_passed(report_of({sound, broken})));
    CHECK_FALSE(is_passed(report_of({})));
    CHECK(verdict_text(report_of({sound, broken})) ==
          "drill duplicates: fell short: copies: expected 1, happened 3\n");
    CHECK(verdict_text(report_of({})) == "drill duplicates: fell short: nothing was looked at\n");
    CHECK(to_text(report_of({sound, broken})).find("NOT") != std::string::npos);
    CHECK(to_text(report_of({sound})).find("NOT") == std::string::npos);
}

TEST_CASE("[R78] a long series is shown in one screen that keeps its peak") {
    Report report = report_of({});
    for (int i = 0; i < 1000; ++i)
        report.looks.push_back(look_at(i * 100, i == 501 ? 900_MiB : 1_MiB));
    report.phases = {{"in all", milliseconds{0}, milliseconds{100'000}}};
    const std::string text = to_text(report);
    CHECK(text.find("50.1 s  900 MiB        " + std::string(40, '#')) != std::string::npos);
    CHECK(text.find("high-water mark in all: 900 MiB") != std::string::npos);
    CHECK(std::ranges::count(text, '\n') < 35);
}

TEST_CASE("what daemons, clients and bare processes say is read, and nothing else is") {
    CHECK(find_url(R"({"event":"daemon.started","listen":"127.0.0.1:7"})") == "http://127.0.0.1:7");
    CHECK_FALSE(find_url(R"({"event":"daemon.starting","listen":"127.0.0.1:7"})").has_value());
    CHECK_FALSE(find_url("daemon.started").has_value());
    CHECK(parse_pid(R"({"pid": 7})") == 7);
    CHECK_FALSE(parse_pid("7").has_value());
    const Told told = parse_told(R"({"worker_pid":7,"copy":3,"run_ms":1.5})");
    CHECK(told.pid == 7);
    CHECK(told.copy == 3);
    CHECK(told.failure.empty());
    CHECK(parse_told(R"({"error":{"type":"timeout","message":"late"}})").failure ==
          "timeout: late");
    CHECK(parse_told("").failure == "no answer");
    CHECK(toml_text(R"(a"b\)") == R"("a\"b\\")");
}

TEST_CASE("a report as JSON has every look") {
    Report report = report_of({{.what = "a",
                                .expected = "1",
                                .happened = "1",
                                .is_met = true,
                                .after = milliseconds{1500}}});
    report.looks = {look_at(0, 1_MiB), look_at(100, 2_MiB)};
    report.told = {{.pid = 7, .copy = 3}, {.failure = "timeout: late"}};
    const std::string json = report_json(report);
    for (const char* part :
         {R"("passed":true)", R"("after_ms":1500)", R"("at_ms":100,"ours_bytes":2097152)",
          R"({"worker_pid":7,"copy":3})", R"({"failure":"timeout: late"})"})
        CHECK(json.find(part) != std::string::npos);
}

TEST_CASE("a summary has a line for each drill, and tells what fell short of those that failed") {
    Report good = report_of({{.what = "copies", .expected = "1", .happened = "1", .is_met = true}});
    Report bad = report_of({{.what = "jobs", .expected = "3", .happened = "2", .is_met = false}});
    bad.drill = "load";
    const std::string text = summary_text({good, bad});
    CHECK(text.find("ok   duplicates  1 of 1") != std::string::npos);
    CHECK(text.find("NOT  load        0 of 1") != std::string::npos);
    CHECK(text.find("drill load: fell short: jobs: expected 3, happened 2") != std::string::npos);
    CHECK(text.find("drill duplicates: ") == std::string::npos);
    const std::string json = summary_json({good, bad});
    CHECK(json.starts_with(R"({"drill":"all","passed":false,"drills":[{"drill":"duplicates")"));
    CHECK(summary_json({good}).find(R"("passed":true)") != std::string::npos);
}

}  // namespace windlass::cli::drill
