// Clients that vanish, dawdle, send too much or do not read, and the end of the server.
#include <doctest/doctest.h>

#include "http/server.h"
#include "http/testing/server_bench.h"

using namespace std::chrono_literals;
namespace http = windlass::http;
namespace base = windlass::base;
using http::testing::get;
using http::testing::kCall;
using http::testing::post;
using http::testing::Received;
using http::testing::ServerBench;
using http::testing::TestClient;

namespace {

// Brings a call of a new client before the backend.
std::unique_ptr<TestClient> client_with_call(ServerBench& bench, std::string_view ahead = "") {
    auto client = bench.connect();
    client->send(post(kCall, "body"));
    REQUIRE(bench.until([&] { return bench.backend.calls.size() == 1; }));
    client->send(ahead);
    return client;
}

http::ServerOptions swept_often() {
    http::ServerOptions options;
    options.sweep_period = 5ms;
    return options;
}

}  // namespace

TEST_CASE("a client that vanishes during its call is reported, and its late answer dropped") {
    for (const auto leave : {&TestClient::close, &TestClient::reset, &TestClient::close_sending}) {
        ServerBench bench;
        const auto client = client_with_call(bench);
        const auto other = bench.connect();
        other->send(post(kCall, "other"));
        REQUIRE(bench.until([&] { return bench.backend.calls.size() == 2; }));
        (client.get()->*leave)();
        REQUIRE(bench.until([&] { return !bench.backend.gone.empty(); }));
        CHECK(bench.backend.gone == std::vector<std::uint64_t>{1});
        CHECK(bench.server->connection_count() == 1);
        bench.backend.answer_call();  // nobody is there any more
        bench.backend.answer_call();
        CHECK(bench.receive(*other).body == "other");
    }
}

TEST_CASE("a client that vanishes during a load or unload is reported") {
    ServerBench bench;
    for (const std::string verb : {"load", "unload"}) {
        const auto client = bench.connect();
        client->send(post("/api/models/digits/" + verb, ""));
        REQUIRE(bench.until([&] { return bench.backend.orders.size() == 1; }));
        client->close();
        REQUIRE(bench.until([&] { return !bench.backend.gone.empty(); }));
        CHECK(bench.backend.gone.front() == bench.backend.orders.front().number);
        bench.backend.orders.front().reply("r1", http::testing::FakeBackend::status("digits"));
        bench.backend.orders.clear();
        bench.backend.gone.clear();
    }
}

TEST_CASE("what a client sent ahead is not taken for its end, nor does it hide it") {
    ServerBench bench{swept_often()};
    std::string ahead;
    SUBCASE("one more call") { ahead = post(kCall, "two"); }
    SUBCASE("half a request") { ahead = "POST /api/mod"; }
    SUBCASE("more than the server reads ahead") { ahead = post(kCall, std::string(100'000, 'x')); }
    const auto client = client_with_call(bench, ahead);
    REQUIRE(bench.until([&] { return client->has_sent_all(); }));
    CHECK(bench.backend.gone.empty());
    client->close();
    REQUIRE(bench.until([&] { return !bench.backend.gone.empty(); }));
    CHECK(bench.backend.gone == std::vector<std::uint64_t>{1});
    CHECK(bench.backend.calls.size() == 1);
}

TEST_CASE("a crash shows even behind more than the kernel takes ahead") {
    ServerBench bench{swept_often()};
    const auto client = client_with_call(bench, post(kCall, std::string(32U << 20, 'x')));
    client->reset();
    REQUIRE(bench.until([&] { return !bench.backend.gone.empty(); }));
    CHECK(bench.backend.gone == std::vector<std::uint64_t>{1});
}

TEST_CASE("a large request sent ahead is read once it is its turn") {
    ServerBench bench;
    const std::string body(1U << 20, 'x');
    const auto client = client_with_call(bench, post(kCall, body));
    bench.backend.answer_call();
    CHECK(bench.receive(*client).body == "body");
    REQUIRE(bench.until([&] { return bench.backend.calls.size() == 1; }));
    CHECK(bench.backend.calls.front().request.body == body);
}

TEST_CASE("requests that were sent before the client closed its direction are still read") {
    ServerBench bench;
    const auto client = bench.connect();
    client->send(get("/healthz") + get("/api/models") + get("/api/mod"));
    client->close_sending();
    CHECK(bench.receive(*client).status == 200);
    CHECK(bench.receive(*client).status == 200);
    CHECK(bench.receive(*client).status == 404);
    CHECK(bench.until([&] { return client->has_ended(); }));
}

TEST_CASE("an answer may come after the server has gone") {
    ServerBench bench;
    const auto client = client_with_call(bench);
    bench.server.reset();
    bench.backend.answer_call();
    CHECK(bench.backend.gone.empty());
    CHECK(bench.until([&] { return client->has_ended() || client->has_failed(); }));
}

TEST_CASE("a client that vanishes while it is answered is forgotten") {
    ServerBench bench;
    const auto client = bench.connect();
    client->pause_reading();
    client->send(post(kCall, std::string(16U << 20, 'x')));
    REQUIRE(bench.until([&] { return !bench.backend.calls.empty(); }));
    bench.backend.answer_call();
    CHECK_FALSE(bench.server->idle());
    client->reset();
    CHECK(bench.until([&] { return bench.server->connection_count() == 0; }));
    CHECK(bench.backend.gone.empty());
}

TEST_CASE("a client that does not read its answer loses its connection") {
    http::ServerOptions options = swept_often();
    options.write_timeout = 50ms;
    ServerBench bench{options};
    const auto client = bench.connect();
    client->pause_reading();
    client->send(post(kCall, std::string(16U << 20, 'x')));
    REQUIRE(bench.until([&] { return !bench.backend.calls.empty(); }));
    bench.backend.answer_call();
    CHECK(bench.until([&] { return bench.server->connection_count() == 0; }));
}

TEST_CASE("requests that do not go on arriving are given up") {
    http::ServerOptions options = swept_often();
    options.header_timeout = 30ms;
    options.body_timeout = 30ms;
    ServerBench bench{options};
    std::string begun;
    SUBCASE("in the request line") { begun = "POST /a"; }
    SUBCASE("in the header") { begun = "POST /api/models/digits/call HTTP/1.1\r\nHost: local"; }
    SUBCASE("in the body") {
        begun = post(kCall, "body").substr(0, post(kCall, "body").size() - 1);
    }
    const auto client = bench.connect();
    const Received received = bench.exchange(*client, begun);
    CHECK(received.status == 408);
    CHECK(received.closes());
    CHECK(received.body.starts_with(R"({"error":{"type":"timeout")"));
    CHECK(received.body.find("30ms") != std::string::npos);
    CHECK(bench.until([&] { return client->has_ended(); }));
}

TEST_CASE("a body may take its time as long as it comes") {
    http::ServerOptions options = swept_often();
    options.body_timeout = 200ms;
    ServerBench bench{options};
    const auto client = bench.connect();
    const std::string body(400'000, 'x');
    const std::string request = post(kCall, body);
    std::size_t sent = 0;
    REQUIRE(bench.until([&] {  // a piece each turn
        const std::size_t size = std::min<std::size_t>(1'000, request.size() - sent);
        client->send(request.substr(sent, size));
        sent += size;
        bench.loop.post([] {});
        return !bench.backend.calls.empty();
    }));
    CHECK(bench.backend.calls.front().request.body == body);
}

TEST_CASE("idle connections and those that linger are closed without a word") {
    http::ServerOptions options = swept_often();
    options.idle_timeout = 30ms;
    options.linger_timeout = 30ms;
    ServerBench bench{options};
    const auto silent = bench.connect();
    const auto served = bench.connect();
    const auto lingering = bench.connect();
    CHECK(bench.exchange(*served, get("/healthz")).status == 200);
    CHECK(bench.exchange(*lingering, "GET / HTTP/1.0\r\n\r\n").status == 404);
    CHECK(bench.until([&] { return bench.server->connection_count() == 0; }));
    CHECK(bench.until([&] { return silent->has_ended() && served->has_ended(); }));
    CHECK(silent->received().empty());
    CHECK(served->received().empty());
}

TEST_CASE("a body is invited when it is wanted") {
    ServerBench bench;
    const auto client = bench.connect();
    const std::string request = post(kCall, "hello", "Expect: 100-continue\r\n");
    client->send(request.substr(0, request.size() - 5));
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    REQUIRE(bench.until([&] { return client->received().size() >= kContinue.size(); }));
    CHECK(client->take(kContinue.size()) == kContinue);
    client->send("hello");
    REQUIRE(bench.until([&] { return !bench.backend.calls.empty(); }));
    bench.backend.answer_call();
    const Received received = bench.receive(*client);
    CHECK(received.status == 200);
    CHECK(received.body == "hello");
    CHECK(bench.exchange(*client, get("/healthz")).status == 200);
}

TEST_CASE("a body that comes uninvited needs no invitation") {
    ServerBench bench;
    bench.backend.echoes_at_once = true;
    const auto client = bench.connect();
    const Received received =
        bench.exchange(*client, post(kCall, "hello", "Expect: 100-continue\r\n"));
    CHECK(received.status == 200);
    CHECK(received.body == "hello");
}

TEST_CASE("a body that would be refused is not invited") {
    http::ServerOptions options;
    options.body_limit = base::Bytes{1'000};
    ServerBench bench{options};
    const auto answer_to = [&](std::string_view path, std::string_view fields, std::size_t length) {
        const std::string request =
            post(path, std::string(length, 'x'), "Expect: 100-continue\r\n" + std::string{fields});
        const auto client = bench.connect();
        const Received received =
            bench.exchange(*client, request.substr(0, request.size() - length));
        CHECK(received.closes());
        return received.status;
    };
    CHECK(answer_to(kCall, "", 1'001) == 413);
    CHECK(answer_to("/nope", "", 10) == 404);
    CHECK(answer_to(kCall, "X-Windlass-Priority: x\r\n", 10) == 400);
    CHECK(answer_to(kCall, "Origin: http://evil.example\r\n", 10) == 403);
}

TEST_CASE("a client that sends a refused body to its end gets to read why") {
    http::ServerOptions options;
    options.body_limit = base::Bytes{1U << 20};
    ServerBench bench{options};
    const std::string body(16U << 20, 'x');
    const auto client = bench.connect();
    SUBCASE("with its length") { client->send(post(kCall, body)); }
    SUBCASE("in chunks") {
        client->send(
            "POST /api/models/digits/call HTTP/1.1\r\nHost: localhost\r\n"
            "Transfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < 16; ++i) client->send("100000\r\n" + body.substr(0, 1U << 20) + "\r\n");
    }
    const Received received = bench.receive(*client);
    CHECK(received.status == 413);
    CHECK(received.closes());
    CHECK(received.body.find("1 MiB") != std::string::npos);
    CHECK(bench.until([&] { return client->has_ended() && client->has_sent_all(); }));
    CHECK_FALSE(client->has_failed());
    CHECK(bench.backend.calls.empty());
}

TEST_CASE("connections beyond the limit are told so") {
    http::ServerOptions options;
    options.connections_max = 2;
    ServerBench bench{options};
    const auto one = bench.connect();
    const auto two = bench.connect();
    CHECK(bench.exchange(*one, get("/healthz")).status == 200);
    CHECK(bench.exchange(*two, get("/healthz")).status == 200);
    const Received received = bench.exchange_alone(post(kCall, "x"));
    CHECK(received.status == 503);
    CHECK(received.closes());
    CHECK(received.body.find(R"("reason":"too_many_connections")") != std::string::npos);
    one->close();
    REQUIRE(bench.until([&] { return bench.server->connection_count() <= 1; }));
    CHECK(bench.exchange_alone(get("/healthz")).status == 200);
}

TEST_CASE("many more connections than the limit are all served in the end") {
    http::ServerOptions options = swept_often();
    options.connections_max = 4;
    ServerBench bench{options};
    std::vector<std::unique_ptr<TestClient>> clients;
    for (int i = 0; i < 120; ++i) {
        clients.push_back(bench.connect());
        clients.back()->send(get("/healthz"));
    }
    int refused = 0;
    for (const auto& client : clients) {
        if (bench.receive(*client).status == 503) ++refused;
        client->close();
    }
    CHECK(refused > 0);
    CHECK(bench.until([&] { return bench.server->connection_count() == 0; }));
}

TEST_CASE("the server ends in order") {
    ServerBench bench;
    const auto caller = client_with_call(bench, post(kCall, "never begun"));
    const auto idle = bench.connect();
    CHECK(bench.exchange(*idle, get("/healthz")).status == 200);
    const auto late = bench.connect();
    CHECK(bench.exchange(*late, get("/healthz")).status == 200);
    CHECK_FALSE(bench.server->idle());

    bench.server->stop_accepting();
    CHECK_FALSE(bench.server->idle());
    CHECK_FALSE(http::testing::is_listening(bench.server->port()));
    CHECK(bench.exchange(*late, get("/healthz")).closes());

    bench.backend.answer_call();
    const Received answer = bench.receive(*caller);
    CHECK(answer.body == "body");
    CHECK(answer.closes());
    CHECK(bench.until([&] { return caller->has_ended(); }));
    CHECK(bench.server->idle());

    CHECK_FALSE(idle->has_ended());
    bench.server->close_idle();
    CHECK(bench.until([&] { return idle->has_ended(); }));
    caller->close();
    late->close();
    CHECK(bench.until([&] { return bench.server->connection_count() == 0; }));
    CHECK(bench.backend.calls.empty());
}

TEST_CASE("a request that is arriving when the server ends is still answered") {
    ServerBench bench;
    bench.backend.echoes_at_once = true;
    const auto client = bench.connect();
    const std::string request = post(kCall, "hello");
    client->send(request.substr(0, 30));
    REQUIRE(bench.until([&] { return !bench.server->idle(); }));
    bench.server->stop_accepting();
    bench.server->close_idle();
    client->send(request.substr(30));
    const Received received = bench.receive(*client);
    CHECK(received.body == "hello");
    CHECK(received.closes());
}
