// `windlass events`: its words, and what it makes of what a daemon says.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/event_json.h"

namespace cli = windlass::cli;

namespace {

cli::EventsArguments parsed(const std::vector<std::string>& words) {
    const cli::Command command = cli::parse_command_line(words);
    REQUIRE(std::holds_alternative<cli::EventsArguments>(command));
    return std::get<cli::EventsArguments>(command);
}

const std::string kEvent =
    R"({"number":7,"time":"2026-01-02T03:04:05.678Z","level":"warning",)"
    R"("code":"model.load_failed","model":"digits","job":null,"worker":3,"pid":4711,)"
    R"("device":null,"request":null,"fields":{"message":"it \u001b[31m broke","took":"1s",)"
    R"("share":0.5,"traceback":"one\ntwo\n"}})";

}  // namespace

TEST_CASE("what is asked for becomes the query of the API") {
    CHECK(parsed({"events"}).query.empty());
    CHECK(parsed({"events"}).limit == 100);
    const cli::EventsArguments all =
        parsed({"events", "--model", "a&b", "--worker", "3", "--code", "model.", "--level", "error",
                "--job", "j1", "--since", "2026-01-02T03:04:05Z", "--follow", "--json"});
    CHECK(all.query == "model=a%26b&worker=3&job=j1&code=model.&level=error");
    CHECK(all.since == "2026-01-02T03:04:05Z");
    CHECK(all.follow);
    CHECK(all.json);
    for (const std::vector<std::string>& bad :
         std::vector<std::vector<std::string>>{{"events", "--since", "yesterday"},
                                               {"events", "--level", "loud"},
                                               {"events", "--limit", "0"},
                                               {"events", "--worker", "x"}}) {
        const cli::Command command = cli::parse_command_line(bad);
        REQUIRE(std::holds_alternative<cli::Printout>(command));
        CHECK(std::get<cli::Printout>(command).exit_code == 2);
    }
}

TEST_CASE("an event is a line for people, with its blocks below, and harmless") {
    const auto list =
        cli::parse_events(R"({"events":[)" + kEvent + R"(],"first":1,"last":9,"next":7})");
    REQUIRE(list);
    CHECK(list->last == 9);
    CHECK(list->next == 7);
    REQUIRE(list->events.size() == 1);
    CHECK(list->events[0].number == 7);
    CHECK(list->events[0].text ==
          "2026-01-02T03:04:05.678Z warning model.load_failed model=digits worker=3 pid=4711 "
          "message=\"it  [31m broke\" took=1s share=0.5\n    traceback:\n    | one\n    | two");
    CHECK_FALSE(list->events[0].json.contains('\n'));
    CHECK_FALSE(cli::parse_events("{}"));
    CHECK_FALSE(cli::parse_events("nonsense"));
    CHECK_FALSE(cli::parse_events(R"({"events":[{}],"last":1})"));
}

TEST_CASE("a stream is read however it is cut") {
    const std::string text = "retry: 1000\n\n: alive\n\nid: 7\ndata: " + kEvent +
                             "\n\nevent: gap\ndata: {\"after\":5,\"next\":21}\n\nevent: later\n"
                             "data: {}\n\nevent: end\ndata: {\"reason\":\"slow\"}\n\n";
    for (std::size_t size = 1; size <= text.size(); size += 7) {
        std::string told;
        cli::EventStreamReader reader{
            {.on_event = [&](const auto& e) { told += std::to_string(e.number.value_or(0)); },
             .on_gap = [&](auto a,
                           auto b) { told += " " + std::to_string(a) + "-" + std::to_string(b); },
             .on_end = [&](const auto& reason, const auto&) { told += " " + reason; }}};
        for (std::size_t at = 0; at < text.size(); at += size) reader.feed(text.substr(at, size));
        CHECK(told == "7 5-21 slow");
    }
}
