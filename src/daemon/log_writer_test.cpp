// The thread of the log, on a pipe that is read late or never.
#include "daemon/log_writer.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <utility>

namespace windlass::daemon {
namespace {

using namespace std::chrono_literals;

class Pipe {
  public:
    Pipe() { REQUIRE(::pipe2(ends_, O_CLOEXEC) == 0); }
    // The other end stays open: a writer's thread may outlive the writer.
    ~Pipe() { close_reader(); }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    int writer() const { return ends_[1]; }
    void close_reader() {
        if (ends_[0] >= 0) ::close(std::exchange(ends_[0], -1));
    }
    // Reads until so many bytes are there, at most 10 s for each piece.
    std::string read(std::size_t size) {
        std::string text;
        while (text.size() < size) {
            pollfd readable{.fd = ends_[0], .events = POLLIN, .revents = 0};
            REQUIRE(::poll(&readable, 1, 10'000) == 1);
            char buffer[4096];
            const ssize_t count = ::read(ends_[0], buffer, sizeof(buffer));
            REQUIRE(count > 0);
            text.append(buffer, static_cast<std::size_t>(count));
        }
        return text;
    }

  private:
    int ends_[2] = {-1, -1};
};

constexpr std::size_t kLine = 1'000;

std::string line(int number) {
    std::string text = std::to_string(number);
    return text.append(kLine - 1 - text.size(), '.') + '\n';
}

}  // namespace

TEST_CASE("lines come out whole and in order, and the end waits for them") {
    Pipe pipe;
    std::string expected;
    {
        LogWriter writer{pipe.writer()};
        for (int i = 0; i < 20; ++i) {
            writer.write(line(i));
            expected += line(i);
        }
        CHECK(writer.take_lost() == 0);
    }
    CHECK(pipe.read(expected.size()) == expected);
}

TEST_CASE("a pipe that nobody reads holds up nobody; what is lost is counted once") {
    Pipe pipe;
    constexpr int kLines = 1'000;  // 1 MB; the pipe takes 64 KiB
    LogWriter writer{pipe.writer(), 100 * kLine};
    for (int i = 0; i < kLines; ++i) writer.write(line(i));
    CHECK(writer.take_lost() == 0);  // full: a line that tells of it would be lost too
    std::uint64_t lost = 0;
    std::size_t read = 0;
    while (lost == 0) {
        pipe.read(kLine);
        ++read;
        lost = writer.take_lost();
    }
    CHECK(read <= kLines - lost);
    CHECK(lost < kLines);
    CHECK(lost >= kLines - 100 - (64 << 10) / kLine - 5);
    CHECK(writer.take_lost() == 0);
}

TEST_CASE("the end of a writer whose pipe nobody reads comes in time") {
    Pipe pipe;
    const auto begin = std::chrono::steady_clock::now();
    {
        LogWriter writer{pipe.writer()};
        for (int i = 0; i < 200; ++i) writer.write(line(i));
    }
    CHECK(std::chrono::steady_clock::now() - begin >= 1s);  // it did wait
    pipe.close_reader();                                    // lets the thread go
}

TEST_CASE("a reader that is gone is no trouble") {
    Pipe pipe;
    LogWriter writer{pipe.writer()};
    pipe.close_reader();
    for (int i = 0; i < 200; ++i) writer.write(line(i));
}

}  // namespace windlass::daemon
