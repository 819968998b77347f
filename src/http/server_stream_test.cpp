// Replies that are made while they are sent: what goes out when, and what becomes of readers who
// are slow, vanish or never wanted a body.
#include <doctest/doctest.h>

#include "http/server.h"
#include "http/testing/server_bench.h"

using namespace std::chrono_literals;
namespace http = windlass::http;
namespace base = windlass::base;
using http::testing::get;
using http::testing::ServerBench;
using http::testing::TestClient;

namespace {

constexpr std::string_view kFollow = "/api/events?follow=1";

// A client whose stream has begun; `number` of them were opened before.
std::unique_ptr<TestClient> follower(ServerBench& bench, const std::string& request) {
    auto client = bench.connect();
    const std::size_t before = bench.backend.followers.size();
    client->send(request);
    REQUIRE(bench.until([&] { return bench.backend.followers.size() > before; }));
    return client;
}

http::ReplyStream& stream_of(ServerBench& bench) { return bench.backend.followers.back().stream; }

bool has_received(ServerBench& bench, const TestClient& client, std::string_view end) {
    return bench.until([&] { return client.received().ends_with(end); });
}

std::string body_of(const TestClient& client) {
    const std::string& all = client.received();
    return all.substr(all.find("\r\n\r\n") + 4);
}

// What a chunked body holds; fails where it is not well-formed.
std::string unchunk(std::string_view body) {
    std::string whole;
    while (true) {
        const std::size_t end = body.find("\r\n");
        REQUIRE(end != std::string_view::npos);
        const std::size_t size = std::stoull(std::string{body.substr(0, end)}, nullptr, 16);
        body.remove_prefix(end + 2);
        whole += body.substr(0, size);
        REQUIRE(body.substr(size, 2) == "\r\n");
        body.remove_prefix(size + 2);
        if (size == 0) break;
    }
    CHECK(body.empty());
    return whole;
}

struct Counts {
    int room = 0;
    int gone = 0;
};

void count(const http::ReplyStream& stream, Counts& counts) {
    stream.listen(
        {.on_room = [&counts] { ++counts.room; }, .on_gone = [&counts] { ++counts.gone; }});
}

// Writes until the client's socket takes no more.
void fill(ServerBench& bench, const http::ReplyStream& stream) {
    const std::string piece(65'536, 'x');
    REQUIRE(bench.until([&] {
        bench.loop.post([] {});
        CHECK(stream.write(piece));
        return stream.backlog() > 0;
    }));
}

}  // namespace

TEST_CASE("each piece of a stream goes out at once, then the end, then the next request") {
    ServerBench bench;
    const auto client = follower(bench, get(kFollow));
    REQUIRE(has_received(bench, *client, "\r\n\r\n"));  // the head waits for no piece
    CHECK(client->received().contains("Transfer-Encoding: chunked\r\n"));
    CHECK_FALSE(client->received().contains("Content-Length"));
    http::ReplyStream& stream = stream_of(bench);
    CHECK(stream.write("hello"));
    CHECK(stream.write(""));  // is no end
    CHECK(has_received(bench, *client, "5\r\nhello\r\n"));
    CHECK(stream.write(std::string(300, 'x')));
    CHECK(has_received(bench, *client, "xx\r\n"));
    CHECK(stream.backlog() == 0);
    stream.end();
    CHECK_FALSE(stream.is_open());
    CHECK_FALSE(stream.write("more"));
    REQUIRE(has_received(bench, *client, "0\r\n\r\n"));
    CHECK(unchunk(body_of(*client)) == "hello" + std::string(300, 'x'));
    client->take(client->received().size());
    CHECK(bench.exchange(*client, get("/healthz")).status == 200);
}

TEST_CASE("events are listed, or followed by whoever accepts a stream") {
    ServerBench bench;
    const auto client = bench.connect();
    CHECK(bench.exchange(*client, get("/api/events?after=4"))
              .body.starts_with(R"({"events":[{"number":5,)"));
    CHECK(bench.exchange(*client, get("/api/events?what=4")).status == 400);
    const auto browser = follower(bench,
                                  "GET /api/events?model=digits HTTP/1.1\r\nHost: localhost\r\n"
                                  "Accept: text/event-stream\r\nLast-Event-ID: 8\r\n\r\n");
    CHECK(bench.backend.followers.back().query ==
          base::EventQuery{.filter = {.model = "digits"}, .after = 8});
    REQUIRE(has_received(bench, *browser, "\r\n\r\n"));
    CHECK(browser->received().contains("Content-Type: text/event-stream; charset=utf-8\r\n"));
    CHECK(browser->received().contains("Cache-Control: no-store\r\n"));
}

TEST_CASE("an HTTP/1.0 client reads a stream to the end of its connection") {
    ServerBench bench;
    constexpr std::string_view kRequest =
        "GET /api/events?follow=1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    const auto client = follower(bench, std::string{kRequest});
    stream_of(bench).write("hello");
    SUBCASE("whole") {
        stream_of(bench).end();
        CHECK(bench.until([&] { return client->has_ended(); }));
        CHECK(body_of(*client) == "hello");
        CHECK(client->received().contains("Connection: close\r\n"));
        CHECK_FALSE(client->received().contains("chunked"));
    }
    SUBCASE("cut: nothing but a reset can tell") {
        stream_of(bench).break_off(base::Errc::worker_lost);
        CHECK(bench.until([&] { return client->has_failed(); }));
    }
}

TEST_CASE("a stream that breaks off shows that its end is missing") {
    ServerBench bench;
    const auto client = follower(bench, get(kFollow));
    CHECK(stream_of(bench).write("hello"));
    SUBCASE("by its producer") { stream_of(bench).break_off(base::Errc::worker_lost); }
    SUBCASE("because its producer is no more") { bench.backend.followers.clear(); }
    CHECK(bench.until([&] { return client->has_ended(); }));
    CHECK(client->received().ends_with("5\r\nhello\r\n"));  // all that was given, and no last chunk
}

TEST_CASE("HEAD of a stream has its head and no body, and opens none") {
    ServerBench bench;
    const auto client = bench.connect();
    client->send("HEAD /api/events?follow=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const http::testing::Received received = bench.receive(*client, true);
    CHECK(received.status == 200);
    CHECK(received.field("Transfer-Encoding") == "chunked");
    CHECK(bench.exchange(*client, get("/healthz")).status == 200);
    CHECK(bench.backend.followers.empty());
}

TEST_CASE("requests that follow a stream wait for its end") {
    ServerBench bench;
    const auto client = follower(bench, get(kFollow) + get("/healthz"));
    CHECK(stream_of(bench).write("a"));
    stream_of(bench).end();
    CHECK(bench.until([&] { return client->received().contains("\"status\":\"ok\""); }));
    CHECK(client->received().contains("1\r\na\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"));
}

TEST_CASE("whoever produces is told at once that the reader went away") {
    for (const auto leave : {&TestClient::close, &TestClient::reset, &TestClient::close_sending}) {
        ServerBench bench;
        const auto client = follower(bench, get(kFollow));
        Counts counts;
        count(stream_of(bench), counts);
        (client.get()->*leave)();
        REQUIRE(bench.until([&] { return counts.gone == 1; }));
        CHECK_FALSE(stream_of(bench).is_open());
        CHECK_FALSE(stream_of(bench).write("late"));
        CHECK(bench.server->connection_count() == 0);
        CHECK(counts.room == 0);
    }
}

TEST_CASE("a producer that let go hears nothing any more") {
    ServerBench bench;
    const auto client = follower(bench, get(kFollow));
    client->pause_reading();
    Counts counts;
    count(stream_of(bench), counts);
    fill(bench, stream_of(bench));
    bench.backend.followers.clear();
    client->reset();
    REQUIRE(bench.until([&] { return bench.server->connection_count() == 0; }));
    CHECK(counts.gone == 0);
    CHECK(counts.room == 0);
}

TEST_CASE("a reader who stops costs a bounded piece of memory and holds up nobody") {
    ServerBench bench;
    const auto slow = follower(bench, get(kFollow));
    slow->pause_reading();
    http::ReplyStream& stream = stream_of(bench);
    Counts counts;
    count(stream, counts);
    fill(bench, stream);
    const std::string piece(65'536, 'x');
    while (stream.write(piece)) {
    }
    CHECK(stream.is_open());
    CHECK(stream.backlog() <= http::ReplyStream::kBacklogMax);
    CHECK(bench.exchange_alone(get("/metrics")).body.starts_with("connections_open 2"));
    CHECK(counts.room == 0);
    slow->resume_reading();
    REQUIRE(bench.until([&] { return counts.room == 1; }));
    CHECK(stream.backlog() == 0);
    CHECK(stream.write("last"));
    stream.end();
    REQUIRE(has_received(bench, *slow, "0\r\n\r\n"));
    const std::string body = unchunk(body_of(*slow));
    CHECK(body.size() % piece.size() == 4);  // only whole pieces were taken
    CHECK(body.ends_with("xlast"));
}

TEST_CASE("a stream of many pieces arrives as it was given, however they are cut") {
    ServerBench bench;
    const auto client = follower(bench, get(kFollow));
    http::ReplyStream& stream = stream_of(bench);
    std::string given;
    std::uint32_t state = 1;
    REQUIRE(bench.until([&] {
        bench.loop.post([] {});
        state = state * 1'664'525U + 1'013'904'223U;
        const std::string piece(1 + (state >> 16U) % 50'000, static_cast<char>('a' + state % 26));
        if (stream.write(piece)) given += piece;
        return given.size() > (8U << 20);
    }));
    stream.end();
    REQUIRE(has_received(bench, *client, "\r\n0\r\n\r\n"));
    CHECK(unchunk(body_of(*client)) == given);
}

TEST_CASE("a reader who takes nothing for too long loses its stream") {
    http::ServerOptions options;
    options.sweep_period = 5ms;
    options.write_timeout = 50ms;
    ServerBench bench{options};
    const auto slow = follower(bench, get(kFollow));
    slow->pause_reading();
    Counts counts;
    count(stream_of(bench), counts);
    SUBCASE("while it is made") { fill(bench, stream_of(bench)); }
    SUBCASE("at its end") {
        fill(bench, stream_of(bench));
        stream_of(bench).end();
    }
    CHECK(bench.until([&] { return bench.server->connection_count() == 0; }));
    CHECK_FALSE(stream_of(bench).is_open());
}

TEST_CASE("a quiet stream lasts") {
    http::ServerOptions options;
    options.sweep_period = 2ms;
    options.write_timeout = 10ms;
    options.idle_timeout = 10ms;
    ServerBench bench{options};
    const auto client = follower(bench, get(kFollow));
    const auto idle = bench.connect();  // is closed after the same time
    CHECK(bench.until([&] { return idle->has_ended(); }));
    CHECK(stream_of(bench).write("still there"));
    CHECK(has_received(bench, *client, "still there\r\n"));
}

TEST_CASE("a server that stops waits for its streams, and cuts them when it goes") {
    ServerBench bench;
    const auto ended = follower(bench, get(kFollow));
    const auto cut = follower(bench, get(kFollow));
    Counts counts;
    count(bench.backend.followers[1].stream, counts);
    bench.server->stop_accepting();
    bench.server->close_idle();
    CHECK_FALSE(bench.server->idle());
    bench.backend.followers[0].stream.end();
    CHECK(bench.until([&] { return ended->has_ended(); }));
    CHECK_FALSE(bench.server->idle());
    bench.server.reset();
    CHECK_FALSE(bench.backend.followers[1].stream.is_open());
    CHECK(bench.until([&] { return cut->has_ended() || cut->has_failed(); }));
    CHECK_FALSE(cut->received().contains("0\r\n\r\n"));
    CHECK(counts.gone == 0);  // as with calls: nothing is told any more
}

TEST_CASE("a stream is written down when it is over") {
    http::ServerOptions options;
    std::vector<std::string> records;
    options.on_exchange = [&](const http::ExchangeRecord& r) {
        records.push_back(std::string{r.route} + " " + std::to_string(r.status) + " " +
                          std::string{r.trace.error_type} + " " + r.trace.request_id + " " +
                          std::to_string(r.bytes_out));
    };
    ServerBench bench{options};
    const auto whole = follower(bench, get(kFollow));
    CHECK(stream_of(bench).write("hello"));
    stream_of(bench).note({.request_id = "r7"});
    CHECK(records.empty());
    stream_of(bench).end();
    const auto broken = follower(bench, get(kFollow));
    CHECK(stream_of(bench).write("hi"));
    stream_of(bench).break_off(base::Errc::worker_lost);
    const auto gone = follower(bench, get(kFollow));
    CHECK(stream_of(bench).write("hey"));
    gone->close();
    REQUIRE(bench.until([&] { return records.size() == 3; }));
    CHECK(records[0] == "events 200  r7 5");
    CHECK(records[1] == "events 200 worker_lost  2");
    CHECK(records[2] == "events 499 cancelled  3");
}
