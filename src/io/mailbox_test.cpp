// Values between threads, and how they wake a loop.
#include "io/mailbox.h"

#include <doctest/doctest.h>

#include <memory>
#include <thread>
#include <vector>

#include "io/bell.h"
#include "io/testing/run_until.h"

using namespace std::chrono_literals;
namespace io = windlass::io;

TEST_CASE("values come out in the order in which they went in") {
    io::Mailbox<int> box{10};
    for (int value = 1; value <= 5; ++value) CHECK(box.post(int{value}));
    CHECK(box.wait(2) == std::vector{1, 2});
    CHECK(box.take() == std::vector{3, 4, 5});
    CHECK(box.take().empty());
    CHECK(box.wait_for(1ms).empty());
}

TEST_CASE("a mailbox that is full or closed leaves the value to its sender") {
    io::Mailbox<std::unique_ptr<int>> box{1};
    CHECK(box.post(std::make_unique<int>(1)));
    auto second = std::make_unique<int>(2);
    CHECK_FALSE(box.post(std::move(second)));
    REQUIRE(second != nullptr);  // NOLINT(bugprone-use-after-move): that it was not moved is the
                                 // subject
    box.close();
    CHECK(box.wait(1).size() == 1);
    CHECK(box.wait(1).empty());
    CHECK_FALSE(box.post(std::move(second)));
}

TEST_CASE("whoever waits is woken by a value and by the end") {
    io::Mailbox<int> orders{100};
    io::Mailbox<int> answers{100};
    const std::jthread worker{[&] {
        for (auto some = orders.wait(7); !some.empty(); some = orders.wait(7)) {
            for (const int order : some) answers.post(2 * order);
        }
        answers.close();
    }};
    for (int order = 1; order <= 50; ++order) CHECK(orders.post(int{order}));
    orders.close();
    int sum = 0;
    for (auto some = answers.wait_for(30s); !some.empty(); some = answers.wait_for(30s)) {
        for (const int answer : some) sum += answer;
    }
    CHECK(sum == 50 * 51);
}

TEST_CASE("a bell wakes the loop for what another thread has posted") {
    io::Loop loop;
    io::Mailbox<int> box{1000};
    int sum = 0;
    auto bell = io::Bell::make(loop, [&] {
        for (const int value : box.take()) sum += value;
    });
    REQUIRE(bell);
    const std::jthread worker{[&box, rope = (*bell)->rope()] {
        for (int value = 1; value <= 100; ++value) {
            box.post(2 * value);
            rope.pull();
        }
    }};
    CHECK(io::testing::run_until(loop, [&] { return sum == 10'100; }));
}

TEST_CASE("a rope outlives its bell") {
    io::Loop loop;
    int count = 0;
    auto bell = io::Bell::make(loop, [&] { ++count; });
    REQUIRE(bell);
    const io::Bell::Rope rope = (*bell)->rope();
    rope.pull();
    CHECK(io::testing::run_until(loop, [&] { return count == 1; }));
    bell->reset();
    rope.pull();
    io::testing::run_turn(loop);
    CHECK(count == 1);
}
