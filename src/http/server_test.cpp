// The server with real sockets: what goes in, what comes out, in which order.
#include "http/server.h"

#include <doctest/doctest.h>

#include "http/testing/server_bench.h"

using namespace std::chrono_literals;
namespace http = windlass::http;
namespace base = windlass::base;
using http::testing::get;
using http::testing::kCall;
using http::testing::post;
using http::testing::Received;
using http::testing::ServerBench;

TEST_CASE("a call reaches the backend as it was sent") {
    ServerBench bench;
    const auto client = bench.connect();
    client->send(
        post("/api/models/my%20model/call?trace=1", "{\"x\":1}",
             "Content-Type: application/json\r\nX-Windlass-Timeout: 1500ms\r\n"
             "x-windlass-wait: 0s\r\nX-Windlass-Priority: 2\r\nX-Windlass-Variant: fp16\r\n"));
    REQUIRE(bench.until([&] { return !bench.backend.calls.empty(); }));
    const http::CallRequest& request = bench.backend.calls.front().request;
    CHECK(request.model == "my model");
    CHECK(request.content_type == "application/json");
    CHECK(request.body == "{\"x\":1}");
    CHECK(request.timeout == 1500ms);
    CHECK(request.wait == 0s);
    CHECK(request.priority == 2);
    CHECK(request.variant == "fp16");
}

TEST_CASE("a call without any wish has none, and needs neither content type nor length") {
    ServerBench bench;
    const auto client = bench.connect();
    client->send("POST /api/models/digits/call HTTP/1.1\r\nhost: localhost\r\n\r\n");
    REQUIRE(bench.until([&] { return !bench.backend.calls.empty(); }));
    const http::CallRequest& request = bench.backend.calls.front().request;
    CHECK(request.content_type.empty());
    CHECK(request.body.empty());
    CHECK_FALSE(request.timeout.has_value());
    CHECK_FALSE(request.wait.has_value());
    CHECK_FALSE(request.priority.has_value());
    CHECK_FALSE(request.variant.has_value());
}

TEST_CASE("the answer to a call, byte for byte") {
    ServerBench bench;
    const auto client = bench.connect();
    client->send(post(kCall, "hello", "Content-Type: text/plain\r\n"));
    REQUIRE(bench.until([&] { return !bench.backend.calls.empty(); }));
    bench.backend.answer_call();
    const Received received = bench.receive(*client);
    CHECK(http::testing::without_date(received.head) ==
          "HTTP/1.1 200 OK\r\n"
          "Content-Length: 5\r\n"
          "Content-Type: text/plain\r\n"
          "X-Windlass-Request-Id: r1\r\n"
          "X-Windlass-Copy: 3\r\n"
          "X-Windlass-Worker-Pid: 4711\r\n"
          "X-Windlass-Device: cpu\r\n"
          "X-Windlass-Queue-Ms: 1.500\r\n"
          "X-Windlass-Load-Ms: 0.000\r\n"
          "X-Windlass-Run-Ms: 12.346\r\n"
          "X-Windlass-Shared: false\r\n"
          "\r\n");
    CHECK(received.body == "hello");
}

TEST_CASE("[A3.6] [R71] an answer says what is known of its memory, and nothing of the rest") {
    ServerBench bench;
    const auto client = bench.connect();
    const auto answer = [&](const http::RunMemory& memory) {
        client->send(post(kCall, "x"));
        REQUIRE(bench.until([&] { return !bench.backend.calls.empty(); }));
        bench.backend.finish_call(
            http::CallAnswer{.content_type = "a/b", .device = "GPU-1", .memory = memory});
        return bench.receive(*client).head;
    };
    const std::string all = answer({.total = base::Bytes{24'000},
                                    .free_before = base::Bytes{0},
                                    .peak = base::Bytes{3'000},
                                    .context = base::Bytes{450},
                                    .is_shared = true});
    CHECK(
        all.ends_with("X-Windlass-Total-Bytes: 24000\r\n"
                      "X-Windlass-Free-Before-Bytes: 0\r\n"
                      "X-Windlass-Peak-Bytes: 3000\r\n"
                      "X-Windlass-Context-Bytes: 450\r\n"
                      "X-Windlass-Shared: true\r\n"
                      "\r\n"));
    const std::string some = answer({.peak = base::Bytes{3'000}});
    CHECK(some.contains("X-Windlass-Peak-Bytes: 3000\r\nX-Windlass-Shared: false\r\n"));
    CHECK_FALSE(some.contains("Total"));
    CHECK_FALSE(some.contains("Free-Before"));
    CHECK_FALSE(some.contains("Context"));
}

TEST_CASE("the error of a call, byte for byte") {
    ServerBench bench;
    const auto client = bench.connect();
    client->send(post(kCall, "x"));
    REQUIRE(bench.until([&] { return !bench.backend.calls.empty(); }));
    bench.backend.finish_call(base::Error{.code = base::Errc::unavailable,
                                          .message = "digits failed to load",
                                          .reason = "backoff",
                                          .retry_after = 1'500ms});
    const Received received = bench.receive(*client);
    CHECK(http::testing::without_date(received.head) ==
          "HTTP/1.1 503 Service Unavailable\r\n"
          "Content-Length: 142\r\n"
          "Content-Type: application/json\r\n"
          "X-Windlass-Request-Id: r1\r\n"
          "Retry-After: 2\r\n"
          "\r\n");
    CHECK(received.body ==
          R"({"error":{"type":"unavailable","message":"digits failed to load","reason":"backoff",)"
          R"("retry_after_s":1.500,"request_id":"r1","model":"digits"}})");
}

TEST_CASE("every error type arrives with its status") {
    ServerBench bench;
    const auto client = bench.connect();
    for (const base::ErrorTraits& row : base::error_table()) {
        CAPTURE(row.name);
        client->send(post(kCall, "x"));
        REQUIRE(bench.until([&] { return !bench.backend.calls.empty(); }));
        bench.backend.finish_call(base::fail(row.code, "why"));
        const Received received = bench.receive(*client);
        CHECK(received.status == row.http_status);
        CHECK(received.body.find(R"("type":")" + std::string{row.name} + "\"") !=
              std::string::npos);
        CHECK_FALSE(received.field("X-Windlass-Request-Id").empty());
    }
}

TEST_CASE("models and health can be read, also with HEAD") {
    ServerBench bench;
    const auto client = bench.connect();
    const Received models = bench.exchange(*client, get("/api/models"));
    CHECK(models.status == 200);
    CHECK(models.field("Content-Type") == "application/json");
    CHECK(models.body.starts_with(R"({"models":[{"name":"digits")"));
    CHECK(
        bench.exchange(*client, get("/api/models/digits")).body.starts_with(R"({"name":"digits")"));
    const Received missing = bench.exchange(*client, get("/api/models/nope"));
    CHECK(missing.status == 404);
    CHECK(missing.body == R"({"error":{"type":"not_found",)"
                          R"("message":"there is no model \"nope\"","model":"nope"}})");
    CHECK(bench.exchange(*client, get("/healthz")).body.starts_with(R"({"status":"ok")"));

    client->send("HEAD /api/models HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const Received head = bench.receive(*client, true);
    CHECK(head.field("Content-Length") == models.field("Content-Length"));
    CHECK(bench.exchange(*client, get("/healthz")).status == 200);  // no body came in between
    bench.backend.is_stopping = true;
    const Received stopping = bench.exchange(*client, get("/healthz"));
    CHECK(stopping.status == 200);
    CHECK(stopping.body.starts_with(R"({"status":"stopping")"));
    const Received unready = bench.exchange(*client, get("/readyz"));
    CHECK(unready.status == 503);
    CHECK(unready.body ==
          R"({"error":{"type":"unavailable","message":"it stops","model":"digits"}})");
    bench.backend.is_stopping = false;
    CHECK(bench.exchange(*client, get("/readyz")).body == R"({"status":"ready"})");
}

TEST_CASE("models are loaded, offloaded, unloaded, restarted, paused and resumed by hand") {
    ServerBench bench;
    const auto client = bench.connect();
    const std::string verbs[] = {"load?wait=0", "offload", "unload?force",
                                 "restart",     "pause",   "resume"};
    for (const std::string& verb : verbs) {
        client->send(post("/api/models/digits/" + verb, "", "X-Windlass-Timeout: 5m\r\n"));
        REQUIRE(bench.until([&] { return !bench.backend.orders.empty(); }));
        auto order = std::move(bench.backend.orders.front());
        bench.backend.orders.pop_front();
        CHECK(&verb - verbs == static_cast<int>(order.order.action));
        CHECK(order.order.is_awaited != verb.ends_with("?wait=0"));
        CHECK(order.order.may_evict == order.order.is_awaited);
        CHECK(order.order.is_forced == verb.ends_with("?force"));
        CHECK(order.order.model == "digits");
        CHECK(order.order.timeout == 5min);
        order.reply("r" + std::to_string(order.number),
                    http::testing::FakeBackend::status("digits"));
        CHECK(bench.receive(*client).body.starts_with(R"({"name":"digits")"));
    }
    client->send(post("/api/models/digits/load", ""));
    REQUIRE(bench.until([&] { return !bench.backend.orders.empty(); }));
    CHECK_FALSE(bench.backend.orders.front().order.timeout.has_value());
    bench.backend.orders.front().reply("r3", base::fail(base::Errc::timeout, "too slow"));
    const Received failed = bench.receive(*client);
    CHECK(failed.status == 504);
    CHECK(failed.field("X-Windlass-Request-Id") == "r3");
}

TEST_CASE("requests that cannot be answered are refused in JSON") {
    struct Row {
        std::string request;
        std::string type;
        int status;
        bool closes;
    };
    const Row rows[] = {
        {get("/nope"), "not_found", 404, false},
        {get("/api/models/%zz"), "invalid_input", 400, false},
        {get(kCall), "invalid_input", 405, false},
        {post("/healthz", ""), "invalid_input", 405, false},
        {post("/nope", "body"), "not_found", 404, true},
        {post(kCall, "", "X-Windlass-Priority: 12\r\n"), "invalid_input", 400, false},
        {post(kCall, "", "X-Windlass-Timeout: 5\r\n"), "invalid_input", 400, false},
        {post(kCall, "x", "X-Windlass-Wait: x\r\n"), "invalid_input", 400, true},
        {"GET /healthz HTTP/1.1\r\n\r\n", "invalid_input", 400, false},
        {"GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n", "permission_denied", 403, false},
        {"GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "permission_denied",
         403, false},
        {post(kCall, "", "Origin: http://evil.example\r\n"), "permission_denied", 403, false},
        {"GET /healthz HTTP/3.0\r\n\r\n", "invalid_input", 400, true},
        {"nonsense\r\n\r\n", "invalid_input", 400, true},
        {post("/healthz", "", "Transfer-Encoding: gzip\r\n"), "unsupported", 501, true},
        {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n",
         "invalid_input", 431, true},
    };
    ServerBench bench;
    for (const Row& row : rows) {
        CAPTURE(row.request);
        const auto client = bench.connect();
        const Received received = bench.exchange(*client, row.request);
        CHECK(received.status == row.status);
        CHECK(received.field("Content-Type") == "application/json");
        CHECK(received.body.starts_with(R"({"error":{"type":")" + row.type + "\""));
        CHECK(received.closes() == row.closes);
        if (row.closes) {
            CHECK(bench.until([&] { return client->has_ended(); }));
        } else {
            CHECK(bench.exchange(*client, get("/healthz")).status == 200);
        }
    }
    CHECK(bench.exchange_alone(get(kCall)).field("Allow") == "POST");
    CHECK(bench.exchange_alone(post("/healthz", "")).field("Allow") == "GET, HEAD");
    CHECK(bench.backend.calls.empty());
}

TEST_CASE("a connection serves one request after the other") {
    ServerBench bench;
    bench.backend.echoes_at_once = true;
    const auto client = bench.connect();
    for (int i = 0; i < 20; ++i) {
        const Received received = bench.exchange(*client, post(kCall, std::to_string(i)));
        CHECK(received.body == std::to_string(i));
    }
    CHECK(bench.server->connection_count() == 1);
}

TEST_CASE("pipelined requests are answered in order") {
    ServerBench bench;
    const auto client = bench.connect();
    client->send(post(kCall, "one") + post(kCall, "two") + post(kCall, "three"));
    for (const char* body : {"one", "two", "three"}) {
        REQUIRE(bench.until([&] { return !bench.backend.calls.empty(); }));
        CHECK(bench.backend.calls.size() == 1);  // the next is not begun before this is answered
        CHECK(bench.backend.calls.front().request.body == body);
        bench.backend.answer_call();
        CHECK(bench.receive(*client).body == body);
    }
    CHECK(bench.backend.gone.empty());
}

TEST_CASE("many pipelined requests are answered at once") {
    ServerBench bench;
    bench.backend.echoes_at_once = true;
    const auto client = bench.connect();
    std::string requests;
    for (int i = 0; i < 3'000; ++i) requests += post(kCall, std::to_string(i));
    client->send(requests);
    for (int i = 0; i < 3'000; ++i) REQUIRE(bench.receive(*client).body == std::to_string(i));
}

TEST_CASE("a chunked body arrives whole") {
    ServerBench bench;
    const auto client = bench.connect();
    client->send(
        "POST /api/models/digits/call HTTP/1.1\r\nHost: localhost\r\n"
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");
    REQUIRE(bench.until([&] { return !bench.backend.calls.empty(); }));
    CHECK(bench.backend.calls.front().request.body == "hello world");
}

TEST_CASE("HTTP/1.0 clients are answered and let go, or kept when they ask for it") {
    ServerBench bench;
    const auto client = bench.connect();
    const Received received = bench.exchange(*client, "GET /healthz HTTP/1.0\r\n\r\n");
    CHECK(received.status == 200);
    CHECK(received.closes());
    CHECK(bench.until([&] { return client->has_ended(); }));

    const auto kept = bench.connect();
    constexpr std::string_view kRequest = "GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    CHECK(bench.exchange(*kept, kRequest).field("Connection") == "keep-alive");
    CHECK(bench.exchange(*kept, kRequest).status == 200);
}

TEST_CASE("Connection: close is granted") {
    ServerBench bench;
    const auto client = bench.connect();
    const Received received = bench.exchange(
        *client, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    CHECK(received.closes());
    CHECK(bench.until([&] { return client->has_ended(); }));
    client->close();
    CHECK(bench.until([&] { return bench.server->connection_count() == 0; }));
}

TEST_CASE("32 MiB go in and come back") {
    ServerBench bench;
    bench.backend.echoes_at_once = true;
    const auto client = bench.connect();
    std::string body(32U << 20, '\0');
    for (std::size_t i = 0; i < body.size(); ++i)
        body[i] = static_cast<char>(i * 2'654'435'761U >> 24);
    const Received received = bench.exchange(*client, post(kCall, body));
    CHECK(received.status == 200);
    CHECK(received.body == body);
    CHECK(bench.exchange(*client, get("/healthz")).status == 200);
}

TEST_CASE("a port that is taken, a wrong address and a foreign one are told apart") {
    ServerBench bench;
    const auto code_of = [&](const http::ServerOptions& options) {
        const auto made = http::Server::listen(bench.loop, options, bench.backend);
        REQUIRE_FALSE(made.has_value());
        CHECK_FALSE(made.error().message.empty());
        return made.error().code;
    };
    CHECK(code_of({.port = bench.server->port()}) == base::Errc::conflict);
    CHECK(code_of({.address = "gpu.example.com"}) == base::Errc::invalid_input);
    CHECK(code_of({.address = "203.0.113.1", .port = 0}) == base::Errc::invalid_input);
}
