// What goes on to a model's own program, of requests under /api/models/{model}/http/.
#include "http/forward_api.h"

#include <doctest/doctest.h>

#include <string>

namespace http = windlass::http;

namespace {

http::RequestHead head_of(std::string_view bytes) {
    http::RequestParser parser{{}};
    const auto fed = parser.feed(bytes);
    REQUIRE(fed);
    return parser.head();
}

std::string line_of(const std::string& target) {
    const auto head = head_of("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
    return http::read_forward("m", head).value().request_line;
}

}  // namespace

TEST_CASE("the path is what stands behind ours, as it came") {
    CHECK(line_of("/api/models/m/http/v1/chat?x=%20&y") == "GET /v1/chat?x=%20&y HTTP/1.1\r\n");
    CHECK(line_of("/api/models/m%2Fn/http/%2e%2e/a//b") == "GET /%2e%2e/a//b HTTP/1.1\r\n");
    CHECK(line_of("/api/models/m/http") == "GET / HTTP/1.1\r\n");
    CHECK(line_of("/api/models/m/http/") == "GET / HTTP/1.1\r\n");
    CHECK(line_of("/api/models/m/http?q=/a/b") == "GET /?q=/a/b HTTP/1.1\r\n");
    CHECK(line_of("http://host:1/api/models/m/http/a") == "GET /a HTTP/1.1\r\n");
}

TEST_CASE("what belongs to the connection, or to Windlass, stays") {
    const auto head = head_of(
        "POST /api/models/m/http/a HTTP/1.1\r\nHost: a\r\nX-Own: 1\r\nConnection: x-hop , close\r\n"
        "X-Hop: 2\r\nKeep-Alive: 5\r\nUpgrade: h2c\r\nX-Windlass-Timeout: 7s\r\n"
        "Expect: 100-continue\r\nContent-Length: 3\r\nX-Windlass-Variant: fp16\r\n\r\n");
    const auto request = http::read_forward("m", head).value();
    CHECK(request.fields == "X-Own: 1\r\nContent-Length: 3\r\nConnection: close\r\n");
    CHECK(request.has_body);
    CHECK_FALSE(request.is_chunked);
    CHECK(request.limits.model == "m");
    CHECK(request.limits.timeout == std::chrono::seconds{7});
    CHECK(request.limits.variant == "fp16");
}

TEST_CASE("a body of unknown length goes on in chunks") {
    const auto head = head_of(
        "PUT /api/models/m/http/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    const auto request = http::read_forward("m", head).value();
    CHECK(request.fields == "Transfer-Encoding: chunked\r\nConnection: close\r\n");
    CHECK(request.is_chunked);
    const auto bad = head_of("GET /api/models/m/http/a HTTP/1.1\r\nX-Windlass-Timeout: 7\r\n\r\n");
    CHECK_FALSE(http::read_forward("m", bad));
}
