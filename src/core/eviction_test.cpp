// Who makes room: feasible first, then the least missed.
#include "core/eviction.h"

#include <doctest/doctest.h>

#include <vector>

namespace core = windlass::core;
using core::DeviceId;
using core::Eviction;
using core::ModelId;
using core::Movable;
using core::ReplicaId;
using core::Room;
using namespace std::chrono_literals;
using namespace windlass::base;  // _MiB, _GiB

namespace {

ReplicaId model(std::uint64_t number) { return {ModelId{number}, 0}; }

Movable idle(std::uint64_t number, Bytes frees, Duration idle_for, Duration cost = 1s) {
    return {.replica = model(number), .frees = frees, .idle_for = idle_for, .cost = cost};
}

std::vector<ReplicaId> movers(const std::vector<Room>& rooms) {
    const auto plan = core::plan_eviction(rooms);
    return plan ? plan->movers : std::vector<ReplicaId>{};
}

using Movers = std::vector<ReplicaId>;

}  // namespace

TEST_CASE("nobody moves unless the moves add up to a place that fits") {
    const std::vector<Room> rooms{
        {DeviceId{1}, 6_GiB, false, {idle(1, 2_GiB, 1h), idle(2, 3_GiB, 2h)}}};
    CHECK_FALSE(core::plan_eviction(rooms));
    CHECK_FALSE(core::plan_eviction({}));
}

TEST_CASE("what is on its way back is enough: a place, and nobody moves") {
    const std::vector<Room> rooms{{DeviceId{2}, 0_GiB, false, {idle(1, 2_GiB, 1h)}}};
    const auto plan = core::plan_eviction(rooms);
    REQUIRE(plan);
    CHECK(plan->device == DeviceId{2});
    CHECK(plan->movers.empty());
}

TEST_CASE("the one that idles for longest goes, if they cost the same to bring back") {
    CHECK(movers({{DeviceId{1},
                   2_GiB,
                   false,
                   {idle(1, 2_GiB, 10s), idle(2, 2_GiB, 40s), idle(3, 2_GiB, 30s)}}}) ==
          Movers{model(2)});
}

TEST_CASE("cost weighs against recency: a dear one stays although it idles for longer") {
    CHECK(movers({{DeviceId{1}, 2_GiB, false, {idle(1, 2_GiB, 60s, 60s), idle(2, 2_GiB, 20s)}}}) ==
          Movers{model(2)});
}

TEST_CASE("whoever need not go once a larger one goes, stays") {
    CHECK(movers({{DeviceId{1}, 6_GiB, false, {idle(1, 1_GiB, 60s), idle(2, 6_GiB, 20s)}}}) ==
          Movers{model(2)});
    CHECK(movers({{DeviceId{1}, 7_GiB, false, {idle(1, 1_GiB, 60s), idle(2, 6_GiB, 20s)}}}) ==
          Movers{model(2), model(1)});
}

TEST_CASE("one at work goes only where nobody idles") {
    CHECK(movers({{DeviceId{1}, 2_GiB, false, {idle(1, 2_GiB, 0s), idle(2, 2_GiB, 5s, 1h)}}}) ==
          Movers{model(2)});
    CHECK(movers({{DeviceId{1}, 2_GiB, false, {idle(1, 2_GiB, 0s)}}}) == Movers{model(1)});
}

TEST_CASE("of two devices, the one whose movers will be missed least") {
    const auto plan =
        core::plan_eviction(std::vector<Room>{{DeviceId{1}, 2_GiB, false, {idle(1, 2_GiB, 5s)}},
                                              {DeviceId{2}, 2_GiB, false, {idle(2, 2_GiB, 50s)}}});
    REQUIRE(plan);
    CHECK(plan->device == DeviceId{2});
    CHECK(plan->movers == Movers{model(2)});
}

TEST_CASE("who needs all of a device moves all that can move there") {
    CHECK(movers({{DeviceId{1}, 0_GiB, true, {idle(1, 1_GiB, 5s), idle(2, 1_GiB, 9s)}}}) ==
          Movers{model(1), model(2)});
}

TEST_CASE("one beside whom nobody may be must go, however much is free") {
    Movable alone = idle(2, 3_GiB, 1s);
    alone.is_alone = true;
    CHECK(movers({{DeviceId{1}, 0_GiB, false, {idle(1, 2_GiB, 1h), alone}}}) == Movers{model(2)});
    CHECK(movers({{DeviceId{1}, 4_GiB, false, {idle(1, 2_GiB, 1h), alone}}}) ==
          Movers{model(2), model(1)});
}
