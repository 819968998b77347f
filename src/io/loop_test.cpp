// The order of a turn, and that nothing holds it up.
#include "io/loop.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "io/stream.h"
#include "io/testing/run_until.h"
#include "io/timer.h"

using namespace std::chrono_literals;
namespace io = windlass::io;
namespace base = windlass::base;
using io::testing::run_turn;
using io::testing::run_until;

TEST_CASE("a turn is inputs, then time, then what was deferred") {
    io::Loop loop;
    std::vector<std::string> order;
    loop.defer([&] { order.push_back("deferred"); });
    loop.post([&] {
        order.push_back("first");
        loop.post([&] { order.push_back("second"); });
        loop.defer([&] { order.push_back("deferred by an input"); });
    });
    loop.run([&](base::Instant) -> std::optional<base::Instant> {
        order.push_back("time");
        loop.defer([&] { order.push_back("deferred by time"); });
        loop.stop();
        return std::nullopt;
    });
    CHECK(order == std::vector<std::string>{"first", "second", "time", "deferred",
                                            "deferred by an input", "deferred by time"});
}

TEST_CASE("a post never runs its task at once") {
    io::Loop loop;
    bool is_run = false;
    loop.post([&] { is_run = true; });
    CHECK_FALSE(is_run);
    run_turn(loop);
    CHECK(is_run);
}

TEST_CASE("all inputs that are ready come before time") {
    io::Loop loop;
    int received = 0;
    std::vector<std::unique_ptr<io::Stream>> streams;
    std::vector<io::FileDescriptor> others;
    for (int index = 0; index < 300; ++index) {  // more than epoll reports at once
        io::SocketPair pair = io::make_socket_pair().value();
        streams.push_back(
            std::make_unique<io::Stream>(loop, std::move(pair.ours),
                                         io::StreamHandlers{.on_data = [&](auto) { ++received; },
                                                            .on_closed = [](const auto&) {}}));
        others.push_back(std::move(pair.theirs));
    }
    for (const io::FileDescriptor& other : others) REQUIRE(::write(other.number(), "x", 1) == 1);
    int received_before_time = 0;
    loop.run([&](base::Instant) -> std::optional<base::Instant> {
        received_before_time = received;
        loop.stop();
        return std::nullopt;
    });
    CHECK(received_before_time == 300);
}

TEST_CASE("an input that never dries up does not hold back time") {
    io::Loop loop;
    std::function<void()> again = [&] { loop.post([&] { again(); }); };
    again();
    int turns = 0;
    loop.run([&](base::Instant) -> std::optional<base::Instant> {
        if (++turns == 3) loop.stop();
        return std::nullopt;
    });
    CHECK(turns == 3);
}

TEST_CASE("the deadline ends the sleep, and not before") {
    io::Loop loop;
    const base::Instant begin = loop.now();
    int turns = 0;
    loop.run([&](base::Instant now) -> std::optional<base::Instant> {
        ++turns;
        if (now >= begin + 30ms) loop.stop();
        return begin + 30ms;
    });
    CHECK(loop.now() >= begin + 30ms);
    CHECK(turns == 2);
}

TEST_CASE("what a turn took is told, and what of it was not spent waiting for inputs") {
    io::Loop loop;
    int turn = 0;
    loop.run([&](base::Instant now) -> std::optional<base::Instant> {
        if (++turn == 1) {
            loop.defer([&loop, until = now + 30ms] {
                while (loop.now() < until) continue;
            });
            return now + 5ms;
        }
        if (turn == 2) {
            CHECK(loop.turn_took() >= 30ms);
            CHECK(loop.deaf_for() == loop.turn_took());  // the deadline came while it was busy
            return now + 20ms;
        }
        CHECK(loop.turn_took() >= 20ms);
        CHECK(loop.turn_took() - loop.deaf_for() <= 20ms);  // it meant to sleep for so long
        loop.stop();
        return std::nullopt;
    });
    CHECK(turn == 3);
}

TEST_CASE("a deadline of long ago or of never is fine") {
    io::Loop loop;
    int turns = 0;
    loop.run([&](base::Instant) -> std::optional<base::Instant> {
        if (++turns == 2) loop.post([&] { loop.stop(); });
        return turns == 1 ? base::Instant{} : base::Instant::max();
    });
    CHECK(turns == 3);
}

TEST_CASE("what is deferred while the deferred runs comes in the next turn, without sleep") {
    io::Loop loop;
    int turn = 0;
    int ran_in_turn = 0;
    loop.run([&](base::Instant) -> std::optional<base::Instant> {
        if (++turn == 1) {
            loop.defer([&] { loop.defer([&] { ran_in_turn = turn; }); });
        } else {
            loop.stop();
        }
        return std::nullopt;
    });
    CHECK(ran_in_turn == 2);
}

TEST_CASE("a loop can be run again after it was stopped") {
    io::Loop loop;
    run_turn(loop);
    bool is_run = false;
    loop.post([&] { is_run = true; });
    run_turn(loop);
    CHECK(is_run);
}

TEST_CASE("a timer calls back once, and not after it was stopped, set anew or destroyed") {
    io::Loop loop;
    int calls = 0;
    io::Timer timer{loop, [&] { ++calls; }};
    int others = 0;
    io::Timer stopped{loop, [&] { ++others; }};
    auto destroyed = std::make_unique<io::Timer>(loop, [&] { ++others; });
    stopped.start(0s);
    stopped.stop();
    destroyed->start(0s);
    destroyed.reset();
    timer.start(0s);
    timer.start(20ms);
    const base::Instant begin = loop.now();
    CHECK(run_until(loop, [&] { return calls == 1; }));
    CHECK(loop.now() >= begin + 20ms);
    run_turn(loop);
    CHECK(calls == 1);
    CHECK(others == 0);
}

TEST_CASE("a timer may be destroyed by its own callback") {
    io::Loop loop;
    std::unique_ptr<io::Timer> timer;
    timer = std::make_unique<io::Timer>(loop, [&] { timer.reset(); });
    timer->start(0s);
    CHECK(run_until(loop, [&] { return timer == nullptr; }));
}
