// What is loaded at the start, what is tried again, and what is missed meanwhile.
#include "daemon/preloads.h"

#include <doctest/doctest.h>

#include "io/testing/run_until.h"

using namespace std::chrono_literals;
namespace base = windlass::base;
namespace http = windlass::http;
namespace io = windlass::io;
using windlass::daemon::Preloads;

namespace {

// Loads that are not over.
struct Orders {
    std::map<std::string, http::ModelReply> open;

    void answer(const std::string& model, base::Result<http::ModelStatus> result) {
        auto reply = std::move(open.extract(model).mapped());
        reply("r1", std::move(result));
    }
    Preloads::Order taker() {
        return [this](const std::string& model, http::ModelReply reply) {
            CHECK(open.emplace(model, std::move(reply)).second);
        };
    }
};

std::string missed(const Preloads& preloads) {
    const auto unready = preloads.unready();
    if (!unready) return "";
    CHECK(unready->error.code == base::Errc::unavailable);
    CHECK(unready->error.reason == "preload");
    CHECK(unready->error.message.find(unready->model) != std::string::npos);
    return unready->model;
}

}  // namespace

TEST_CASE("what is to be loaded is missed until it was ready") {
    io::Loop loop;
    Orders orders;
    Preloads preloads{loop, orders.taker()};
    CHECK(missed(preloads).empty());
    preloads.start({"b", "a"});
    CHECK(orders.open.size() == 2);
    CHECK(missed(preloads) == "a");
    orders.answer("a", http::ModelStatus{});
    CHECK(missed(preloads) == "b");
    orders.answer("b", http::ModelStatus{});
    CHECK(missed(preloads).empty());
}

TEST_CASE("a load that fails is tried again, and says why meanwhile") {
    io::Loop loop;
    Orders orders;
    Preloads preloads{loop, orders.taker(), {.first = 1ms, .max = 1ms}};
    preloads.start({"a", "b"});
    orders.answer("a", base::fail(base::Errc::worker_lost, "it fell over"));
    CHECK(missed(preloads) == "a");
    const auto unready = preloads.unready();
    CHECK(unready.value_or(http::Unready{}).error.message.find("it fell over") !=
          std::string::npos);
    orders.answer("b", base::fail(base::Errc::worker_lost, "this one, too"));
    CHECK(io::testing::run_until(loop, [&] { return orders.open.size() == 2; }));
    orders.answer("a", http::ModelStatus{});
    orders.answer("b", http::ModelStatus{});
    CHECK(missed(preloads).empty());
}

TEST_CASE("each pause of a model is twice the one before") {
    io::Loop loop;
    Orders orders;
    Preloads preloads{loop, orders.taker(), {.first = 10ms, .max = 1h}};
    preloads.start({"a"});
    for (const base::Duration pause : {10ms, 20ms, 40ms, 80ms}) {
        const base::Instant failed_at = loop.now();
        orders.answer("a", base::fail(base::Errc::worker_lost, "it falls over"));
        REQUIRE(io::testing::run_until(loop, [&] { return orders.open.contains("a"); }));
        CHECK(loop.now() - failed_at >= pause);
    }
    orders.answer("a", http::ModelStatus{});
    CHECK(missed(preloads).empty());
}

TEST_CASE("a pause does not grow beyond its maximum") {
    io::Loop loop;
    Orders orders;
    Preloads preloads{loop, orders.taker(), {.first = 1ms, .max = 2ms}};
    preloads.start({"a"});
    for (int i = 0; i < 30; ++i) {  // twelve days, if every one were twice the one before
        orders.answer("a", base::fail(base::Errc::worker_lost, "it falls over"));
        REQUIRE(io::testing::run_until(loop, [&] { return orders.open.contains("a"); }));
    }
}

TEST_CASE("a model that was removed is missed by nobody") {
    io::Loop loop;
    Orders orders;
    Preloads preloads{loop, orders.taker()};
    preloads.start({"a"});
    orders.answer("a", base::fail(base::Errc::not_found, "there is no model a"));
    CHECK(missed(preloads).empty());
}
