// What clients may ask of events, and how it looks.
#include "http/event_query.h"

#include <doctest/doctest.h>

#include "http/event_text.h"
#include "http/testing/fake_backend.h"

namespace http = windlass::http;
namespace base = windlass::base;
using http::EventRequest;

namespace {

constexpr std::int64_t kNow = 1'767'323'045'678;  // 2026-01-02T03:04:05.678Z

windlass::base::Result<EventRequest> read(std::string_view query,
                                          const http::Headers& headers = {}) {
    return http::read_event_request(query, headers, kNow);
}

}  // namespace

TEST_CASE("every parameter of events is read, and nothing that is none") {
    CHECK(read("") == EventRequest{});
    const auto all = read(
        "after=17&limit=5&model=a%20b&worker=3&job=j&code=model.&level=warning&since=10m&follow=1");
    REQUIRE(all);
    CHECK(*all == EventRequest{.query = {.filter = {.model = "a b",
                                                    .job = "j",
                                                    .worker = 3,
                                                    .code = "model.",
                                                    .level = base::log::Level::warning,
                                                    .since_ms = kNow - 600'000},
                                         .after = 17,
                                         .limit = 5},
                               .is_followed = true});
    CHECK(read("since=2026-01-02T03:04:05.678Z")->query.filter.since_ms == kNow);
    CHECK_FALSE(read("follow=0")->is_followed);
    for (const char* bad : {"after=", "after=-1", "after=1x", "limit=0", "limit=1001", "worker=x",
                            "level=loud", "since=yesterday", "since=5", "follow=2", "model=%zz",
                            "what=1", "after=18446744073709551615"}) {
        CAPTURE(bad);
        const auto refused = read(bad);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == base::Errc::invalid_input);
        const std::string_view name =
            std::string_view{bad}.substr(0, std::string_view{bad}.find('='));
        CHECK(refused.error().message.starts_with(name));
    }
}

TEST_CASE("what a browser sends when it comes again counts more than its address") {
    http::Headers headers;
    headers.add("accept", "text/event-stream");
    headers.add("last-event-id", "42");
    const auto again = read("after=3", headers);
    REQUIRE(again);
    CHECK(again->is_followed);
    CHECK(again->query.after == 42);
    http::Headers broken;
    broken.add("Last-Event-ID", "x");
    CHECK_FALSE(read("", broken));
}

TEST_CASE("events as a list and as a stream, byte for byte") {
    const std::string one =
        R"({"number":7,"time":"2026-01-02T03:04:05.678Z","level":"info","code":"model.ready",)"
        R"("model":"digits","job":null,"worker":3,"pid":4711,"device":"cpu","request":null,)"
        R"("fields":{"took":"1s"}})";
    base::EventRecord event = http::testing::FakeBackend::event(7);
    CHECK(http::to_json(event) == one);
    CHECK(http::to_json(base::EventPage{.events = {event}, .first = 2, .last = 9, .next = 7}) ==
          R"({"events":[)" + one + R"(],"first":2,"last":9,"next":7})");
    CHECK(http::to_json(base::EventPage{}) == R"({"events":[],"first":null,"last":0,"next":null})");
    CHECK(http::stream_text(event) == "id: 7\ndata: " + one + "\n\n");
    event.number = 0;
    event.model = "a\nb";
    const std::string without = http::stream_text(event);
    CHECK(without.starts_with(R"(data: {"number":null,)"));
    CHECK(without.find('\n') == without.size() - 2);  // its data is one line
    CHECK(http::stream_text({.after = 1, .next = 9, .reason = "deleted"}) ==
          "event: gap\ndata: {\"after\":1,\"next\":9,\"reason\":\"deleted\"}\n\n");
    CHECK(http::stream_end_text("slow", "x\"") ==
          "event: end\ndata: {\"reason\":\"slow\",\"message\":\"x\\\"\"}\n\n");
}
