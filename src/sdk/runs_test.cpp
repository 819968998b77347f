// Who may begin which run.
#include "sdk/runs.h"

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace sdk = windlass::sdk;

namespace {

struct Fixture {
    sdk::Runs::Added add(std::uint64_t id) {
        return runs.add(std::make_unique<sdk::Run>(id, "body", "text/plain", outbox));
    }

    sdk::Outbox outbox{-1};  // nothing is written here
    sdk::Runs runs;
};

// Threads that take runs until there are no more, and count them.
class Pool {
  public:
    // `work` is what each run does.
    Pool(sdk::Runs& runs, std::size_t size, std::function<void(Pool&)> work)
        : runs_(runs), work_(std::move(work)) {
        for (std::size_t i = 0; i < size; ++i) threads_.emplace_back([this] { take_all(); });
    }
    ~Pool() { runs_.close(); }
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    // False: not within a minute.
    bool wait_until_taken(std::size_t count) {
        std::unique_lock lock{mutex_};
        return changed_.wait_for(lock, std::chrono::minutes{1},
                                 [this, count] { return taken_ >= count; });
    }

  private:
    void take_all() {
        while (sdk::Run* const run = runs_.take()) {
            {
                const std::lock_guard lock{mutex_};
                ++taken_;
                changed_.notify_all();
            }
            work_(*this);
            runs_.finish(*run);
        }
    }

    sdk::Runs& runs_;
    std::function<void(Pool&)> work_;
    std::mutex mutex_;  // guards the next two
    std::condition_variable changed_;
    std::size_t taken_ = 0;
    std::vector<std::jthread> threads_;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "of runs that come together each has a thread, as far as there are") {
    constexpr std::size_t kCount = 8;
    Pool pool{runs, kCount, [](Pool& self) { self.wait_until_taken(kCount); }};
    for (std::uint64_t id = 1; id <= kCount; ++id) CHECK(add(id) == sdk::Runs::Added::yes);
    CHECK(pool.wait_until_taken(kCount));
}

TEST_CASE_FIXTURE(Fixture, "no run waits while a thread does, however they meet") {
    constexpr std::size_t kCount = 20'000;
    Pool pool{runs, 3, [](Pool&) {}};
    for (std::uint64_t id = 1; id <= kCount; ++id) {
        REQUIRE(add(id) == sdk::Runs::Added::yes);
        // Now and then all of them are asleep when the next comes.
        if (id % 5 == 0) REQUIRE(pool.wait_until_taken(id));
    }
    CHECK(pool.wait_until_taken(kCount));
}

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
