// Which thread reads, and when that changes.
#include "sdk/reader_role.h"

#include <doctest/doctest.h>

#include <latch>
#include <thread>
#include <utility>

using windlass::sdk::ReaderRole;
using Watch = ReaderRole::Watch;

namespace {

bool is_idle() { return true; }
bool is_busy() { return false; }

struct Fixture {
    // What take() says in a thread that waits for the role, once `change` was done.
    template <class Change>
    bool take_after(const Change& change) {
        std::latch waits{1};
        bool is_taken = false;
        {
            const std::jthread running{[&] {
                bool is_first = true;
                is_taken = role.take([&] {
                    if (std::exchange(is_first, false)) waits.count_down();
                    return true;
                });
            }};
            waits.wait();
            change();
        }
        return is_taken;
    }

    // From the channel's thread, which has it at first.
    void take() {
        REQUIRE(take_after([this] { role.yield(); }));
        REQUIRE_FALSE(role.is_with_channel());
    }

    ReaderRole role;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "the channel's thread reads until the other one waits to do so") {
    role.yield();
    CHECK(role.is_with_channel());
    take();
    role.yield();
    CHECK_FALSE(role.is_with_channel());
}

TEST_CASE_FIXTURE(Fixture, "who has something to do does not wait for the role") {
    CHECK_FALSE(role.take(is_busy));
    role.yield();
    CHECK(role.is_with_channel());
}

TEST_CASE_FIXTURE(Fixture, "work that still goes on at a look gives the role to the channel") {
    take();
    CHECK(role.release() == Watch::needed);
    CHECK(role.look() == Watch::not_needed);
    CHECK(role.is_with_channel());
    CHECK_FALSE(role.take(is_busy));
    CHECK(role.look() == Watch::not_needed);
    CHECK(role.is_with_channel());
    take();
}

TEST_CASE_FIXTURE(Fixture, "work that is newer than the watch is looked at once more") {
    take();
    CHECK(role.release() == Watch::needed);
    CHECK(role.take(is_idle));
    CHECK(role.release() == Watch::not_needed);
    CHECK(role.look() == Watch::needed);
    CHECK_FALSE(role.is_with_channel());
    CHECK(role.look() == Watch::not_needed);
    CHECK(role.is_with_channel());
}

TEST_CASE_FIXTURE(Fixture, "a look at a thread that reads ends the watch") {
    take();
    CHECK(role.release() == Watch::needed);
    CHECK(role.take(is_idle));
    CHECK(role.look() == Watch::not_needed);
    CHECK_FALSE(role.is_with_channel());
    CHECK(role.release() == Watch::needed);
}

TEST_CASE_FIXTURE(Fixture, "the role can be handed over, and nobody waits for one that is closed") {
    take();
    role.hand_over();
    CHECK(role.is_with_channel());
    CHECK_FALSE(take_after([this] { role.close(); }));
    CHECK_FALSE(role.take(is_idle));
}
