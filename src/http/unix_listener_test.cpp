// The file of a Unix socket: whose it is, who may use it, when it goes.
#include "http/unix_listener.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/testing/scratch_directory.h"
#include "http/testing/server_bench.h"

namespace http = windlass::http;
namespace base = windlass::base;
namespace fs = std::filesystem;
using base::testing::ScratchDirectory;
using http::testing::connect_to_path;

namespace {

base::Errc refusal(const std::string& path) {
    const auto opened = http::open_unix_listener(path);
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().message.find(path) != std::string::npos);
    return opened.error().code;
}

}  // namespace

TEST_CASE("the socket's file is its owner's alone, whatever the umask, and goes with it") {
    const ScratchDirectory folder;
    const std::string path = folder.file("w.sock");
    const mode_t former = ::umask(0);
    {
        const auto opened = http::open_unix_listener(path);
        ::umask(former);
        REQUIRE(opened.has_value());
        struct stat there {};
        REQUIRE(::lstat(path.c_str(), &there) == 0);
        CHECK(S_ISSOCK(there.st_mode));
        CHECK((there.st_mode & 07777U) == 0600);
    }
    CHECK_FALSE(fs::exists(path));
}

TEST_CASE("a file that a dead program left is replaced, one that somebody answers on is not") {
    const ScratchDirectory folder;
    const std::string path = folder.file("w.sock");
    auto first = http::open_unix_listener(path);
    REQUIRE(first.has_value());
    CHECK(refusal(path) == base::Errc::conflict);
    CHECK(bool{connect_to_path(path)});

    first->socket.reset();  // as a killed program leaves it
    REQUIRE(fs::exists(path));
    const auto second = http::open_unix_listener(path);
    REQUIRE(second.has_value());
    CHECK(bool{connect_to_path(path)});
}

TEST_CASE("a file that somebody has put in its place is left alone") {
    const ScratchDirectory folder;
    const std::string path = folder.file("w.sock");
    auto first = http::open_unix_listener(path);
    REQUIRE(first.has_value());
    fs::remove(path);
    const auto second = http::open_unix_listener(path);
    REQUIRE(second.has_value());
    first->file.remove();
    CHECK(bool{connect_to_path(path)});
}

TEST_CASE("what is no socket stays, and what cannot be bound is said") {
    const ScratchDirectory folder;
    const std::string path = folder.file("data");
    std::ofstream{path} << "precious";
    CHECK(refusal(path) == base::Errc::conflict);
    CHECK(fs::file_size(path) == 8);
    CHECK(refusal(folder.file("no/such/folder.sock")) == base::Errc::not_found);
    CHECK(refusal(folder.file(std::string(http::kUnixPathMax, 'x'))) == base::Errc::invalid_input);
}

TEST_CASE("port and Unix socket serve the same, and close together") {
    const ScratchDirectory folder;
    const std::string path = folder.file("w.sock");
    http::testing::ServerBench bench{{.socket_path = path}};
    http::testing::TestClient client{bench.loop, connect_to_path(path)};
    const auto over_socket =
        bench.exchange(client, "GET /healthz HTTP/1.1\r\nHost: anything.example\r\n\r\n");
    CHECK(over_socket.status == 200);
    CHECK(over_socket.body == bench.exchange_alone(http::testing::get("/healthz")).body);
    bench.server->stop_accepting();
    CHECK_FALSE(fs::exists(path));
    CHECK(bench.exchange(client, http::testing::get("/healthz")).closes());
}
