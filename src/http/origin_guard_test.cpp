// Which Host and Origin are let in.
#include "http/origin_guard.h"

#include <doctest/doctest.h>

namespace http = windlass::http;

namespace {

const http::OriginGuard& guard() {
    static const http::OriginGuard made{{"gpu.example.com", "Box.", "[fd00::1]", "192.0.2.7"}};
    return made;
}

// The status of the refusal, or 200.
int status_of(const http::Headers& headers, bool http11 = true) {
    const auto refusal = guard().check({.headers = headers, .authority = {}, .http11 = http11});
    return refusal ? refusal->status : 200;
}

int host_status(std::string_view host) {
    http::Headers headers;
    headers.add("host", host);
    return status_of(headers);
}

int origin_status(std::string_view origin) {
    http::Headers headers;
    headers.add("Host", "localhost");
    headers.add("origin", origin);
    return status_of(headers);
}

}  // namespace

TEST_CASE("over a Unix socket any Host is let in, and the rules of HTTP and of origins stay") {
    const auto status = [](const http::Headers& headers) {
        const auto refusal = guard().check(
            {.headers = headers, .authority = {}, .http11 = true, .over_unix_socket = true});
        return refusal ? refusal->status : 200;
    };
    http::Headers headers;
    CHECK(status(headers) == 400);
    headers.add("Host", "%2Frun%2Fwindlass.sock");
    CHECK(status(headers) == 200);
    headers.add("Origin", "http://localhost");
    CHECK(status(headers) == 200);
    headers.clear();
    headers.add("Host", "");
    headers.add("Origin", "http://evil.example");
    CHECK(status(headers) == 403);
}

TEST_CASE("loopback addresses, localhost and configured hosts are let in, with any port") {
    for (const char* host :
         {"localhost", "LocalHost:7411", "localhost.", "localhost.:80", "127.0.0.1",
          "127.1.2.3:8080", "[::1]", "[::1]:7411", "[0:0:0:0:0:0:0:1]",
          "localhost:", "gpu.example.com:7411", "GPU.EXAMPLE.COM", "box", "box.:1",
          "[fd00::1]:7411", "192.0.2.7:80"}) {
        CAPTURE(host);
        CHECK(host_status(host) == 200);
    }
}

TEST_CASE("other hosts are refused") {
    for (const char* host : {"evil.example",
                             "localhost.evil.example",
                             "evil-localhost",
                             "128.0.0.1",
                             "127.0.0.1.evil.example",
                             "127.1",
                             "0.0.0.0",
                             "[::2]",
                             "::1",
                             "[::1",
                             "[localhost]",
                             "localhost:80:90",
                             "localhost:x",
                             "localhost:123456",
                             "localhost@evil.example",
                             "",
                             ":80",
                             "gpu.example.com.evil.example",
                             "127.0.0.1%00",
                             "0177.0.0.1",
                             "2130706433"}) {
        CAPTURE(host);
        CHECK(host_status(host) == 403);
    }
}

TEST_CASE("HTTP/1.1 demands exactly one Host") {
    http::Headers headers;
    CHECK(status_of(headers) == 400);
    CHECK(status_of(headers, false) == 200);
    headers.add("Host", "localhost");
    headers.add("Host", "localhost");
    CHECK(status_of(headers) == 400);
    CHECK(status_of(headers, false) == 400);
}

TEST_CASE("the host in a target outranks the header") {
    http::Headers headers;
    headers.add("Host", "localhost");
    const http::Refusal refusal =
        guard()
            .check({.headers = headers, .authority = "evil.example", .http11 = true})
            .value_or(http::Refusal{});
    CHECK(refusal.status == 403);
    CHECK(refusal.error.code == windlass::base::Errc::permission_denied);
    CHECK(refusal.error.message.find("evil.example") != std::string::npos);
}

TEST_CASE("web pages of other sites are refused") {
    for (const char* origin : {"http://localhost:3000", "https://127.0.0.1", "HTTP://[::1]:80",
                               "https://gpu.example.com"}) {
        CAPTURE(origin);
        CHECK(origin_status(origin) == 200);
    }
    for (const char* origin :
         {"null", "", "http://evil.example", "https://localhost.evil.example", "localhost",
          "file://localhost", "http://localhost/", "http://localhost http://evil.example"}) {
        CAPTURE(origin);
        CHECK(origin_status(origin) == 403);
    }
    http::Headers twice;
    twice.add("Host", "localhost");
    twice.add("Origin", "http://localhost");
    twice.add("Origin", "http://evil.example");
    CHECK(status_of(twice) == 403);
}
