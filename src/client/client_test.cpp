// The client against servers that say what the test wants, also what no daemon would say.
#include "windlass/client.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <thread>
#include <vector>

#include "base/assert.h"
#include "base/testing/scratch_directory.h"
#include "client/error_json.h"
#include "client/response_parser.h"
#include "client/url.h"

using namespace std::chrono_literals;
namespace base = windlass::base;
using windlass::Client;
using windlass::ClientOptions;
using windlass::client::ResponseParser;

namespace {

// Listens on a free port; each connection gets the next script, on a thread that ends when all have
// run. Reads that wait too long end the test program's patience, not its life.
class ScriptedServer {
  public:
    // Gets a connected socket, which is closed afterwards.
    using Script = std::function<void(int socket)>;

    // On a Unix socket where `path` is given, which must not be there yet.
    explicit ScriptedServer(std::vector<Script> scripts, const std::string& path = {})
        : socket_(::socket(path.empty() ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        WL_ASSERT(socket_ >= 0);
        url_ = path.empty() ? bind_port() : bind_path(path);
        REQUIRE(::listen(socket_, 8) == 0);
        thread_ = std::jthread([this, scripts = std::move(scripts)] {
            for (const Script& script : scripts) {
                const int connection = accept_within(20s);
                if (connection < 0) return;
                script(connection);
                ::close(connection);
            }
        });
    }
    ~ScriptedServer() {
        ::shutdown(socket_, SHUT_RD);  // ends a wait for a connection
        thread_.join();
        ::close(socket_);
    }
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;

    ClientOptions options() const { return ClientOptions{.url = url_}; }

  private:
    std::string bind_port() const {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof(address);
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(::bind(socket_, generic, size) == 0);
        ::getsockname(socket_, generic, &size);
        return "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    }

    std::string bind_path(const std::string& path) const {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof(address.sun_path) - 1);
        REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
        return "unix:" + path;
    }

    int accept_within(std::chrono::seconds limit) const {
        const timeval timeout{.tv_sec = limit.count(), .tv_usec = 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
        const int connection = ::accept(socket_, nullptr, nullptr);
        ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
        return connection;
    }

    int socket_;
    std::string url_;
    std::jthread thread_;
};

// Reads one request: its head, and no body.
std::string read_head(int socket) {
    std::string head;
    char byte = 0;
    while (!head.ends_with("\r\n\r\n") && ::recv(socket, &byte, 1, 0) == 1) head += byte;
    return head;
}

void send_text(int socket, std::string_view text) {
    while (!text.empty()) {
        const ssize_t sent = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
}

void wait_for_end(int socket) {
    char bytes[4096];
    while (::recv(socket, bytes, sizeof(bytes), 0) > 0) continue;
}

std::string reply_with(std::string_view body, std::string_view fields = "") {
    return "HTTP/1.1 200 OK\r\n" + std::string{fields} +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string{body};
}

// Answers the first request of a connection, then waits for the client to close.
ScriptedServer::Script answers(std::string reply) {
    return [reply = std::move(reply)](int socket) {
        read_head(socket);
        send_text(socket, reply);
        ::shutdown(socket, SHUT_WR);
        wait_for_end(socket);
    };
}

void hangs(int socket) { wait_for_end(socket); }
void closes(int socket) { read_head(socket); }

bool says(const windlass::Failure& failure, std::string_view text) {
    return failure.message.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("URLs are read, and bad ones explained") {
    const auto read = [](const std::string& text) {
        const auto url = windlass::client::parse_url(text);
        REQUIRE(url.has_value());
        return *url;
    };
    CHECK(read("http://127.0.0.1:80").port == 80);
    CHECK(read("http://127.0.0.1:80/").host_field == "127.0.0.1:80");
    CHECK(read("http://127.0.0.1").port == 7411);
    CHECK(read("http://localhost:1").addresses == std::vector<std::string>{"127.0.0.1", "::1"});
    CHECK(read("http://localhost:1").host_field == "localhost:1");
    CHECK(read("http://[::1]:99").host_field == "[::1]:99");
    CHECK(read("http://[::1]").addresses == std::vector<std::string>{"::1"});
    CHECK(read("http://127.0.0.1:").port == 7411);  // RFC 3986 section 3.2.3 allows an empty port
    for (const std::string wrong :
         {"", "127.0.0.1:80", "https://127.0.0.1", "http://", "http://gpu.example.com",
          "http://127.0.0.1:0", "http://127.0.0.1:65536", "http://127.0.0.1:8x",
          "http://127.0.0.1/path", "http://::1", "http://[::1", "http://[127.0.0.1]",
          "http://[::1]x", "http://a\r\nb", "unix:", "unix:relative.sock", "/run/w.sock"}) {
        CAPTURE(wrong);
        const auto url = windlass::client::parse_url(wrong);
        REQUIRE_FALSE(url.has_value());
        CHECK(url.error().message.find("http://127.0.0.1:7411") != std::string::npos);
    }
    CHECK(read("unix:/run/a b%20.sock").addresses == std::vector<std::string>{"/run/a b%20.sock"});
    CHECK(read("unix:/run/w.sock").host_field == "localhost");
    CHECK(read("unix:/" + std::string(106, 'p')).addresses.front().size() == 107);
    const auto too_long = windlass::client::parse_url("unix:/" + std::string(107, 'p'));
    REQUIRE_FALSE(too_long.has_value());
    CHECK(too_long.error().message.find("108 bytes, and 107 are the most") != std::string::npos);
    CHECK(windlass::client::percent_encode("a-b_1.~") == "a-b_1.~");
    CHECK(windlass::client::percent_encode("a/b \xc3\xa9%") == "a%2Fb%20%C3%A9%25");
}

TEST_CASE("error bodies are read") {
    const auto read = windlass::client::parse_error_body(
        R"( {"more": [1, {"a": null}, true, -2.5e3], "error": {"type": "unavailable", )"
        R"("message": "a\"b\\\u00e9\ud83d\ude42\n", "reason": "backoff", "retry_after_s": 1.25,)"
        R"("request_id": "r1", "cause": "KeyError", "traceback": "t", "model": "m", "new": {}}} )");
    const windlass::Failure failure = read.value_or(windlass::Failure{});
    CHECK(failure.type == "unavailable");
    CHECK(failure.message == "a\"b\\\xc3\xa9\xf0\x9f\x99\x82\n");
    CHECK(failure.reason == "backoff");
    CHECK(failure.retry_after_s == 1.25);
    CHECK(failure.request_id == "r1");
    CHECK(failure.cause == "KeyError");
    CHECK(failure.traceback == "t");
    CHECK(failure.model == "m");
    CHECK_FALSE(failure.memory.has_value());
    const std::string deep(100, '[');
    for (const std::string& wrong :
         {std::string{}, std::string{"{}"}, std::string{"<html>"}, std::string{R"({"error":"x"})"},
          std::string{R"({"error":{}})"}, std::string{R"({"error":{"type":"a"}} x)"},
          std::string{R"({"error":{"type":"a"})"}, std::string{R"({"error":{"type":"\x"}})"},
          std::string{R"({"error":{"type":"\ud800"}})"},
          std::string{R"({"error":{"type":"\udc00"}})"},
          std::string{R"({"error":{"type":"\u00"}})"}, std::string{R"({"error":{"type":7}})"},
          std::string{R"({"error":{"type":"a",}})"},
          std::string{R"({"a":tru,"error":{"type":"a"}})"}, R"({"a":)" + deep}) {
        CAPTURE(wrong);
        CHECK_FALSE(windlass::client::parse_error_body(wrong).has_value());
    }
}

TEST_CASE("responses read the same however they are cut into pieces") {
    const std::string_view response =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-Some-Field: a b\r\n"
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
    for (std::size_t piece = 1; piece <= response.size(); ++piece) {
        CAPTURE(piece);
        ResponseParser parser{100};
        bool is_complete = false;
        for (std::size_t at = 0; at < response.size(); at += piece) {
            const auto fed = parser.feed(response.substr(at, piece));
            REQUIRE(fed.has_value());
            is_complete = *fed;
        }
        REQUIRE(is_complete);
        const auto taken = parser.take();
        CHECK(taken.status == 200);
        CHECK(taken.find("x-some-field") == "a b");
        CHECK(taken.find("nope").empty());
        CHECK(taken.body == "hello world");
        CHECK(taken.keep_alive);
    }
}

TEST_CASE("an empty chunked response reads the same byte by byte") {
    windlass::client::ResponseParser parser{64};
    bool is_complete = false;
    for (const char c :
         std::string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}) {
        REQUIRE_FALSE(is_complete);
        const auto fed = parser.feed({&c, 1});
        REQUIRE(fed.has_value());
        is_complete = *fed;
    }
    CHECK(is_complete);
}

TEST_CASE("what is no JSON is refused, though it looks like it") {
    for (const std::string value : {"01", "1.", "-inf", "-", "1e", "\"\x01\""}) {
        CAPTURE(value);
        const std::string body = R"({"error":{"type":"timeout","x":)" + value + "}}";
        CHECK_FALSE(windlass::client::parse_error_body(body).has_value());
    }
}

TEST_CASE("responses without a length end with the connection, others must not") {
    ResponseParser open{100};
    CHECK(open.feed("HTTP/1.0 200 OK\r\n\r\nhello").value() == false);
    CHECK(open.feed_end().has_value());
    const auto taken = open.take();
    CHECK(taken.body == "hello");
    CHECK_FALSE(taken.keep_alive);
    for (const char* cut :
         {"", "HTTP/1.1 200 OK\r\nConte", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"}) {
        CAPTURE(cut);
        ResponseParser parser{100};
        CHECK(parser.feed(cut).has_value());
        CHECK(parser.feed_end().error().reason == "connection_lost");
    }
}

TEST_CASE("responses that are none, or too large, are told apart") {
    const auto code_of = [](std::string_view response) {
        ResponseParser parser{10};
        const auto fed = parser.feed(response);
        REQUIRE_FALSE(fed.has_value());
        return fed.error().code;
    };
    CHECK(code_of("SSH-2.0-OpenSSH_9.2\r\n") == base::Errc::data_corrupt);
    CHECK(code_of("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n") == base::Errc::unsupported);
    CHECK(code_of("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x')) ==
          base::Errc::data_corrupt);
    CHECK(code_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;" +
                  std::string(100'000, 'x')) == base::Errc::data_corrupt);
}

TEST_CASE("where nobody listens, the failure says what to do") {
    ClientOptions options;
    {
        const ScriptedServer gone{{}};
        options = gone.options();
    }
    const auto health = Client{options}.health();
    REQUIRE_FALSE(health.has_value());
    CHECK(health.error().type == "unavailable");
    CHECK(health.error().reason == "connection_refused");
    CHECK(health.error().exit_code == 6);
    CHECK(health.error().http_status == 0);
    CHECK(says(health.error(), options.url));
    CHECK(says(health.error(), "windlass serve"));
}

TEST_CASE("a Unix socket serves as well as a port, and says so when nobody listens there") {
    const base::testing::ScratchDirectory folder;
    const std::string path = folder.file("w.sock");
    ClientOptions options;
    {
        std::string head;
        const ScriptedServer server{{[&head](int socket) {
                                        head = read_head(socket);
                                        send_text(socket, reply_with("first"));
                                        read_head(socket);  // on the connection that was kept
                                        send_text(socket, reply_with("second"));
                                        wait_for_end(socket);
                                    }},
                                    path};
        options = server.options();
        Client client{options};
        CHECK(client.health().value() == "first");
        CHECK(client.health().value() == "second");
        CHECK(head.find("\r\nHost: localhost\r\n") != std::string::npos);
    }
    for (const bool is_file_there : {true, false}) {
        CAPTURE(is_file_there);
        const auto health = Client{options}.health();
        REQUIRE_FALSE(health.has_value());
        CHECK(health.error().reason == "connection_refused");
        CHECK(says(health.error(), options.url));
        if (is_file_there) REQUIRE(::unlink(path.c_str()) == 0);
    }
}

TEST_CASE("a full backlog of a Unix socket is waited for, but not for ever") {
    const base::testing::ScratchDirectory folder;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = folder.file("w.sock");
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::bind(listener, generic, sizeof(address)) == 0);
    REQUIRE(::listen(listener, 0) == 0);  // room for one that nobody takes
    const int filler = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::connect(filler, generic, sizeof(address)) == 0);

    const auto health = Client{{.url = "unix:" + path, .connect_timeout = 50ms}}.health();
    REQUIRE_FALSE(health.has_value());
    CHECK(health.error().type == "unavailable");
    CHECK(says(health.error(), "no connection within 50ms"));
    for (const int socket : {filler, listener}) ::close(socket);
    ::unlink(path.c_str());
}

TEST_CASE("a bad URL and a bad field are the caller's mistake") {
    const auto health = Client{{.url = "gpu.example.com"}}.health();
    REQUIRE_FALSE(health.has_value());
    CHECK(health.error().type == "invalid_input");
    CHECK(health.error().exit_code == 2);
    const auto called = Client{}.call("m", "", {.content_type = "a\r\nHost: b"});
    REQUIRE_FALSE(called.has_value());
    CHECK(called.error().type == "invalid_input");
    CHECK(says(called.error(), "Content-Type"));
}

TEST_CASE("a daemon that does not answer in time is given up") {
    const ScriptedServer server{{hangs, hangs}};
    ClientOptions options = server.options();
    options.query_timeout = 50ms;
    options.call_limit = 50ms;
    const auto models = Client{options}.models();
    REQUIRE_FALSE(models.has_value());
    CHECK(models.error().type == "timeout");
    CHECK(models.error().exit_code == 7);
    CHECK(says(models.error(), "50ms"));
    // Sending is under the deadline too.
    const auto called = Client{options}.call("m", std::string(64U << 20, 'x'));
    REQUIRE_FALSE(called.has_value());
    CHECK(called.error().type == "timeout");
}

TEST_CASE("a connection is kept, and made again when the daemon closed it") {
    const ScriptedServer server{{
        [](int socket) {
            for (const char* body : {"one", "two"}) {
                read_head(socket);
                send_text(socket, reply_with(body));
            }
        },  // closes without a word
        answers(reply_with("three", "Connection: close\r\n")),
        answers(reply_with("four")),
    }};
    Client client{server.options()};
    for (const char* body : {"one", "two", "three", "four"}) {
        const auto health = client.health();
        REQUIRE(health.has_value());
        CHECK(*health == body);
    }
}

TEST_CASE("what was lost on the way is asked again, but not called again") {
    const ScriptedServer server{{
        [](int socket) {
            read_head(socket);
            send_text(socket, reply_with("one"));
            read_head(socket);
        },  // closes instead of answering the second
        answers(reply_with("two")),
        closes,
        answers(reply_with("never")),
    }};
    {
        Client client{server.options()};
        CHECK(client.health().value() == "one");
        CHECK(client.health().value() == "two");
    }
    Client other{server.options()};
    const auto called = other.call("digits", "");
    REQUIRE_FALSE(called.has_value());
    CHECK(called.error().type == "unavailable");
    CHECK(called.error().reason == "connection_lost");
    CHECK(says(called.error(), "may have been carried out"));
}

TEST_CASE("an answer that comes before the request was sent is heard") {
    const std::string body = R"({"error":{"type":"invalid_input","message":"too large"}})";
    const ScriptedServer server{
        {answers("HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n"
                 "Content-Length: " +
                 std::to_string(body.size()) + "\r\n\r\n" + body)}};
    const auto called = Client{server.options()}.call("m", std::string(64U << 20, 'x'));
    REQUIRE_FALSE(called.has_value());
    CHECK(called.error().type == "invalid_input");
    CHECK(called.error().message == "too large");
    CHECK(called.error().http_status == 413);
    CHECK(called.error().exit_code == 2);
}

TEST_CASE("what is no windlass daemon is recognised") {
    const ScriptedServer server{{answers("SSH-2.0-OpenSSH_9.2\r\n"),
                                 answers("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
                                 answers(R"(HTTP/1.1 418 I'm a teapot)"
                                         "\r\n\r\n"
                                         R"({"error":{"type":"teapot","message":"short"}})")}};
    Client client{server.options()};
    const auto ssh = client.health();
    REQUIRE_FALSE(ssh.has_value());
    CHECK(ssh.error().type == "data_corrupt");
    const auto other = client.health();
    REQUIRE_FALSE(other.has_value());
    CHECK(other.error().type == "internal");
    CHECK(says(other.error(), "404"));
    const auto newer = client.health();
    REQUIRE_FALSE(newer.has_value());
    CHECK(newer.error().type == "teapot");
    CHECK(newer.error().exit_code == 70);
    CHECK(newer.error().http_status == 418);
}

TEST_CASE("an answer over the limit is refused") {
    const ScriptedServer server{{answers(reply_with(std::string(2'000, 'x')))}};
    ClientOptions options = server.options();
    options.answer_bytes_max = 1'000;
    const auto called = Client{options}.call("m", "");
    REQUIRE_FALSE(called.has_value());
    CHECK(called.error().type == "unsupported");
    CHECK(says(called.error(), "answer_bytes_max"));
}

TEST_CASE("the bytes of a call") {
    std::string seen;
    {
        const ScriptedServer server{{[&](int socket) {
            seen = read_head(socket);
            char body[5];
            ::recv(socket, body, sizeof(body), MSG_WAITALL);
            seen.append(body, sizeof(body));
            send_text(socket, reply_with(""));
        }}};
        const auto called = Client{server.options()}.call("my model", "hello",
                                                          {.content_type = "text/plain",
                                                           .timeout = 1500ms,
                                                           .wait = 0s,
                                                           .priority = 2,
                                                           .variant = "fp16"});
        CHECK(called.has_value());
        const std::string host = server.options().url.substr(7);
        CHECK(seen ==
              "POST /api/models/my%20model/call HTTP/1.1\r\n"
              "Host: " +
                  host +
                  "\r\n"
                  "Content-Length: 5\r\n"
                  "Content-Type: text/plain\r\n"
                  "X-Windlass-Timeout: 1500000us\r\n"
                  "X-Windlass-Wait: 0us\r\n"
                  "X-Windlass-Priority: 2\r\n"
                  "X-Windlass-Variant: fp16\r\n"
                  "\r\n"
                  "hello");
    }
}
