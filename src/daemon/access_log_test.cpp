// What a line holds, and that nothing holds its writer up.
#include "daemon/access_log.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/testing/scratch_directory.h"
#include "daemon/access_line.h"
#include "io/testing/run_until.h"

using namespace std::chrono_literals;
namespace wd = windlass::daemon;
namespace http = windlass::http;
namespace io = windlass::io;
namespace fs = std::filesystem;
using windlass::base::testing::ScratchDirectory;

namespace {

constexpr std::int64_t kTimeMs = 1'795'228'273'042;

http::ExchangeRecord answered() {
    return {.client = "127.0.0.1:40112",
            .method = "POST",
            .target = "/api/models/digits/call",
            .route = "call",
            .model = "digits",
            .status = 200,
            .trace = {.has_run = true, .queue = 270us, .load = 0ms, .run = 1500ms},
            .total = 1501ms,
            .bytes_in = 15,
            .bytes_out = 2};
}

std::string contents(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

auto line_count(const std::string& text) { return std::ranges::count(text, '\n'); }

}  // namespace

TEST_CASE("a line as text") {
    CHECK(wd::access_line(answered(), "r17", kTimeMs, wd::LogFormat::text) ==
          "2026-11-21T02:31:13.042Z request=r17 client=127.0.0.1:40112 method=POST "
          "path=/api/models/digits/call model=digits status=200 type=- queue_ms=0.270 "
          "load_ms=0.000 run_ms=1500.000 total_ms=1501.000 bytes_in=15 bytes_out=2\n");
    CHECK(
        wd::access_line({.client = "unix", .status = 400, .trace = {.error_type = "invalid_input"}},
                        "", kTimeMs, wd::LogFormat::text) ==
        "2026-11-21T02:31:13.042Z request=- client=unix method=- path=- model=- status=400 "
        "type=invalid_input queue_ms=- load_ms=- run_ms=- total_ms=0.000 bytes_in=0 "
        "bytes_out=0\n");
}

TEST_CASE("a line as JSON") {
    CHECK(wd::access_line(answered(), "r17", kTimeMs, wd::LogFormat::json) ==
          R"({"time":"2026-11-21T02:31:13.042Z","request":"r17","client":"127.0.0.1:40112",)"
          R"("method":"POST","path":"/api/models/digits/call","model":"digits","status":200,)"
          R"("type":null,"queue_ms":0.270,"load_ms":0.000,"run_ms":1500.000,"total_ms":1501.000,)"
          R"("bytes_in":15,"bytes_out":2})"
          "\n");
}

TEST_CASE("a client can forge neither a line nor a field, nor make one endless") {
    http::ExchangeRecord record = answered();
    const std::string target = "/a b\n\"\\\xff" + std::string(10'000, 'x');
    record.target = target;
    const std::string text = wd::access_line(record, "r1", kTimeMs, wd::LogFormat::text);
    CHECK(text.find(R"(path=/a\x20b\x0a\x22\x5c\xffxxx)") != std::string::npos);
    const std::string json = wd::access_line(record, "r1", kTimeMs, wd::LogFormat::json);
    CHECK(json.find(R"("path":"/a b\n\"\\\ufffdxxx)") != std::string::npos);
    for (const std::string& line : {text, json}) {
        CHECK(line_count(line) == 1);
        CHECK(line.size() < 1000);
    }
}

TEST_CASE("lines go to the file that the path names, also after it was renamed") {
    const ScratchDirectory folder;
    const std::string path = folder.file("access.log");
    io::Loop loop;
    auto log = wd::AccessLog::open(loop, path, wd::LogFormat::text);
    REQUIRE(log.has_value());
    (*log)->write(answered(), "r1");
    (*log)->write(answered(), "r2");
    REQUIRE(io::testing::run_until(loop, [&] { return line_count(contents(path)) == 2; }));
    fs::rename(path, path + ".1");
    REQUIRE((*log)->reopen().has_value());
    (*log)->write(answered(), "r3");
    log->reset();  // writes what is left
    CHECK(line_count(contents(path + ".1")) == 2);
    CHECK(contents(path).find("request=r3") != std::string::npos);
}

TEST_CASE("a pipe that nobody reads costs lines, not time") {
    const ScratchDirectory folder;
    const std::string path = folder.file("pipe");
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    io::Loop loop;
    CHECK_FALSE(wd::AccessLog::open(loop, path, wd::LogFormat::text).has_value());
    const io::FileDescriptor reader{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
    auto log = wd::AccessLog::open(loop, path, wd::LogFormat::text);
    REQUIRE(log.has_value());
    while ((*log)->lost() == 0) (*log)->write(answered(), "r1");
    std::array<char, 65'536> room{};
    std::size_t read = 0;
    REQUIRE(io::testing::run_until(loop, [&] {  // once somebody reads, what was kept arrives
        const ssize_t size = ::read(reader.number(), room.data(), room.size());
        if (size > 0) read += static_cast<std::size_t>(size);
        return read >= wd::AccessLog::kBacklogMax - 1000;
    }));
}

TEST_CASE("a full disk costs lines and nothing else") {
    if (!fs::exists("/dev/full")) return;
    io::Loop loop;
    auto log = wd::AccessLog::open(loop, "/dev/full", wd::LogFormat::json);
    REQUIRE(log.has_value());
    for (int i = 0; i < 3; ++i) (*log)->write(answered(), "r1");
    CHECK(io::testing::run_until(loop, [&] { return (*log)->lost() == 3; }));
}
