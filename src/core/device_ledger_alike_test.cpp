// The arithmetic of a device's memory where its driver does not tell processes apart.
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

TEST_CASE("where processes are not told apart, the claims of loaded replicas stand for them") {
    DeviceLedger ledger = make_ledger();
    ledger.measure(lumped(1, 1_GiB));
    ledger.claim(kA, 4_GiB, false);
    ledger.measure(lumped(2, 3_GiB));
    CHECK(ledger.foreign() == 3_GiB);  // it loads: what it has already is counted twice, never
                                       // too little
    ledger.mark_loaded(kA, 0);
    ledger.measure(lumped(3, 5_GiB));
    CHECK(ledger.foreign() == 1_GiB);
    CHECK(ledger.free() == 24_GiB - 512_MiB - 1_GiB - 4_GiB);
}

TEST_CASE("a claim stands for what is used only once a sample was asked for after its load") {
    DeviceLedger ledger = make_ledger();
    ledger.measure(lumped(1, 3_GiB));
    ledger.claim(kA, 4_GiB, false);
    ledger.mark_loaded(kA, 2);  // one is under way
    const Bytes before = 24_GiB - 512_MiB - 3_GiB - 4_GiB;
    CHECK(ledger.foreign() == 3_GiB);  // a stranger's, as before
    CHECK(ledger.free() == before);
    ledger.measure(lumped(2, 7_GiB));
    CHECK(ledger.free() == before - 4_GiB);  // never too much
    CHECK(ledger.deficit() == Bytes{});
    ledger.measure(lumped(3, 7_GiB));
    CHECK(ledger.foreign() == 3_GiB);
    CHECK(ledger.free() == before);
}

TEST_CASE("a load that looks like a stranger leaves no deficit") {
    DeviceLedger ledger = make_ledger();
    ledger.measure(lumped(1, Bytes{}));
    ledger.claim(kA, 16_GiB, false);
    ledger.measure(lumped(2, 15_GiB));
    CHECK(ledger.free() == Bytes{});
    CHECK(ledger.deficit() == Bytes{});
    ledger.mark_loaded(kA, 2);
    ledger.measure(lumped(3, 23_GiB));  // a stranger came
    CHECK(ledger.foreign() == 7_GiB);
}

TEST_CASE("where processes are not told apart, a claim of all there was proves nothing of others") {
    DeviceLedger ledger{24_GiB, {}};
    ledger.measure(lumped(1, Bytes{}));
    ledger.claim(kA, 2_GiB, false);
    ledger.mark_loaded(kA, 0);
    ledger.depart(kA, 1);
    ledger.claim(kB, 22_GiB, true);
    ledger.mark_loaded(kB, 0);
    ledger.measure(lumped(2, 5_GiB));  // 3 of B; 2 that A left
    CHECK(ledger.proved().empty());
    ledger.settle(kB, 3_GiB);
    ledger.measure(lumped(3, 5_GiB));
    CHECK(ledger.proved().empty());
    ledger.measure(lumped(4, 3_GiB));
    CHECK(ledger.proved() == std::vector{kA});
}

TEST_CASE("where processes are not told apart, a claim above its use does not hide the dead") {
    DeviceLedger ledger = make_ledger();
    ledger.measure(lumped(1, 1_GiB));
    ledger.claim(kA, 6_GiB, false);
    ledger.mark_loaded(kA, 1);
    ledger.measure(lumped(2, 3_GiB));  // two of six
    ledger.claim(kB, 6_GiB, false);
    ledger.mark_loaded(kB, 2);
    ledger.measure(lumped(3, 8_GiB));                   // five of six
    CHECK(ledger.free() == 24_GiB - 512_MiB - 12_GiB);  // the claims stand for what may be used
    ledger.depart(kB, 3);
    ledger.measure(lumped(4, 6_GiB));  // three are still there
    CHECK(ledger.proved().empty());
    CHECK(ledger.fence(kB, kNow) == 3_GiB);
    ledger.measure(lumped(5, 3_GiB));
    CHECK(ledger.lift_fences() == std::vector{kB});
    ledger.depart(kA, 5);
    ledger.measure(lumped(6, 1_GiB));
    CHECK(ledger.proved() == std::vector{kA});
}

TEST_CASE("where processes are not told apart, one launched in silence does not hide the dead") {
    DeviceLedger ledger = make_ledger();
    ledger.measure(lumped(1, 1_GiB));
    ledger.claim(kB, 3_GiB, false);
    ledger.mark_loaded(kB, 1);
    ledger.measure(lumped(2, 4_GiB));
    ledger.forget_measures();
    ledger.claim(kA, 6_GiB, false);
    ledger.mark_loaded(kA, 2);
    ledger.depart(kB, 2);
    ledger.measure(lumped(3, 6_GiB));  // two of six, and all three are still there
    CHECK(ledger.proved().empty());
    ledger.measure(lumped(4, 3_GiB));
    CHECK(ledger.proved() == std::vector{kB});
}

TEST_CASE("where processes are not told apart, one that loads beside the dead does not hide them") {
    DeviceLedger ledger = make_ledger();
    ledger.measure(lumped(1, 1_GiB));
    ledger.claim(kB, 4_GiB, false);
    ledger.mark_loaded(kB, 1);
    ledger.measure(lumped(2, 5_GiB));
    ledger.claim(kA, 8_GiB, false);
    bool is_back = false;
    SUBCASE("who died before it began") {
        ledger.depart(kB, 2);
        SUBCASE("and left all") {}
        SUBCASE("and were back before it took anything") { is_back = true; }
        ledger.measure(lumped(3, is_back ? 1_GiB : 5_GiB));
    }
    SUBCASE("who died while it loaded") {
        ledger.measure(lumped(3, 6_GiB));  // one of three
        ledger.depart(kB, 3);
    }
    CHECK(ledger.proved().empty() != is_back);
    if (is_back) ledger.release(kB);
    ledger.mark_loaded(kA, 3);
    ledger.measure(lumped(4, is_back ? 4_GiB : 8_GiB));
    CHECK(ledger.proved().empty());
    if (!is_back) CHECK(ledger.fence(kB, kNow) == 4_GiB);
    ledger.depart(kA, 4);
    ledger.measure(lumped(5, is_back ? 4_GiB : 8_GiB));  // left all, too
    CHECK(ledger.proved().empty());
    ledger.measure(lumped(6, is_back ? 1_GiB : 5_GiB));
    CHECK(ledger.proved() == std::vector{kA});
}

TEST_CASE("where processes are not told apart, those that load together share what rose") {
    DeviceLedger ledger = make_ledger();
    ledger.measure(lumped(1, 1_GiB));
    ledger.claim(kA, 6_GiB, false);
    ledger.claim(kB, 6_GiB, false);
    ledger.mark_loaded(kA, 1);
    ledger.mark_loaded(kB, 1);
    ledger.measure(lumped(2, 9_GiB));  // four of each
    ledger.depart(kA, 2);
    ledger.measure(lumped(3, 7_GiB));
    CHECK(ledger.proved().empty());
    ledger.measure(lumped(4, 5_GiB));
    CHECK(ledger.proved() == std::vector{kA});
}

TEST_CASE("where processes are not told apart, none is fenced for what its neighbours share less") {
    DeviceLedger ledger = make_ledger();
    ledger.measure(lumped(1, 1_GiB));  // strangers
    ledger.claim(kA, 6_GiB, false);
    ledger.claim(kB, 6_GiB, false);
    ledger.mark_loaded(kA, 1);
    ledger.mark_loaded(kB, 1);
    ledger.measure(lumped(2, 8_GiB));  // two and five, and half of it is believed to be of each
    SUBCASE("the one with less ends first") {
        ledger.depart(kA, 2);
        ledger.measure(lumped(3, 6_GiB));
        CHECK(ledger.proved().empty());
        CHECK(ledger.fence(kA, kNow) == Bytes{});
        CHECK(ledger.foreign() == Bytes{});  // the claim of B stands for what it uses
        ledger.depart(kB, 3);
        ledger.measure(lumped(4, 6_GiB));
        CHECK(ledger.proved().empty());
        ledger.measure(lumped(5, 1_GiB));
        CHECK(ledger.proved() == std::vector{kB});
        CHECK(ledger.foreign() == 1_GiB);
    }
    SUBCASE("and leaves all of it") {
        ledger.depart(kA, 2);
        ledger.measure(lumped(3, 8_GiB));
        CHECK(ledger.fence(kA, kNow) == 3_GiB + 512_MiB);
    }
    SUBCASE("the one with more ends first") {
        ledger.depart(kB, 2);
        ledger.measure(lumped(3, 3_GiB));
        CHECK(ledger.proved() == std::vector{kB});
        ledger.release(kB);
        ledger.depart(kA, 3);
        ledger.measure(lumped(4, 3_GiB));
        CHECK(ledger.proved().empty());
        ledger.measure(lumped(5, 1_GiB));
        CHECK(ledger.proved() == std::vector{kA});
        CHECK(ledger.foreign() == 1_GiB);
    }
}

TEST_CASE(
    "where processes are not told apart, no neighbour has more than its claim of a leftover") {
    DeviceLedger ledger = make_ledger();
    ledger.measure(lumped(1, Bytes{}));
    ledger.claim(kA, 6_GiB, false);
    ledger.claim(kB, 2_GiB, false);
    ledger.mark_loaded(kA, 1);
    ledger.mark_loaded(kB, 1);
    ledger.measure(lumped(2, 4_GiB));  // three and one, it is believed
    ledger.depart(kA, 2);
    ledger.measure(lumped(3, 3_GiB));  // of the two that seem to be left one may be its neighbour's
    CHECK(ledger.fence(kA, kNow) == 1_GiB);
    ledger.measure(lumped(4, 2_GiB));
    CHECK(ledger.lift_fences() == std::vector{kA});
}

TEST_CASE("an empty list says nothing of hidden processes until one has named somebody") {
    DeviceLedger ledger = make_ledger();
    ledger.measure(told_apart(1, Bytes{}));
    CHECK_FALSE(ledger.is_blurred());
    ledger.claim(kA, 6_GiB, false);
    CHECK(ledger.is_blurred());
    CHECK_FALSE(ledger.has_unmeasured());  // it may have nothing yet
    core::MemorySample sample = told_apart(2, Bytes{});
    SUBCASE("one of ours") { sample = told_apart(2, 1_GiB, {{kA, 1_GiB}}); }
    SUBCASE("a stranger") { sample.strangers = 1_GiB; }
    SUBCASE("nobody") {}
    ledger.measure(sample);
    const bool is_told = !sample.own.empty() || sample.strangers > Bytes{};
    CHECK(ledger.is_blurred() != is_told);
    ledger.mark_loaded(kA, 2);
    CHECK(ledger.has_unmeasured() != is_told);
    ledger.measure(told_apart(3, Bytes{}));
    CHECK_FALSE(ledger.is_blurred());
}

TEST_CASE(
    "where processes are not told apart, a claim on all there is does not prove the dead gone") {
    DeviceLedger ledger{24_GiB, Bytes{}};
    ledger.measure(lumped(1, 2_GiB));  // strangers
    ledger.claim(kA, 6_GiB, false);
    ledger.mark_loaded(kA, 1);
    ledger.measure(lumped(2, 8_GiB));
    ledger.claim(kB, 16_GiB, true);
    ledger.mark_loaded(kB, 2);
    ledger.depart(kA, 2);
    ledger.measure(lumped(3, 12_GiB));  // four of B
    CHECK(ledger.proved().empty());
    ledger.measure(lumped(4, 9_GiB));
    CHECK(ledger.proved().empty());
    ledger.measure(lumped(5, 6_GiB));
    CHECK(ledger.proved() == std::vector{kA});
    CHECK(ledger.foreign() == 2_GiB);
}

TEST_CASE("where processes are not told apart, all that rises in a first run may be its own") {
    DeviceLedger ledger{24_GiB, Bytes{}};
    ledger.measure(lumped(1, 2_GiB));  // strangers
    ledger.claim(kA, 22_GiB, true);
    ledger.mark_loaded(kA, 1);
    ledger.measure(lumped(2, 5_GiB));
    CHECK(ledger.find_claim(kA)->most == 3_GiB);
    SUBCASE("right after its load") {}
    SUBCASE("some time later") {
        ledger.settle(kA, 4_GiB);
        ledger.measure(lumped(3, 5_GiB));
    }
    ledger.begin_trying(kA);
    CHECK(ledger.find_claim(kA)->bytes == 22_GiB);
    CHECK(ledger.deficit() == Bytes{});
    ledger.measure(lumped(4, 9_GiB));
    CHECK(ledger.find_claim(kA)->most == 7_GiB);
    CHECK(ledger.foreign() == 2_GiB);
    ledger.measure(lumped(5, 8_GiB));
    CHECK(ledger.find_claim(kA)->most == 6_GiB);
    ledger.measure(lumped(6, 4_GiB));  // strangers are fewer, too
    CHECK(ledger.find_claim(kA)->most == 3_GiB);
    ledger.measure(lumped(7, 5_GiB));
    CHECK(ledger.find_claim(kA)->most == 4_GiB);
    ledger.settle(kA, 5_GiB);
    CHECK_FALSE(ledger.is_exclusive());
}

TEST_CASE("where processes are not told apart, what rose in a first run must be proved back, too") {
    DeviceLedger ledger{24_GiB, Bytes{}};
    ledger.measure(lumped(1, 2_GiB));  // strangers
    ledger.claim(kA, 22_GiB, true);
    SUBCASE("the run began before the load was measured") {
        ledger.mark_loaded(kA, 1);
        ledger.begin_trying(kA);
        ledger.measure(lumped(2, 5_GiB));
    }
    SUBCASE("the run began later") {
        ledger.mark_loaded(kA, 1);
        ledger.measure(lumped(2, 5_GiB));
        ledger.settle(kA, 4_GiB);
        ledger.measure(lumped(3, 5_GiB));
        ledger.begin_trying(kA);
    }
    ledger.measure(lumped(4, 9_GiB));
    ledger.settle(kA, 8_GiB);
    CHECK(ledger.find_claim(kA)->seen == 7_GiB);
    ledger.measure(lumped(5, 9_GiB));
    ledger.depart(kA, 5);
    ledger.measure(lumped(6, 6_GiB));  // what it had after its load is back
    CHECK(ledger.proved().empty());
    CHECK(ledger.fence(kA, {}) == 4_GiB);
    CHECK(ledger.foreign() == 2_GiB);
    ledger.measure(lumped(7, 2_GiB));
    CHECK(ledger.lift_fences() == std::vector{kA});
}

TEST_CASE("where processes are not told apart, a first run does not hide what a neighbour leaves") {
    DeviceLedger ledger{24_GiB, Bytes{}};
    ledger.measure(lumped(1, 2_GiB));  // strangers
    ledger.claim(kB, 5_GiB, false);
    ledger.mark_loaded(kB, 1);
    ledger.measure(lumped(2, 7_GiB));
    ledger.claim(kA, 17_GiB, true);
    ledger.mark_loaded(kA, 2);
    ledger.begin_trying(kA);
    ledger.measure(lumped(3, 10_GiB));
    ledger.measure(lumped(4, 14_GiB));  // it grows,
    ledger.depart(kB, 4);
    ledger.measure(lumped(5, 11_GiB));  // and shrinks: all of the dead is there
    CHECK(ledger.proved().empty());
    ledger.settle(kA, 4_GiB);
    CHECK(ledger.proved().empty());
}

TEST_CASE("what looked like a stranger's is none as soon as processes are told apart") {
    DeviceLedger ledger{24_GiB, Bytes{}};
    ledger.measure(lumped(1, Bytes{}));
    ledger.claim(kA, 6_GiB, false);
    ledger.mark_loaded(kA, 1);
    ledger.claim(kB, 2_GiB, false);
    ledger.mark_loaded(kB, 1);
    ledger.measure(lumped(2, 8_GiB));
    ledger.measure(lumped(3, 11_GiB));  // B took three more than it claimed
    ledger.depart(kA, 3);
    core::MemorySample told = lumped(4, 11_GiB);
    told.own_known = true;
    told.own = {{kB, 5_GiB}};
    ledger.measure(told);
    CHECK(ledger.foreign() == Bytes{});
    CHECK(ledger.proved().empty());
    CHECK(ledger.fence(kA, kNow) == 6_GiB);
}

TEST_CASE("what a stranger took before an answer that told processes apart is not a load's") {
    DeviceLedger ledger{24_GiB, Bytes{}};
    ledger.measure(lumped(1, 1_GiB));
    ledger.claim(kA, 6_GiB, false);
    ledger.measure(lumped(2, 1_GiB));
    core::MemorySample told = lumped(3, 6_GiB);
    told.own_known = true;
    told.own = {{kA, 2_GiB}};  // and a stranger has 4 now
    ledger.measure(told);
    ledger.mark_loaded(kA, 3);
    ledger.measure(lumped(4, 6_GiB));
    ledger.depart(kA, 4);
    ledger.measure(lumped(5, 4_GiB));  // its two are back
    CHECK(ledger.proved() == std::vector{kA});
}

TEST_CASE("a load that an empty list lacks has what rose since it began") {
    DeviceLedger ledger{24_GiB, Bytes{}};
    ledger.measure(lumped(1, 1_GiB));
    ledger.claim(kA, 6_GiB, false);
    ledger.measure(lumped(2, 1_GiB));
    core::MemorySample told = lumped(3, 4_GiB);
    told.own_known = true;  // nobody of ours is loaded yet whom the list ought to have
    ledger.measure(told);
    ledger.mark_loaded(kA, 3);
    ledger.measure(lumped(4, 6_GiB));
    ledger.depart(kA, 4);
    ledger.measure(lumped(5, 4_GiB));  // two of its five are back
    CHECK(ledger.proved().empty());
    ledger.measure(lumped(6, 1_GiB));
    CHECK(ledger.proved() == std::vector{kA});
}
