// A program that answers, well or badly, whole or in pieces.
#include "http/upstream_connection.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>

#include "io/file_descriptor.h"
#include "io/testing/run_until.h"

namespace http = windlass::http;
namespace io = windlass::io;

namespace {

// Listens on a Unix socket of its own; takes one connection.
class Program {
  public:
    Program() : listening_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        path_ = "/tmp/wl-upstream-" + std::to_string(::getpid());
        ::unlink(path_.c_str());
        sockaddr_un address = {};
        address.sun_family = AF_UNIX;
        path_.copy(address.sun_path, sizeof address.sun_path - 1);
        REQUIRE(::bind(listening_.number(), reinterpret_cast<sockaddr*>(&address),
                       sizeof address) == 0);
        REQUIRE(::listen(listening_.number(), 1) == 0);
    }
    ~Program() { ::unlink(path_.c_str()); }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    http::UpstreamAddress address() const { return {.socket = path_}; }
    void accept() { peer_.reset(::accept(listening_.number(), nullptr, nullptr)); }
    void say(std::string_view bytes) {
        REQUIRE(::send(peer_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(bytes.size()));
    }
    std::string hear() {
        std::array<char, 4096> room = {};
        const ssize_t size = ::recv(peer_.number(), room.data(), room.size(), 0);
        return {room.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
    }
    void leave() { peer_.reset(); }

  private:
    std::string path_;
    io::FileDescriptor listening_;
    io::FileDescriptor peer_;
};

struct Heard {
    std::optional<int> status;
    std::optional<std::uint64_t> length;
    std::string body;
    std::string error;
    bool is_over = false;
};

http::UpstreamHandlers listen(Heard& heard) {
    return {.on_head =
                [&heard](http::UpstreamHead head) {
                    CHECK_FALSE(heard.status);
                    heard.status = head.status;
                    heard.length = head.length;
                },
            .on_body = [&heard](std::string_view piece) { heard.body += piece; },
            .on_end = [&heard] { heard.is_over = true; },
            .on_failed =
                [&heard](const windlass::base::Error& error) {
                    CHECK(error.code == windlass::base::Errc::worker_lost);
                    heard.error = error.message;
                    heard.is_over = true;
                }};
}

// What is heard of an answer that comes in two pieces, after which the program leaves.
Heard hear(std::string_view first, std::string_view second, bool is_bodiless = false) {
    io::Loop loop;
    Program program;
    Heard heard;
    http::UpstreamConnection connection{loop, program.address(), is_bodiless, listen(heard)};
    connection.write("GET / HTTP/1.1\r\n\r\n");
    CHECK(io::testing::run_until(loop, [&] { return connection.backlog() == 0; }));
    program.accept();  // it waits in the backlog
    CHECK(program.hear() == "GET / HTTP/1.1\r\n\r\n");
    program.say(first);
    io::testing::run_turn(loop);
    if (!second.empty()) program.say(second);
    program.leave();
    CHECK(io::testing::run_until(loop, [&] { return heard.is_over; }));
    return heard;
}

}  // namespace

TEST_CASE("an answer is heard the same wherever it is cut") {
    const std::string interim = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    const std::string chunked = interim +
                                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "5;x=y\r\nhello\r\n1\r\n \r\n05\r\nworld\r\n0\r\nX: y\r\n\r\n";
    for (std::size_t cut = 1; cut < chunked.size(); ++cut) {
        CAPTURE(cut);
        const Heard heard = hear(chunked.substr(0, cut), chunked.substr(cut));
        CHECK(heard.status == 200);
        CHECK(heard.body == "hello world");
        CHECK(heard.error.empty());
    }
}

TEST_CASE("a body ends with its length, with the connection, or before it begins") {
    const Heard sized = hear("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nab", "");
    CHECK((sized.status == 201 && sized.length == 2 && sized.body == "ab"));
    const Heard open = hear("HTTP/1.0 200 OK\r\n\r\nab", "cd");
    CHECK((open.body == "abcd" && !open.length && open.error.empty()));
    const Heard head = hear("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", "", true);
    CHECK((head.length == 7 && head.body.empty() && head.error.empty()));
    CHECK(hear("HTTP/1.1 204 No Content\r\n\r\n", "").error.empty());
}

TEST_CASE("an answer that is none, or not whole, is an error") {
    CHECK(hear("SSH-2.0-OpenSSH\r\n", "").error.contains("no HTTP"));
    CHECK(hear("", "").error.contains("without an answer"));
    CHECK(hear("HTTP/1.1 200 OK\r\nContent-Le", "").error.contains("without an answer"));
    const Heard cut = hear("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "ab");
    CHECK((cut.body == "ab" && cut.error.contains("before its answer was complete")));
}

TEST_CASE("a status that is none, and a chunk without an end, are refused") {
    CHECK(hear("HTTP/1.1 000 X\r\n\r\n", "").error.contains("no HTTP"));
    const std::string endless = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=";
    const Heard heard = hear(endless + std::string(100'000, 'z'), "");
    CHECK(heard.error.contains("too long"));
}

TEST_CASE("bytes of a request that the program did not read make its end a reset, and no answer") {
    io::Loop loop;
    Program program;
    Heard heard;
    http::UpstreamConnection connection{loop, program.address(), false, listen(heard)};
    connection.write("GET / HTTP/1.1\r\n\r\n");
    CHECK(io::testing::run_until(loop, [&] { return connection.backlog() == 0; }));
    program.accept();
    program.say("HTTP/1.0 200 OK\r\n\r\nhalf of it");
    CHECK(io::testing::run_until(loop, [&] { return !heard.body.empty(); }));
    program.leave();
    CHECK(io::testing::run_until(loop, [&] { return heard.is_over; }));
    CHECK(heard.error.contains("broke the connection"));
}

TEST_CASE("nobody who listens yet is waited for, and nothing is told once it is destroyed") {
    io::Loop loop;
    Heard heard;
    const http::UpstreamAddress nowhere{.socket = "/nonexistent/socket"};
    const auto connection =
        std::make_unique<http::UpstreamConnection>(loop, nowhere, false, listen(heard));
    for (int turn = 0; turn < 3; ++turn) io::testing::run_turn(loop);
    CHECK_FALSE(heard.is_over);
}
