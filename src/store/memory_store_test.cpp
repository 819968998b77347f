// The store that keeps nothing, under the contract of all.
#include "store/testing/memory_store.h"

#include <doctest/doctest.h>

#include "store/testing/event_contract.h"
#include "store/testing/store_contract.h"

namespace store = windlass::store;

TEST_CASE("a store in memory keeps the contract of stores") {
    const store::testing::MakeStore make = [](windlass::io::Loop& loop, const std::string&) {
        return std::make_unique<store::testing::MemoryStore>(loop);
    };
    SUBCASE("what is kept") { store::testing::check_what_is_kept(make); }
    SUBCASE("answers") { store::testing::check_answers(make); }
    SUBCASE("events are kept") { store::testing::check_events_are_kept(make); }
    SUBCASE("events are found") { store::testing::check_events_are_found(make); }
}

TEST_CASE("a store that is gone answers nobody") {
    windlass::io::Loop loop;
    auto gone = std::make_unique<store::testing::MemoryStore>(loop);
    gone->forget_peaks({}, [](const auto&) { FAIL("answered"); });
    gone.reset();
    windlass::io::testing::run_turn(loop);
}
