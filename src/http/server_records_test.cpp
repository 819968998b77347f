// What is written down of each request, and the bound on all bodies together.
#include <doctest/doctest.h>

#include <utility>

#include "http/server.h"
#include "http/testing/server_bench.h"

using namespace std::chrono_literals;
namespace http = windlass::http;
namespace base = windlass::base;
using http::testing::get;
using http::testing::kCall;
using http::testing::post;
using http::testing::ServerBench;

namespace {

struct Record {
    std::string text;  // method, target, route, model, request, a variant, status, type
    http::ExchangeRecord numbers;
};

struct RecordingBench {
    std::vector<Record> records;
    ServerBench bench;

    explicit RecordingBench(http::ServerOptions options = {})
        : bench(with_records(std::move(options))) {}

    http::ServerOptions with_records(http::ServerOptions options) {
        options.on_exchange = [this](const http::ExchangeRecord& r) {
            std::string text;
            for (const std::string_view part :
                 {r.method, r.target, r.route, r.model, std::string_view{r.trace.request_id}}) {
                text += std::string{part.empty() ? "-" : part} + " ";
            }
            if (!r.variant.empty()) text += std::string{r.variant} + " ";
            records.push_back(
                {text + std::to_string(r.status) + " " + std::string{r.trace.error_type}, r});
        };
        return options;
    }
    const Record& wait_for(std::size_t count) {
        REQUIRE(bench.until([&] { return records.size() >= count; }));
        return records.at(count - 1);
    }
};

}  // namespace

TEST_CASE("an answered call is written down with its times and sizes, once") {
    RecordingBench noted;
    noted.bench.backend.echoes_at_once = true;
    const auto client = noted.bench.connect();
    CHECK(noted.bench.exchange(*client, post(kCall, "body")).status == 200);
    const Record& record = noted.wait_for(1);
    CHECK(record.text == "POST /api/models/digits/call call digits r1 200 ");
    CHECK(record.numbers.trace.has_run);
    CHECK(record.numbers.trace.queue == 1500us);
    CHECK(record.numbers.trace.run == 12'345'678ns);
    CHECK(record.numbers.bytes_in == 4);
    CHECK(record.numbers.bytes_out == 4);
    CHECK(noted.bench.exchange(*client, get("/api/models")).status == 200);
    CHECK(noted.wait_for(2).text == "GET /api/models models - - 200 ");
    CHECK_FALSE(noted.records[1].numbers.trace.has_run);
    client->close();
    REQUIRE(noted.bench.until([&] { return noted.bench.server->connection_count() == 0; }));
    CHECK(noted.records.size() == 2);
}

TEST_CASE("a call is written down with the variant that it asks for") {
    RecordingBench noted;
    noted.bench.backend.echoes_at_once = true;
    const auto client = noted.bench.connect();
    const std::string asked = post(kCall, "body", "X-Windlass-Variant: fp16\r\n");
    CHECK(noted.bench.exchange(*client, asked).status == 200);
    CHECK(noted.wait_for(1).text == "POST /api/models/digits/call call digits r1 fp16 200 ");
}

TEST_CASE("refused requests are written down, as far as they could be read") {
    RecordingBench noted;
    noted.bench.exchange_alone("GARBAGE\r\n\r\n");
    CHECK(noted.wait_for(1).text == "- - - - - 400 invalid_input");
    noted.bench.exchange_alone("GET /nope HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(noted.wait_for(2).text == "GET /nope - - - 404 not_found");
    const auto client = noted.bench.connect();
    client->send(post("/api/models/digits/load", ""));
    REQUIRE(noted.bench.until([&] { return !noted.bench.backend.orders.empty(); }));
    noted.bench.backend.orders.front().reply("r1", base::fail(base::Errc::timeout, "slow"));
    CHECK(noted.wait_for(3).text == "POST /api/models/digits/load load digits r1 504 timeout");
}

TEST_CASE("a client that goes away before it is answered is written down as 499") {
    RecordingBench noted;
    const auto caller = noted.bench.connect();
    caller->send(post(kCall, "body"));
    REQUIRE(noted.bench.until([&] { return !noted.bench.backend.calls.empty(); }));
    caller->close();
    const Record& record = noted.wait_for(1);
    CHECK(record.text == "POST /api/models/digits/call call digits - 499 cancelled");
    CHECK(record.numbers.request == noted.bench.backend.calls.front().number);
    CHECK(record.numbers.bytes_in == 4);

    const auto half = noted.bench.connect();
    half->send("GET /hea");
    REQUIRE(noted.bench.until([&] { return half->has_sent_all(); }));
    half->close();
    CHECK(noted.wait_for(2).text == "- - - - - 499 cancelled");
    const auto silent = noted.bench.connect();  // says nothing at all: no request, no record
    CHECK(noted.bench.exchange_alone(get("/healthz")).status == 200);
    silent->close();
    REQUIRE(noted.bench.until([&] { return noted.bench.server->connection_count() == 0; }));
    CHECK(noted.records.size() == 3);
}

TEST_CASE("bodies together are bounded, and count until their reply is out") {
    http::ServerOptions options;
    options.bodies_limit = base::Bytes{1000};
    ServerBench bench{options};
    const auto one = bench.connect();
    const auto two = bench.connect();
    one->send(post(kCall, std::string(600, 'x')));
    REQUIRE(bench.until([&] { return bench.backend.calls.size() == 1; }));
    const auto refused = bench.exchange(*two, post(kCall, std::string(600, 'y')));
    CHECK(refused.status == 503);
    CHECK(refused.body.find(R"("reason":"bodies_limit")") != std::string::npos);
    CHECK(refused.field("Retry-After") == "1");
    CHECK(refused.closes());
    CHECK(bench.exchange_alone(get("/healthz")).status == 200);
    bench.backend.answer_call();
    CHECK(bench.receive(*one).status == 200);

    // One that goes away while its body arrives, or while it is called, gives back what it had.
    const auto three = bench.connect();
    three->send(
        "POST /api/models/digits/call HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Length: 900\r\n\r\n" +
        std::string(800, 'z'));
    const auto four = bench.connect();
    four->send(post(kCall, std::string(150, 'w')));
    REQUIRE(bench.until([&] { return bench.backend.calls.size() == 1; }));
    three->close();
    four->close();
    REQUIRE(bench.until([&] { return bench.server->connection_count() <= 2; }));
    bench.backend.echoes_at_once = true;
    const auto five = bench.connect();
    for (int i = 0; i < 3; ++i) {
        CHECK(bench.exchange(*five, post(kCall, std::string(999, 'v'))).status == 200);
    }
}
