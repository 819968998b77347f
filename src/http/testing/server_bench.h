// For tests: a server, its fake backend and clients, all on one loop that the test turns.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "http/server.h"
#include "http/testing/fake_backend.h"
#include "http/testing/test_client.h"
#include "io/testing/run_until.h"

namespace windlass::http::testing {

struct Received {
    int status = 0;
    std::string head;
    std::string body;

    // The value of a header line, written as the server writes it; empty when there is none.
    std::string field(const std::string& name) const {
        const std::size_t begin = head.find("\r\n" + name + ": ");
        if (begin == std::string::npos) return {};
        const std::size_t value = begin + name.size() + 4;
        return head.substr(value, head.find("\r\n", value) - value);
    }
    bool closes() const { return field("Connection") == "close"; }
};

struct ServerBench {
    explicit ServerBench(ServerOptions options = {}) {
        options.port = 0;
        auto made = Server::listen(loop, options, backend);
        REQUIRE(made.has_value());
        server = std::move(*made);
    }

    std::unique_ptr<TestClient> connect() {
        return std::make_unique<TestClient>(loop, server->port());
    }
    bool until(const std::function<bool()>& holds) { return io::testing::run_until(loop, holds); }

    Received receive(TestClient& client, bool is_head_only = false) {
        REQUIRE(until([&] { return client.whole_reply(is_head_only).head > 0; }));
        const TestClient::Size size = client.whole_reply(is_head_only);
        Received received{.head = client.take(size.head), .body = client.take(size.body)};
        received.status = std::stoi(received.head.substr(9, 3));
        return received;
    }
    Received exchange(TestClient& client, std::string_view request) {
        client.send(request);
        return receive(client);
    }
    Received exchange_alone(std::string_view request) {
        const auto client = connect();
        return exchange(*client, request);
    }

    io::Loop loop;
    FakeBackend backend;
    std::unique_ptr<Server> server;
};

inline std::string get(std::string_view path) {
    return "GET " + std::string{path} + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}

// `fields` are whole lines, each ended by CRLF.
inline std::string post(std::string_view path, std::string_view body,
                        std::string_view fields = "") {
    return "POST " + std::string{path} + " HTTP/1.1\r\nHost: localhost\r\n" + std::string{fields} +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string{body};
}

inline constexpr std::string_view kCall = "/api/models/digits/call";

// The Date line differs from run to run.
inline std::string without_date(std::string head) {
    const std::size_t begin = head.find("Date: ");
    if (begin == std::string::npos) return head;
    return head.erase(begin, head.find("\r\n", begin) + 2 - begin);
}

}  // namespace windlass::http::testing
