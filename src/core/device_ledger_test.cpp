// The arithmetic of a device's memory, case by case.
#include <doctest/doctest.h>

#include "core/device_ledger_testing.h"

namespace core = windlass::core;
using core::Bytes;
using core::DeviceLedger;
using core::Generation;
using core::testing::kA;
using core::testing::kB;
using core::testing::kNow;
using core::testing::lumped;
using core::testing::make_ledger;
using core::testing::told_apart;
using namespace windlass::base;  // _MiB, _GiB

TEST_CASE("unknown is not zero: without capacity or a sample nothing is said to be free") {
    DeviceLedger ledger = make_ledger();
    CHECK_FALSE(ledger.free().has_value());
    CHECK_FALSE(ledger.foreign().has_value());
    ledger.measure({});
    CHECK_FALSE(ledger.free().has_value());
    DeviceLedger bottomless{std::nullopt, 512_MiB};
    bottomless.measure(told_apart(1, 1_GiB));
    CHECK_FALSE(bottomless.free().has_value());
    CHECK(bottomless.foreign() == 1_GiB);
    CHECK_FALSE(bottomless.usable().has_value());
}

TEST_CASE("[A3.3] a stranger and the headroom are subtracted, and what is left is shared out") {
    DeviceLedger ledger{24564_MiB, 1024_MiB};
    ledger.measure(told_apart(1, 8000_MiB));
    CHECK(ledger.foreign() == 8000_MiB);
    CHECK(ledger.free() == 15540_MiB);
    ledger.claim(kA, 6000_MiB, false);
    CHECK(ledger.free() == 9540_MiB);
    ledger.claim(kB, 6000_MiB, false);
    CHECK(ledger.free() == 3540_MiB);  // no third one, although 24564 / 6000 is 4
    ledger.measure(told_apart(2, 26000_MiB - 2000_MiB, {{kA, 6000_MiB}, {kB, 6000_MiB}}));
    CHECK(ledger.foreign() == 12000_MiB);
    CHECK(ledger.free() == Bytes{});
    CHECK(ledger.deficit() == 460_MiB);
}

TEST_CASE("[A3.5] 4.5 GiB are free, 6 are needed; what a stranger gives back is free at once") {
    DeviceLedger ledger{8_GiB, Bytes{}};
    ledger.measure(told_apart(1, 3584_MiB));
    CHECK(ledger.free() == 4608_MiB);
    ledger.measure(told_apart(2, 1_GiB));
    CHECK(ledger.free() == 7_GiB);
}

TEST_CASE("a claim counts in full from the start, and its measured use when that is more") {
    DeviceLedger ledger = make_ledger();
    ledger.measure(told_apart(1, 1_GiB));
    ledger.claim(kA, 4_GiB, false);
    CHECK(ledger.free() == 24_GiB - 512_MiB - 1_GiB - 4_GiB);
    ledger.measure(told_apart(2, 3_GiB, {{kA, 2_GiB}}));  // on its way up
    CHECK(ledger.foreign() == 1_GiB);
    CHECK(ledger.free() == 24_GiB - 512_MiB - 1_GiB - 4_GiB);
    ledger.measure(told_apart(3, 7_GiB, {{kA, 6_GiB}}));  // more than it said
    CHECK(ledger.foreign() == 1_GiB);
    CHECK(ledger.free() == 24_GiB - 512_MiB - 1_GiB - 6_GiB);
}

TEST_CASE("a process without a claim on this device is a stranger to it") {
    DeviceLedger ledger = make_ledger();
    ledger.measure(told_apart(1, 3_GiB, {{kB, 2_GiB}}));
    CHECK(ledger.foreign() == 3_GiB);
}

TEST_CASE("a departed claim is held until a later sample shows its bytes gone") {
    for (const bool is_told_apart : {true, false}) {
        CAPTURE(is_told_apart);
        const auto sample = [&](std::uint64_t sequence, Bytes used, Bytes own) {
            return is_told_apart ? told_apart(sequence, used, {{kA, own}}) : lumped(sequence, used);
        };
        DeviceLedger ledger = make_ledger();
        ledger.measure(sample(1, 1_GiB, Bytes{}));
        ledger.claim(kA, 4_GiB, false);
        ledger.mark_loaded(kA, 0);
        ledger.measure(sample(2, 5_GiB, 4_GiB));
        ledger.depart(kA, 3);
        CHECK(ledger.has_departed());
        ledger.measure(sample(3, 1_GiB, Bytes{}));  // asked before the exit: no proof
        CHECK(ledger.proved().empty());
        CHECK(ledger.claimed() == 4_GiB);
        ledger.measure(sample(4, 5_GiB, Bytes{}));  // still there
        CHECK(ledger.proved().empty());
        CHECK(ledger.foreign() == 1_GiB);
        CHECK(ledger.free() == 24_GiB - 512_MiB - 1_GiB - 4_GiB);
        ledger.measure(sample(5, 1_GiB, Bytes{}));
        REQUIRE(ledger.proved() == std::vector{kA});
        ledger.release(kA);
        CHECK(ledger.free() == 24_GiB - 512_MiB - 1_GiB);
    }
}

TEST_CASE("a dead process that the driver still lists is not gone") {
    DeviceLedger ledger = make_ledger();
    ledger.measure(told_apart(1, Bytes{}));
    ledger.claim(kA, 4_GiB, false);
    ledger.mark_loaded(kA, 0);
    ledger.measure(told_apart(2, 4_GiB, {{kA, 4_GiB}}));
    ledger.depart(kA, 2);
    ledger.measure(told_apart(3, 4_GiB, {{kA, 4_GiB}}));
    CHECK(ledger.proved().empty());
    CHECK(ledger.foreign() == Bytes{});
}

TEST_CASE("what the driver's list loses before the exit is told is no stranger's") {
    for (const bool was_seen : {false, true}) {
        CAPTURE(was_seen);
        DeviceLedger ledger{24_GiB, Bytes{}};
        ledger.measure(told_apart(1, 1_GiB));
        ledger.claim(kA, 6_GiB, false);
        ledger.mark_loaded(kA, 0);
        if (was_seen) ledger.measure(told_apart(2, 6_GiB, {{kA, 5_GiB}}));
        ledger.measure(told_apart(3, 6_GiB));  // it died, and nobody has told yet
        ledger.depart(kA, 3);
        ledger.measure(told_apart(4, 6_GiB));
        CHECK(ledger.proved().empty());
        CHECK(ledger.foreign() == 1_GiB);
        ledger.measure(told_apart(5, 1_GiB));
        CHECK(ledger.proved() == std::vector{kA});
    }
}

TEST_CASE("what is missing at the settle deadline is fenced, and lifted when the driver shows it") {
    DeviceLedger ledger = make_ledger();
    ledger.measure(told_apart(1, 1_GiB));
    ledger.claim(kA, 4_GiB, false);
    ledger.mark_loaded(kA, 0);
    ledger.measure(told_apart(2, 5_GiB, {{kA, 4_GiB}}));
    ledger.depart(kA, 2);
    ledger.measure(told_apart(3, 4_GiB));  // one of four came back
    CHECK(ledger.fence(kA, kNow) == 3_GiB);
    CHECK(ledger.claims().empty());
    CHECK(ledger.fenced() == 3_GiB);
    CHECK(ledger.foreign() == 1_GiB);
    CHECK(ledger.free() == 24_GiB - 512_MiB - 4_GiB);
    ledger.claim(kB, 2_GiB, false);
    ledger.measure(told_apart(4, 6_GiB, {{kB, 2_GiB}}));
    CHECK(ledger.lift_fences().empty());
    CHECK(ledger.fenced() == 3_GiB);
    ledger.measure(told_apart(5, 3_GiB, {{kB, 2_GiB}}));
    CHECK(ledger.lift_fences() == std::vector{kA});
    CHECK(ledger.fenced() == Bytes{});
    CHECK(ledger.free() == 24_GiB - 512_MiB - 1_GiB - 2_GiB);
}

TEST_CASE("a fence is not lifted by an answer that was asked for before the exit") {
    DeviceLedger ledger{24_GiB, {}};
    ledger.measure(told_apart(1, Bytes{}));
    ledger.claim(kA, 6_GiB, false);
    ledger.depart(kA, 2);  // the second question is open, and was measured before the load
    CHECK(ledger.fence(kA, kNow) == 6_GiB);
    ledger.measure(told_apart(2, Bytes{}));
    CHECK(ledger.lift_fences().empty());
    CHECK(ledger.fenced() == 6_GiB);
    ledger.measure(told_apart(3, Bytes{}));
    CHECK(ledger.lift_fences() == std::vector{kA});
}

TEST_CASE("a fence shrinks to what is still there") {
    DeviceLedger ledger = make_ledger();
    ledger.measure(told_apart(1, Bytes{}));
    ledger.claim(kA, 4_GiB, false);
    ledger.measure(told_apart(2, 4_GiB, {{kA, 4_GiB}}));
    ledger.depart(kA, 2);
    ledger.measure(told_apart(3, 4_GiB));
    CHECK(ledger.fence(kA, kNow) == 4_GiB);
    ledger.measure(told_apart(4, 1_GiB));
    CHECK(ledger.lift_fences().empty());
    CHECK(ledger.fenced() == 1_GiB);
    CHECK(ledger.fences().at(kA).since == kNow);
}

TEST_CASE("without an answer of the device everything is missing at the settle deadline") {
    DeviceLedger ledger = make_ledger();
    ledger.measure(told_apart(1, 1_GiB));
    ledger.claim(kA, 4_GiB, false);
    ledger.depart(kA, 1);
    ledger.forget_measures();
    CHECK_FALSE(ledger.free().has_value());
    CHECK(ledger.proved().empty());
    CHECK(ledger.fence(kA, kNow) == 4_GiB);
    CHECK(ledger.lift_fences().empty());
    ledger.measure(told_apart(2, 1_GiB));
    CHECK(ledger.lift_fences() == std::vector{kA});
}

TEST_CASE("crumbs below the tolerance of the driver's own bookkeeping are no fence") {
    DeviceLedger ledger = make_ledger();
    ledger.measure(told_apart(1, Bytes{}));
    ledger.claim(kA, 4_GiB, false);
    ledger.depart(kA, 1);
    ledger.measure(told_apart(2, 20_MiB));
    CHECK(ledger.proved() == std::vector{kA});
    CHECK(ledger.fence(kA, kNow) == Bytes{});
    CHECK(ledger.fences().empty());
}

TEST_CASE("a stranger that grows while a claim is on its way back is never counted as free") {
    DeviceLedger ledger = make_ledger();
    ledger.measure(told_apart(1, 1_GiB));
    ledger.claim(kA, 4_GiB, false);
    ledger.mark_loaded(kA, 0);
    ledger.measure(told_apart(2, 5_GiB, {{kA, 4_GiB}}));
    ledger.depart(kA, 2);
    ledger.measure(told_apart(3, 7_GiB));  // ours is back, and a stranger took 6; or not
    CHECK(ledger.free() == 24_GiB - 512_MiB - 7_GiB);
    CHECK(ledger.fence(kA, kNow) == 4_GiB);
    CHECK(ledger.free() == 24_GiB - 512_MiB - 7_GiB);
}

TEST_CASE("a stranger that gave way while a claim came back does not hide what the next leaves") {
    DeviceLedger ledger = make_ledger();
    ledger.measure(told_apart(1, 8_GiB));
    ledger.claim(kA, 4_GiB, false);
    ledger.depart(kA, 1);
    ledger.measure(told_apart(2, 2_GiB));
    ledger.release(kA);
    ledger.claim(kB, 4_GiB, false);
    ledger.depart(kB, 2);
    ledger.measure(told_apart(3, 6_GiB));
    CHECK(ledger.proved().empty());
    CHECK(ledger.fence(kB, kNow) == 4_GiB);
}

TEST_CASE("a provisional claim is exclusive until it settles") {
    DeviceLedger ledger = make_ledger();
    ledger.measure(told_apart(1, Bytes{}));
    ledger.claim(kA, ledger.free().value_or(Bytes{}), true);
    CHECK(ledger.is_exclusive());
    CHECK(ledger.free() == Bytes{});
    ledger.mark_loaded(kA, 0);
    ledger.settle(kA, 2_GiB);
    CHECK_FALSE(ledger.is_exclusive());
    CHECK(ledger.free() == 24_GiB - 512_MiB - 2_GiB);
}

TEST_CASE("free is the sum of its parts, whatever happened before") {
    // A small machine that walks through many orders of events; the identity of design section 4
    // must hold after each.
    std::uint64_t state = 7;
    const auto draw = [&](std::uint64_t end) {
        state = state * 6364136223846793005 + 1442695040888963407;
        return (state >> 33) % end;
    };
    DeviceLedger ledger = make_ledger();
    std::uint64_t sequence = 0;
    std::uint64_t last_generation = 0;
    for (int step = 0; step < 20'000; ++step) {
        const auto any = [&](auto filter) {
            for (const auto& [generation, claim] : ledger.claims()) {
                if (filter(claim)) return generation;
            }
            return Generation{};
        };
        switch (draw(7)) {
            case 0:
                if (ledger.claims().size() < 6)
                    ledger.claim(Generation{++last_generation}, Bytes{draw(5) << 30}, draw(9) == 0);
                break;
            case 1:
                if (const auto g = any([](const core::Claim& c) {
                        return c.stage == core::ClaimStage::loading;
                    })) {
                    ledger.mark_loaded(g, 0);
                }
                break;
            case 2:
                if (const auto g = any([](const core::Claim& c) {
                        return c.stage != core::ClaimStage::departed;
                    })) {
                    ledger.depart(g, sequence);
                }
                break;
            case 3:
                if (const auto g = any([](const core::Claim& c) {
                        return c.stage == core::ClaimStage::departed;
                    })) {
                    ledger.fence(g, kNow);
                }
                break;
            case 4: {
                core::MemorySample sample = told_apart(++sequence, Bytes{draw(30) << 30});
                sample.own_known = draw(3) > 0;
                for (const auto& [generation, claim] : ledger.claims())
                    sample.own.push_back({generation, Bytes{draw(4) << 30}});
                ledger.measure(sample);
                break;
            }
            case 5:
                for (const Generation g : ledger.proved()) ledger.release(g);
                break;
            default: ledger.lift_fences(); break;
        }
        const auto free = ledger.free();
        if (!free) continue;
        const Bytes foreign = ledger.foreign().value_or(Bytes{});
        const Bytes taken = 512_MiB + foreign + ledger.fenced() + ledger.claimed();
        // A load that may look like a stranger leaves no deficit.
        const bool is_sum = *free + taken == 24_GiB + ledger.deficit();
        CHECK((is_sum || ledger.has_unseen()));
        CHECK((*free == Bytes{} || ledger.deficit() == Bytes{}));
    }
}

TEST_CASE("host memory is kept by the same rules: the reap is the proof") {
    DeviceLedger host{64_GiB, 2_GiB};
    host.measure(lumped(1, 10_GiB));
    host.claim(kA, 8_GiB, false);
    CHECK(host.free() == 44_GiB);
    host.release(kA);
    CHECK(host.free() == 52_GiB);
}

TEST_CASE("one that cannot be ended and holds nothing hides no stranger") {
    DeviceLedger ledger{24_GiB, Bytes{}};
    ledger.measure(told_apart(1, Bytes{}));
    ledger.claim(kA, 8_GiB, false);
    ledger.abandon(kA, 1);
    ledger.claim(kB, 4_GiB, false);
    ledger.mark_loaded(kB, 1);
    ledger.measure(told_apart(2, 10_GiB, {{kB, 4_GiB}}));  // strangers came
    ledger.depart(kB, 2);
    ledger.measure(told_apart(3, 6_GiB));
    CHECK(ledger.proved() == std::vector{kB});
}
