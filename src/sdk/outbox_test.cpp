// Goal:   what is said by many runs within a moment leaves in one piece, and nothing is kept back.
// Method: the two ends of a socket.
#include "sdk/outbox.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace windlass::sdk {
namespace {

using namespace std::chrono_literals;

class Ends {
  public:
    Ends() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data()) == 0); }
    ~Ends() {
        for (const int end : ends_) ::close(end);
    }
    Ends(const Ends&) = delete;
    Ends& operator=(const Ends&) = delete;

    int ours() const { return ends_[0]; }
    std::string arrived() const {  // since the last look
        std::array<char, 256> bytes;
        const ssize_t count = ::recv(ends_[1], bytes.data(), bytes.size(), MSG_DONTWAIT);
        return {bytes.data(), count < 0 ? 0 : static_cast<std::size_t>(count)};
    }

  private:
    std::array<int, 2> ends_{};
};

bool is_readable(int descriptor, std::chrono::milliseconds limit) {
    pollfd polled{.fd = descriptor, .events = POLLIN, .revents = 0};
    return ::poll(&polled, 1, static_cast<int>(limit.count())) > 0;
}

}  // namespace

TEST_CASE("the first leaves at once, the next with whatever comes after them") {
    const Ends ends;
    Outbox outbox{ends.ours(), 1h};
    outbox.gather({"a"});
    CHECK(ends.arrived() == "a");
    outbox.gather({"b"});
    outbox.gather({"c"});
    CHECK(ends.arrived().empty());
    CHECK_FALSE(outbox.has_rest());  // nobody has to write that now
    outbox.post({"d", "e"});
    CHECK(ends.arrived() == "bcde");
    outbox.gather({"f"});
    CHECK(ends.arrived().empty());
    outbox.flush();
    CHECK(ends.arrived() == "f");
}

TEST_CASE("if nothing comes after them they leave once their time is over") {
    const Ends ends;
    Outbox outbox{ends.ours(), 20ms};
    do {
        outbox.gather({"a"});
    } while (ends.arrived() == "a");  // however late this thread is
    CHECK(is_readable(outbox.gathered_descriptor(), 10s));
    outbox.write_gathered();
    CHECK(ends.arrived() == "a");
}

TEST_CASE("what is gathered while the daemon does not read leaves when it does") {
    const Ends ends;
    Outbox outbox{ends.ours(), 1h};
    const std::string much(std::size_t{64} * 1024, 'x');
    while (!outbox.has_rest()) outbox.post({much});
    outbox.gather({"a"});
    CHECK(outbox.has_rest());
    std::string last;
    while (outbox.has_rest()) {
        for (std::string some = ends.arrived(); !some.empty(); some = ends.arrived()) last = some;
        outbox.write_some();
    }
    for (std::string some = ends.arrived(); !some.empty(); some = ends.arrived()) last = some;
    CHECK(last.back() == 'a');
}

TEST_CASE("without a pause between them each leaves at once") {
    const Ends ends;
    Outbox outbox{ends.ours(), 0ms};
    for (int i = 0; i < 3; ++i) {
        outbox.gather({"a"});
        CHECK(ends.arrived() == "a");
    }
}

}  // namespace windlass::sdk
