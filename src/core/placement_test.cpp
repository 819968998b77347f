// Where a copy goes, and what is said when it can go nowhere.
#include "core/placement.h"

#include <doctest/doctest.h>

#include <vector>

namespace core = windlass::core;
using core::Bytes;
using core::Candidate;
using core::DeviceId;
using core::DeviceLedger;
using core::Generation;
using core::Need;
using core::NeedKind;
using core::Placed;
using core::Shortage;
using core::UnknownMemory;
using namespace windlass::base;  // _MiB, _GiB

namespace {

DeviceLedger device_with(Bytes capacity, Bytes used) {
    DeviceLedger ledger{capacity, 512_MiB};
    ledger.measure({.used = used, .own = {}, .own_known = true, .sequence = 1});
    return ledger;
}

core::Placement place_on(const std::vector<DeviceLedger>& ledgers, const Need& need,
                         UnknownMemory policy = UnknownMemory::refuse) {
    std::vector<Candidate> candidates;
    candidates.reserve(ledgers.size());
    for (const DeviceLedger& ledger : ledgers)
        candidates.push_back({DeviceId{candidates.size() + 1}, &ledger, 0});
    return core::place(need, candidates, policy);
}

Need bytes(Bytes count) { return {NeedKind::bytes, count, 0}; }

DeviceId chosen(const core::Placement& placement) {
    const auto* placed = std::get_if<Placed>(&placement);
    return placed == nullptr ? DeviceId{} : placed->device;
}

}  // namespace

TEST_CASE("the device that fits best is taken, so that large holes stay large") {
    const std::vector ledgers{device_with(24_GiB, 2_GiB), device_with(24_GiB, 16_GiB),
                              device_with(24_GiB, 20_GiB)};
    CHECK(chosen(place_on(ledgers, bytes(6_GiB))) == DeviceId{2});
    CHECK(chosen(place_on(ledgers, bytes(3_GiB))) == DeviceId{3});
    CHECK(chosen(place_on(ledgers, bytes(10_GiB))) == DeviceId{1});
}

TEST_CASE("[A3.4] copies of one model are spread before the best fit is asked for") {
    const std::vector ledgers{device_with(24_GiB, 2_GiB), device_with(24_GiB, 16_GiB)};
    const std::vector<Candidate> candidates{{DeviceId{1}, ledgers.data(), 0},
                                            {DeviceId{2}, &ledgers[1], 1}};
    CHECK(chosen(core::place(bytes(6_GiB), candidates, UnknownMemory::refuse)) == DeviceId{1});
}

TEST_CASE("a share is one of what may be given away, so that 100 % fit on an empty device") {
    const std::vector ledgers{device_with(10_GiB, 1_GiB), device_with(20_GiB, 11_GiB)};
    const auto placed = std::get<Placed>(place_on(ledgers, {NeedKind::share, {}, 4'000}));
    CHECK(placed.device == DeviceId{2});
    CHECK(placed.claim == Bytes{(20_GiB - 512_MiB).count() * 4 / 10});
    const Need whole{NeedKind::share, {}, 10'000};
    const auto alone = std::get<Placed>(place_on({device_with(10_GiB, 0_GiB)}, whole));
    CHECK(alone.claim == 10_GiB - 512_MiB);
    CHECK_FALSE(std::get<Shortage>(place_on(ledgers, whole)).is_for_ever);
}

TEST_CASE("what needs all of a device gets an empty one, alone") {
    std::vector ledgers{device_with(24_GiB, 0_GiB), device_with(24_GiB, 1_GiB)};
    const Need all{NeedKind::all, {}, 0};
    const auto first = std::get<Placed>(place_on(ledgers, all));
    CHECK(first.device == DeviceId{1});
    CHECK(first.claim == 24_GiB - 512_MiB);
    CHECK(first.is_exclusive);
    ledgers[0].claim(Generation{1}, 1_GiB, false);
    CHECK(chosen(place_on(ledgers, all)) == DeviceId{2});
    ledgers[1].claim(Generation{2}, 1_GiB, true);
    CHECK(chosen(place_on(ledgers, all)) == DeviceId{});
    CHECK(chosen(place_on(ledgers, bytes(1_GiB))) == DeviceId{1});  // the second is closed
}

TEST_CASE("an unknown need goes where most is free, alone loading there, and claims all of it") {
    std::vector ledgers{device_with(24_GiB, 4_GiB), device_with(24_GiB, 2_GiB)};
    const auto placed = std::get<Placed>(place_on(ledgers, {}));
    CHECK(placed.device == DeviceId{2});
    CHECK(placed.claim == 24_GiB - 2_GiB - 512_MiB);
    CHECK(placed.is_exclusive);
    ledgers[1].claim(Generation{1}, 1_GiB, false);  // loads
    CHECK(chosen(place_on(ledgers, {})) == DeviceId{1});
    ledgers[1].mark_loaded(Generation{1}, 0);
    CHECK(chosen(place_on(ledgers, {})) == DeviceId{2});
}

TEST_CASE("unknown memory refuses unless the policy admits, and comes after what is known") {
    const std::vector unknown{DeviceLedger{24_GiB, 512_MiB}};
    CHECK(std::get<Shortage>(place_on(unknown, bytes(1_GiB))).is_unknown);
    CHECK(chosen(place_on(unknown, bytes(1_GiB), UnknownMemory::admit)) == DeviceId{1});
    CHECK(std::get<Placed>(place_on(unknown, {}, UnknownMemory::admit)).claim == Bytes{});
    const std::vector both{DeviceLedger{24_GiB, 512_MiB}, device_with(24_GiB, 1_GiB)};
    CHECK(chosen(place_on(both, bytes(1_GiB), UnknownMemory::admit)) == DeviceId{2});
}

TEST_CASE("[A3.5] a shortage names the nearest device, what is needed and what is there") {
    const std::vector ledgers{device_with(8_GiB, 4_GiB), device_with(8_GiB, 3_GiB)};
    const auto shortage = std::get<Shortage>(place_on(ledgers, bytes(6_GiB)));
    CHECK(shortage.device == DeviceId{2});
    CHECK(shortage.required == 6_GiB);
    CHECK(shortage.available == 8_GiB - 3_GiB - 512_MiB);
    CHECK_FALSE(shortage.is_for_ever);
    CHECK(std::get<Shortage>(place_on(ledgers, bytes(8_GiB))).is_for_ever);
}

TEST_CASE("without a device there is nothing to wait for, and nothing that can never fit") {
    const auto shortage = std::get<Shortage>(place_on({}, bytes(1_GiB)));
    CHECK_FALSE(bool{shortage.device});
    CHECK_FALSE(shortage.is_for_ever);
}

TEST_CASE("where nobody knows how full it is, who needs all is let in beside nobody") {
    DeviceLedger silent{24_GiB, Bytes{}};
    const Need all{NeedKind::all, {}, 0};
    const auto ask = [&](const Need& need, bool is_reserved = false) {
        const Candidate candidate{
            .device = DeviceId{1}, .ledger = &silent, .is_reserved = is_reserved};
        return core::place(need, std::span{&candidate, 1}, UnknownMemory::admit);
    };
    const core::Placement first = ask(all);
    REQUIRE(std::holds_alternative<Placed>(first));
    CHECK(std::get<Placed>(first).is_exclusive);
    silent.claim(Generation{1}, Bytes{}, true);
    const core::Placement second = ask(all);
    REQUIRE(std::holds_alternative<Shortage>(second));
    CHECK_FALSE(std::get<Shortage>(second).is_unknown);  // it may wait
    CHECK(std::holds_alternative<Shortage>(ask(bytes(1_GiB), true)));
    CHECK(std::holds_alternative<Placed>(ask(bytes(1_GiB))));
}
