// Replies as bytes: heads, JSON bodies, dates.
#include "http/reply.h"

#include <doctest/doctest.h>

#include "http/date_text.h"
#include "http/json_writer.h"
#include "http/models_json.h"

using namespace std::chrono_literals;
namespace http = windlass::http;
namespace base = windlass::base;

TEST_CASE("the head of a reply, byte for byte") {
    http::Reply reply{.status = 200, .content_type = "text/plain", .body = "hello"};
    http::append_field(reply.fields, "X-Windlass-Copy", "3");
    const http::HeadOptions options{.date = "Sun, 06 Nov 1994 08:49:37 GMT"};
    CHECK(http::format_head(reply, options) ==
          "HTTP/1.1 200 OK\r\n"
          "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
          "Content-Length: 5\r\n"
          "Content-Type: text/plain\r\n"
          "X-Windlass-Copy: 3\r\n"
          "\r\n");
    CHECK(http::format_head(reply, {.date = "D", .close = true, .name_keep_alive = true})
              .ends_with("X-Windlass-Copy: 3\r\nConnection: close\r\n\r\n"));
    CHECK(http::format_head(reply, {.date = "D", .name_keep_alive = true})
              .ends_with("X-Windlass-Copy: 3\r\nConnection: keep-alive\r\n\r\n"));
}

TEST_CASE("the head of a stream says how its end will show") {
    const auto stream_of = [](int status, std::optional<std::uint64_t> length) {
        http::Reply reply{.status = status, .content_type = ""};
        reply.stream = http::StreamBody{.length = length, .start = {}};
        return reply;
    };
    const auto head_of = [](const http::Reply& reply, bool is_http11) {
        return http::format_head(reply,
                                 {.date = "D", .framing = http::framing_of(reply, is_http11)});
    };
    const std::string begin = "HTTP/1.1 200 OK\r\nDate: D\r\n";
    CHECK(head_of(stream_of(200, std::nullopt), true) ==
          begin + "Transfer-Encoding: chunked\r\n\r\n");
    CHECK(head_of(stream_of(200, std::nullopt), false) == begin + "\r\n");
    CHECK(head_of(stream_of(200, 17), true) == begin + "Content-Length: 17\r\n\r\n");
    CHECK(head_of(stream_of(200, 0), false) == begin + "Content-Length: 0\r\n\r\n");
    for (const int status : {101, 204, 304}) {
        CHECK(http::framing_of(stream_of(status, 5), true) == http::Framing::no_body);
    }
    const std::string none = head_of(stream_of(304, 5), true);
    CHECK(none.find("Length") == std::string::npos);
    CHECK(none.find("chunked") == std::string::npos);
}

TEST_CASE("a worker's content type cannot add lines to the head") {
    const http::Reply reply{.content_type = "a/b\r\nSet-Cookie: x"};
    CHECK(http::format_head(reply, {.date = "D"}).find("Content-Type: a/b  Set-Cookie: x\r\n") !=
          std::string::npos);
}

TEST_CASE("each error type has its status and its name in the body") {
    for (const base::ErrorTraits& row : base::error_table()) {
        CAPTURE(row.name);
        const http::Reply reply = http::error_reply(base::fail(row.code, "why"));
        CHECK(reply.status == row.http_status);
        CHECK(reply.content_type == "application/json");
        CHECK(reply.body ==
              R"({"error":{"type":")" + std::string{row.name} + R"(","message":"why"}})");
        CHECK(http::format_head(reply, {.date = "D"}).find("Unknown") == std::string::npos);
    }
}

TEST_CASE("an error tells all it knows") {
    const base::Error error{.code = base::Errc::unavailable,
                            .message = "loading failed",
                            .reason = "backoff",
                            .cause = "ValueError",
                            .traceback = "line 1\n\"line\" 2",
                            .retry_after = 1'250ms};
    const http::Reply reply = http::error_reply(error, {.request_id = "r17", .model = "digits"});
    CHECK(reply.status == 503);
    CHECK(reply.fields == "X-Windlass-Request-Id: r17\r\nRetry-After: 2\r\n");
    CHECK(reply.body ==
          R"({"error":{"type":"unavailable","message":"loading failed","reason":"backoff",)"
          R"("retry_after_s":1.250,"request_id":"r17","cause":"ValueError",)"
          R"("traceback":"line 1\n\"line\" 2","model":"digits"}})");
}

TEST_CASE("a refusal has its own status and names the methods") {
    const http::Reply reply =
        http::refusal_reply({405, base::fail(base::Errc::invalid_input, "no"), "GET, HEAD"});
    CHECK(reply.status == 405);
    CHECK(reply.fields == "Allow: GET, HEAD\r\n");
}

TEST_CASE("a model as JSON, with all and with nothing to tell") {
    http::ModelStatus model{.name = "digits", .model = "digits", .residency = "cold"};
    CHECK(http::to_json(model) ==
          R"({"name":"digits","model":"digits","variant":null,"residency":"cold",)"
          R"("copies":0,"worker_pid":null,"generation":0,"device":null,)"
          R"("workers":[],"need":"unknown","need_bytes":null,)"
          R"("claimed_bytes":null,"claimed_peak_bytes":null,"used_bytes":null,)"
          R"("used_peak_bytes":null,"allocator_bytes":null,"allocator_peak_bytes":null,)"
          R"("running":0,"waiting":0,"paused":false,"breaker":"closed",)"
          R"("loads":0,"failures":0,"ready_since_s":null,)"
          R"("loading_for_s":null,"last_error":null,"retry_after_s":null,"waiting_requests":[]})");
    model.name = "digits:fp16";
    model.variant = "fp16";
    model.copies = 1;
    model.worker_pid = 4711;
    model.generation = 2;
    model.device = "cpu";
    model.processes = {{.worker = 2, .pid = 4711, .device = "cpu", .state = "ready"}};
    model.need = "learned";
    model.need_bytes = base::Bytes{5'000};
    model.ready_since = 12'500ms;
    model.loading_for = 0s;
    model.last_error = base::fail(base::Errc::worker_lost, "it died");
    model.retry_after = 2s;
    model.waiting_requests = {{"r1", "loading", 1'234'567ns, 4}};
    CHECK(http::to_json(model) ==
          R"({"name":"digits:fp16","model":"digits","variant":"fp16","residency":"cold",)"
          R"("copies":1,"worker_pid":4711,"generation":2,"device":"cpu",)"
          R"("workers":[{"id":2,"pid":4711,"device":"cpu","state":"ready"}],)"
          R"("need":"learned","need_bytes":5000,)"
          R"("claimed_bytes":null,"claimed_peak_bytes":null,"used_bytes":null,)"
          R"("used_peak_bytes":null,"allocator_bytes":null,"allocator_peak_bytes":null,)"
          R"("running":0,"waiting":0,"paused":false,"breaker":"closed",)"
          R"("loads":0,"failures":0,"ready_since_s":12.500,)"
          R"("loading_for_s":0.000,"last_error":{"type":"worker_lost","message":"it died"},)"
          R"("retry_after_s":2.000,"waiting_requests":)"
          R"([{"request_id":"r1","reason":"loading","waited_ms":1.235,"priority":4}]})");
}

TEST_CASE("lists of models and of waiting requests") {
    CHECK(http::to_json(std::span<const http::ModelStatus>{}) == R"({"models":[]})");
    http::ModelStatus model{.name = "a"};
    model.waiting_requests.resize(150);
    const std::string json = http::to_json(model);
    std::size_t shown = 0;
    for (std::size_t at = 0; (at = json.find("waited_ms", at)) != std::string::npos; ++at) ++shown;
    CHECK(shown == 100);
    const std::vector<http::ModelStatus> two(2, http::ModelStatus{.name = "a"});
    const std::string list = http::to_json(two);
    CHECK(list.find(R"(},{"name":"a")") != std::string::npos);
}

TEST_CASE("health as JSON") {
    http::Health health{.stopping = false,
                        .version = "0.1.0",
                        .commit = "abc",
                        .daemon_id = "d",
                        .configuration = "/c",
                        .uptime = 90s};
    CHECK(http::to_json(health) ==
          R"({"status":"ok","version":"0.1.0","commit":"abc","daemon_id":"d",)"
          R"("configuration":"/c","uptime_s":90.000})");
    health.stopping = true;
    CHECK(http::to_json(health).starts_with(R"({"status":"stopping")"));
}

TEST_CASE("text becomes valid JSON whatever bytes it has") {
    const auto written = [](std::string_view text) {
        http::JsonWriter json;
        json.string(text);
        return json.take();
    };
    CHECK(written("a\"b\\c\n\r\t\x01\x7f") == "\"a\\\"b\\\\c\\n\\r\\t\\u0001\x7f\"");
    CHECK(written("\xc3\xa9\xe2\x82\xac\xf0\x9f\x99\x82") ==
          "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x99\x82\"");
    CHECK(written("\xff") == "\"\\ufffd\"");
    CHECK(written("\xc3") == "\"\\ufffd\"");
    CHECK(written("\xc0\x80") == "\"\\ufffd\\ufffd\"");             // too long a form
    CHECK(written("\xed\xa0\x80") == "\"\\ufffd\\ufffd\\ufffd\"");  // a surrogate
    CHECK(written("\xf4\x90\x80\x80"
                  "a") == "\"\\ufffd\\ufffd\\ufffd\\ufffda\"");
    CHECK(written("\xe2\x82x") == "\"\\ufffd\\ufffdx\"");
}

TEST_CASE("dates as HTTP writes them") {
    http::DateText date;
    CHECK(date.at(784'111'777) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(date.at(784'111'777) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(date.at(1'709'164'800) == "Thu, 29 Feb 2024 00:00:00 GMT");
}
