// What is called back when, and that what nobody waits for does not keep the loop awake.
#include "io/readiness.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "io/loop.h"
#include "io/testing/run_until.h"

using namespace std::chrono_literals;
namespace io = windlass::io;
namespace base = windlass::base;
using io::testing::run_turn;
using io::testing::run_until;

namespace {

// One that is read from, and the end that makes it readable.
struct Pair {
    explicit Pair(io::Loop& loop) : Pair(loop, io::make_socket_pair().value()) {}
    Pair(io::Loop& loop, io::SocketPair pair)
        : ours(std::make_unique<io::Readiness>(loop, std::move(pair.ours))),
          theirs(std::move(pair.theirs)) {}
    void send() const { REQUIRE(::write(theirs.number(), "x", 1) == 1); }

    std::unique_ptr<io::Readiness> ours;
    io::FileDescriptor theirs;
};

// How often the loop turns while nothing happens that anybody waits for.
int count_turns(io::Loop& loop, base::Duration limit) {
    const base::Instant end = loop.now() + limit;
    int turns = 0;
    loop.run([&](base::Instant now) -> std::optional<base::Instant> {
        ++turns;
        if (now >= end) loop.stop();
        return end;
    });
    return turns;
}

// The first one, the one that finds what nobody waits for, and the last one.
constexpr int kQuietTurnsMax = 3;

}  // namespace

TEST_CASE("each wait is called back once, also when the descriptor stays readable") {
    io::Loop loop;
    const Pair pair{loop};
    int calls = 0;
    pair.send();
    pair.ours->when_readable([&] { ++calls; });
    CHECK(run_until(loop, [&] { return calls == 1; }));
    run_turn(loop);
    CHECK(calls == 1);
    pair.ours->when_readable([&] { ++calls; });
    CHECK(run_until(loop, [&] { return calls == 2; }));
}

TEST_CASE("what arrives while nobody waits wakes nobody, and is there for the next wait") {
    io::Loop loop;
    const Pair pair{loop};
    int calls = 0;
    pair.ours->when_readable([&] { ++calls; });
    pair.send();
    CHECK(run_until(loop, [&] { return calls == 1; }));
    pair.send();
    CHECK(count_turns(loop, 30ms) <= kQuietTurnsMax);
    pair.ours->when_readable([&] { ++calls; });
    CHECK(run_until(loop, [&] { return calls == 2; }));
}

TEST_CASE("a hang-up that nobody waits for does not keep the loop awake") {
    io::Loop loop;
    Pair pair{loop};
    int calls = 0;
    pair.ours->when_readable([&] { ++calls; });
    pair.theirs.reset();
    CHECK(run_until(loop, [&] { return calls == 1; }));
    CHECK(count_turns(loop, 30ms) <= kQuietTurnsMax);
    pair.ours->when_readable([&] { ++calls; });
    pair.ours->when_writable([&] { ++calls; });
    CHECK(run_until(loop, [&] { return calls == 3; }));
}

TEST_CASE("room to write is told to who waits for it, and to nobody afterwards") {
    io::Loop loop;
    const Pair pair{loop};
    int readable = 0;
    int writable = 0;
    pair.ours->when_readable([&] { ++readable; });
    pair.ours->when_writable([&] { ++writable; });
    CHECK(run_until(loop, [&] { return writable == 1; }));
    CHECK(count_turns(loop, 30ms) <= kQuietTurnsMax);
    CHECK(readable == 0);
    pair.send();
    CHECK(run_until(loop, [&] { return readable == 1; }));
    CHECK(writable == 1);
}

TEST_CASE("who is destroyed or closed by a callback is not called back any more") {
    io::Loop loop;
    std::vector<Pair> pairs;
    int calls = 0;
    for (int index = 0; index < 3; ++index) {
        pairs.emplace_back(loop).send();
        pairs.back().ours->when_writable([&] { FAIL("it was called back after its end"); });
        pairs.back().ours->when_readable([&] {
            ++calls;
            pairs[0].ours.reset();
            pairs[1].ours->close();
            pairs[2].ours.reset();
        });
    }
    CHECK(run_until(loop, [&] { return calls == 1; }));
    run_turn(loop);
    CHECK(calls == 1);
}

TEST_CASE("a number that is used again belongs to its new owner alone") {
    io::Loop loop;
    auto former = std::make_unique<Pair>(loop);
    former->ours->when_readable([&] { FAIL("the former owner was called back"); });
    former->send();
    const int number = former->ours->descriptor();
    former->ours.reset();
    const Pair pair{loop};
    CHECK(pair.ours->descriptor() == number);
    bool is_called = false;
    pair.ours->when_readable([&] { is_called = true; });
    run_turn(loop);
    CHECK_FALSE(is_called);
    pair.send();
    CHECK(run_until(loop, [&] { return is_called; }));
}
