// Who may begin which run.
#include "sdk/runs.h"

#include <doctest/doctest.h>

namespace sdk = windlass::sdk;

namespace {

struct Fixture {
    sdk::Runs::Added add(std::uint64_t id) {
        return runs.add(std::make_unique<sdk::Run>(id, "body", "text/plain", outbox));
    }

    sdk::Outbox outbox{-1};  // nothing is written here
    sdk::Runs runs;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "runs begin in the order in which they came") {
    for (const std::uint64_t id : {7U, 3U, 5U}) CHECK(add(id) == sdk::Runs::Added::yes);
    for (const std::uint64_t id : {7U, 3U, 5U}) {
        sdk::Run* const run = runs.take();
        REQUIRE(run != nullptr);
        CHECK(run->id == id);
        CHECK(runs.has_begun());
        runs.finish(*run);
    }
    CHECK(runs.try_take() == nullptr);
    CHECK_FALSE(runs.has_begun());
}

TEST_CASE_FIXTURE(Fixture, "the weights are moved between runs only, and no run begins meanwhile") {
    using Added = sdk::Runs::Added;
    using Ordered = sdk::Runs::Ordered;
    CHECK(runs.order_move(sdk::Move::restore) == Ordered::there);
    add(1);
    CHECK(runs.order_move(sdk::Move::offload) == Ordered::busy);
    sdk::Run* const run = runs.take_next().run;
    REQUIRE(run != nullptr);
    CHECK(runs.order_move(sdk::Move::offload) == Ordered::busy);
    run->is_answered = true;  // though its answer may still be on its way
    CHECK(runs.is_idle());
    CHECK(runs.order_move(sdk::Move::offload) == Ordered::yes);
    CHECK_FALSE(runs.is_idle());
    runs.finish(*run);
    CHECK(add(2) == Added::moving);
    CHECK(runs.take_next().move == sdk::Move::offload);
    CHECK(runs.is_idle());
    CHECK(runs.order_move(sdk::Move::offload) == Ordered::open);
    CHECK(add(2) == Added::moving);
    runs.finish_move(true);
    CHECK(add(2) == Added::offloaded);
    CHECK(runs.order_move(sdk::Move::offload) == Ordered::there);
    CHECK(runs.order_move(sdk::Move::restore) == Ordered::yes);
    CHECK(runs.wait_for_move() == sdk::Move::restore);
    runs.finish_move(false);  // it failed
    CHECK(add(2) == Added::offloaded);
    CHECK(runs.order_move(sdk::Move::restore) == Ordered::yes);
    CHECK(runs.take_next().move == sdk::Move::restore);
    runs.finish_move(true);
    CHECK(add(2) == Added::yes);
}

TEST_CASE_FIXTURE(Fixture, "a worker rests once everything is answered and moved, until it ends") {
    CHECK(runs.is_resting());
    add(1);
    CHECK_FALSE(runs.is_resting());
    sdk::Run* const run = runs.take();
    CHECK_FALSE(runs.is_resting());
    run->is_answered = true;
    CHECK(runs.is_resting());
    runs.finish(*run);
    runs.order_move(sdk::Move::offload);
    CHECK_FALSE(runs.is_resting());
    runs.take_next();
    CHECK_FALSE(runs.is_resting());
    runs.finish_move(true);
    CHECK(runs.is_resting());
    runs.close();
    CHECK_FALSE(runs.is_resting());
}

TEST_CASE_FIXTURE(Fixture, "a move that nobody took is told of at the end") {
    CHECK(runs.order_move(sdk::Move::offload) == sdk::Runs::Ordered::yes);
    runs.close();
    CHECK(runs.take_next().move == std::nullopt);
    CHECK(runs.wait_for_move() == std::nullopt);
    CHECK(runs.recall_move());
    CHECK_FALSE(runs.recall_move());
    sdk::Runs closed;
    closed.close();
    CHECK(closed.order_move(sdk::Move::offload) == sdk::Runs::Ordered::closed);
}

TEST_CASE_FIXTURE(Fixture, "an id is in use until its run is answered or recalled") {
    add(1);
    CHECK(add(1) == sdk::Runs::Added::id_in_use);
    sdk::Run* const run = runs.take();
    CHECK(add(1) == sdk::Runs::Added::id_in_use);
    runs.finish(*run);
    CHECK(add(1) == sdk::Runs::Added::yes);
    CHECK(runs.recall(1));
    CHECK(add(1) == sdk::Runs::Added::yes);
}

TEST_CASE_FIXTURE(Fixture, "only what has not begun can be recalled; both can be cancelled") {
    add(1);
    add(2);
    sdk::Run* const begun = runs.take();
    CHECK_FALSE(runs.recall(1));
    runs.cancel(1);
    CHECK(begun->request.cancelled());
    runs.cancel(2);
    runs.cancel(99);
    CHECK(runs.recall(2));
    CHECK_FALSE(runs.recall(2));
    CHECK(runs.try_take() == nullptr);
}

TEST_CASE_FIXTURE(Fixture, "nothing begins once it is closed, and what waits is given back") {
    add(1);
    add(2);
    runs.close();
    CHECK(add(3) == sdk::Runs::Added::closed);
    CHECK(runs.take() == nullptr);
    CHECK(runs.recall_all() == std::vector<std::uint64_t>{1, 2});
    CHECK(runs.wait_until_over());
}

TEST_CASE_FIXTURE(Fixture, "the end does not wait beyond its limit for a run that goes on") {
    add(1);
    sdk::Run* const run = runs.take();
    runs.close(std::chrono::steady_clock::now());
    CHECK_FALSE(runs.wait_until_over());
    runs.finish(*run);
    CHECK(runs.wait_until_over());
}
