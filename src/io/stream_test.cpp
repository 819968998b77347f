// Streams: coalescing, back-pressure, fairness and the several ways to end.
#include "io/stream.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <numeric>
#include <vector>

#include "io/loop.h"
#include "io/testing/run_until.h"

namespace io = windlass::io;
namespace base = windlass::base;
using io::testing::run_turn;
using io::testing::run_until;

namespace {

// A stream and the other end of its socket, with a record of what came.
struct Fixture {
    explicit Fixture(int socket_type = SOCK_STREAM) {
        std::array<int, 2> ends = {-1, -1};
        REQUIRE(::socketpair(AF_UNIX, socket_type | SOCK_CLOEXEC, 0, ends.data()) == 0);
        other = io::FileDescriptor{ends[1]};
        REQUIRE(::fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
        const auto take = [this](std::span<const char> bytes) {
            CHECK(closed_count == 0);
            received.append(bytes.data(), bytes.size());
            if (on_data) on_data();
        };
        const auto end = [this](const std::optional<base::Error>& error) {
            ++closed_count;
            if (error) closed_why = error->message;
        };
        stream =
            std::make_unique<io::Stream>(loop, io::FileDescriptor{ends[0]},
                                         io::StreamHandlers{.on_data = take, .on_closed = end});
    }

    // What one read of the other end gives.
    std::string read_other() const {
        std::string buffer(1 << 20, '\0');
        buffer.resize(io::read_some(other.number(), buffer).size);
        return buffer;
    }
    void write_other(std::string_view text) const {
        REQUIRE(::write(other.number(), text.data(), text.size()) ==
                static_cast<ssize_t>(text.size()));
    }

    io::Loop loop;
    io::FileDescriptor other;
    std::string received;
    std::function<void()> on_data;
    int closed_count = 0;
    std::string closed_why;  // empty: no error
    std::unique_ptr<io::Stream> stream;
};

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    unsigned value = 1;
    for (char& byte : text) byte = static_cast<char>((value = value * 1664525 + 1013904223) >> 24);
    return text;
}

io::SharedBytes shared(std::string bytes) {
    return std::make_shared<const std::string>(std::move(bytes));
}

}  // namespace

TEST_CASE("everything written in a turn goes out in one system call, at its end") {
    Fixture f{SOCK_SEQPACKET};  // keeps each send apart
    f.loop.post([&] {
        for (const char* word : {"one ", "two ", "three"}) CHECK(f.stream->write(word).has_value());
        CHECK(f.stream->write(" four", shared(" five")).has_value());
        CHECK(f.read_other().empty());
    });
    run_turn(f.loop);
    CHECK(f.read_other() == "one two three four five");
    CHECK(f.stream->backlog() == 0);
}

TEST_CASE("a full socket does not block, and nothing is lost or reordered") {
    Fixture f;
    const std::string sent = pattern(3'000'000);
    std::size_t at = 0;
    for (std::size_t size = 1; at < sent.size(); size = size * 2 + 1) {
        const std::size_t head = std::min(size, sent.size() - at);
        const std::size_t body = std::min(size, sent.size() - at - head);
        CHECK(f.stream->write(sent.substr(at, head), shared(sent.substr(at + head, body)))
                  .has_value());
        at += head + body;
    }
    run_turn(f.loop);
    CHECK(f.stream->backlog() > 0);
    CHECK(f.stream->backlog() < sent.size());
    std::string arrived;
    CHECK(run_until(f.loop, [&] {
        arrived += f.read_other();
        f.loop.post([] {});  // reading here is no input of the loop
        return arrived.size() == sent.size();
    }));
    CHECK((arrived == sent));
    CHECK(f.stream->backlog() == 0);
}

TEST_CASE("shared bytes are held until they are sent, and not copied") {
    Fixture f;
    const io::SharedBytes bytes = shared(pattern(3'000'000));
    CHECK(f.stream->write("head", bytes).has_value());
    CHECK(bytes.use_count() == 2);
    std::size_t arrived = 0;
    CHECK(run_until(f.loop, [&] {
        arrived += f.read_other().size();
        f.loop.post([] {});  // reading here is no input of the loop
        return arrived == 4 + bytes->size();
    }));
    run_turn(f.loop);
    CHECK(bytes.use_count() == 1);
}

TEST_CASE("a backlog above the limit is refused whole") {
    Fixture f;
    f.stream->set_backlog_max(1000);
    CHECK(f.stream->write(std::string(600, 'a'), shared(std::string(400, 'b'))).has_value());
    const base::Result<void> refused = f.stream->write("c");
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == base::Errc::unavailable);
    CHECK(refused.error().message.contains("1000 wait already"));
    run_turn(f.loop);
    CHECK(f.stream->write("d").has_value());
    run_turn(f.loop);
    CHECK(f.read_other() == std::string(600, 'a') + std::string(400, 'b') + "d");
}

TEST_CASE("a large body streams both ways with a bounded share of each turn") {
    io::Loop loop;
    io::SocketPair pair = io::make_socket_pair().value();
    const std::string sent = pattern(24 << 20);
    std::string received;
    received.reserve(sent.size());
    std::size_t received_in_turn = 0;
    std::size_t received_in_turn_max = 0;
    const io::Stream reader{loop,
                            std::move(pair.theirs),
                            {.on_data =
                                 [&](std::span<const char> bytes) {
                                     received.append(bytes.data(), bytes.size());
                                     received_in_turn += bytes.size();
                                 },
                             .on_closed = [](const auto&) {}}};
    io::Stream writer{
        loop, std::move(pair.ours), {.on_data = [](auto) {}, .on_closed = [](const auto&) {}}};
    writer.set_backlog_max(sent.size());
    CHECK(writer.write(sent).has_value());
    CHECK(run_until(loop, [&] {
        received_in_turn_max = std::max(received_in_turn_max, received_in_turn);
        received_in_turn = 0;
        return received.size() == sent.size();
    }));
    CHECK((received == sent));
    CHECK(received_in_turn_max <= io::Stream::kBytesPerTurn);
}

TEST_CASE("the other side's end comes after its last bytes, once and without error") {
    Fixture f;
    f.write_other("last words");
    f.other.reset();
    CHECK(run_until(f.loop, [&] { return f.closed_count > 0; }));
    CHECK(f.received == "last words");
    CHECK(f.closed_why.empty());
    CHECK_FALSE(f.stream->is_open());
    CHECK(f.stream->write("dropped").has_value());
    run_turn(f.loop);
    CHECK(f.closed_count == 1);
}

TEST_CASE("a peer that dies without reading is an end as well, after its last bytes") {
    Fixture f;
    CHECK(f.stream->write("never read").has_value());
    run_turn(f.loop);
    f.write_other("last words");
    f.other.reset();  // resets the connection: it had unread bytes
    CHECK(f.stream->write("into the void").has_value());
    CHECK(run_until(f.loop, [&] { return f.closed_count > 0; }));
    CHECK(f.received == "last words");
    CHECK(f.closed_why.empty());
}

TEST_CASE("a peer that only stops to read can still be heard") {
    Fixture f;
    REQUIRE(::shutdown(f.other.number(), SHUT_RD) == 0);
    CHECK(f.stream->write("nobody reads this").has_value());
    run_turn(f.loop);
    CHECK(f.closed_count == 0);
    f.write_other("still here");
    CHECK(run_until(f.loop, [&] { return !f.received.empty(); }));
}

TEST_CASE("close() ends it at once: the peer sees the end and no handler is called") {
    Fixture f;
    f.write_other("unread");
    CHECK(f.stream->write("unsent").has_value());
    f.stream->close();
    run_turn(f.loop);
    CHECK(f.received.empty());
    CHECK(f.closed_count == 0);
    const io::ReadOutcome outcome = [&] {
        std::array<char, 8> buffer;
        return io::read_some(f.other.number(), buffer);
    }();
    CHECK(outcome.size == 0);
    CHECK((outcome.is_end || outcome.errno_value == ECONNRESET));
}

TEST_CASE("close() within on_data stops what was still to come") {
    Fixture f;
    int calls = 0;
    f.on_data = [&] {
        ++calls;
        f.stream->close();
    };
    f.write_other(std::string(1000, 'x'));
    CHECK(run_until(f.loop, [&] { return calls > 0; }));
    f.stream->drain(1000);
    run_turn(f.loop);
    CHECK(calls == 1);
    CHECK(f.closed_count == 0);
}

TEST_CASE("drain hands on what is there, up to its limit, and does not wait") {
    Fixture f;
    f.write_other("0123456789");
    f.stream->drain(4);
    CHECK(f.received == "0123");
    f.stream->drain(100);
    CHECK(f.received == "0123456789");
    f.stream->drain(100);
    CHECK(f.closed_count == 0);
    f.other.reset();
    f.stream->drain(100);
    CHECK(f.closed_count == 1);
}

TEST_CASE("a reading error is reported with its cause") {
    io::Loop loop;
    std::string error;
    // The write end of a pipe polls as in error once no reader is left, and cannot be read.
    io::Pipe pipe = io::make_pipe().value();
    pipe.read_end.reset();
    bool is_closed = false;
    const io::Stream stream{loop,
                            std::move(pipe.write_end),
                            {.on_data = [](auto) {},
                             .on_closed =
                                 [&](const std::optional<base::Error>& why) {
                                     if (why) error = why->message;
                                     is_closed = true;
                                 }}};
    CHECK(run_until(loop, [&] { return is_closed; }));
    CHECK(error == "reading a stream: Bad file descriptor");
}
