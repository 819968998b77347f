// Memory of strangers that the driver lists beside that of the dead.
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
using core::testing::told_apart;
using namespace windlass::base;  // _MiB, _GiB

namespace {

core::MemorySample beside(Bytes strangers, core::MemorySample sample) {
    sample.strangers = strangers;
    return sample;
}

}  // namespace

TEST_CASE("a living stranger that the driver lists is not what the dead left, whenever it came") {
    DeviceLedger ledger{24_GiB, Bytes{}};
    ledger.measure(beside(1_GiB, told_apart(1, 1100_MiB)));  // 76 MiB are in nobody's name
    ledger.claim(kA, 4_GiB, false);
    ledger.mark_loaded(kA, 1);
    ledger.measure(beside(1_GiB, told_apart(2, 1100_MiB + 4_GiB, {{kA, 4_GiB}})));
    ledger.depart(kA, 2);
    SUBCASE("its bytes are back, and others took as many") {
        ledger.measure(beside(5_GiB, told_apart(3, 1100_MiB + 4_GiB)));
        CHECK(ledger.proved() == std::vector{kA});
        CHECK(ledger.foreign() == 1100_MiB + 4_GiB);
    }
    SUBCASE("its bytes stay, and others took some") {
        ledger.measure(beside(3_GiB, told_apart(3, 1100_MiB + 6_GiB)));
        CHECK(ledger.proved().empty());
        CHECK(ledger.foreign() == 1100_MiB + 2_GiB);
        CHECK(ledger.fence(kA, kNow) == 4_GiB);
        ledger.measure(beside(3_GiB, told_apart(4, 1100_MiB + 2_GiB)));
        CHECK(ledger.lift_fences() == std::vector{kA});
    }
    SUBCASE("some of them stay, and others gave way") {
        ledger.measure(beside(Bytes{}, told_apart(3, 1100_MiB)));  // 1 GiB is the dead's
        CHECK(ledger.proved().empty());
        CHECK(ledger.fence(kA, kNow) == 1_GiB);
        CHECK(ledger.foreign() == 76_MiB);
    }
}

TEST_CASE("strangers count as far as they are known when processes are told apart now and then") {
    DeviceLedger ledger{24_GiB, Bytes{}};
    ledger.measure(beside(2_GiB, told_apart(1, 2_GiB)));
    ledger.claim(kA, 4_GiB, false);
    ledger.mark_loaded(kA, 1);
    ledger.measure(beside(2_GiB, told_apart(2, 6_GiB, {{kA, 4_GiB}})));
    ledger.depart(kA, 2);
    ledger.measure(lumped(3, 6_GiB));
    CHECK(ledger.foreign() == 2_GiB);  // those that were there
    CHECK(ledger.proved().empty());
    ledger.measure(beside(6_GiB, told_apart(4, 6_GiB)));
    CHECK(ledger.proved() == std::vector{kA});
}

TEST_CASE("what an answer names as a dead process's is no stranger's who gave way unseen") {
    DeviceLedger ledger{24_GiB, Bytes{}};
    ledger.claim(kA, 2_GiB, false);
    ledger.measure(told_apart(1, 2_GiB));  // all a stranger's, who then leaves
    ledger.mark_loaded(kA, 1);
    ledger.depart(kA, 2);
    REQUIRE(ledger.fence(kA, kNow) == 2_GiB);             // the second question is still open
    ledger.measure(told_apart(2, 2_GiB, {{kA, 2_GiB}}));  // and was asked before the exit
    CHECK(ledger.lift_fences().empty());
    ledger.measure(told_apart(3, 2_GiB));  // now its process is not listed any more
    CHECK(ledger.lift_fences().empty());
    CHECK(ledger.fenced() == 2_GiB);
    ledger.measure(told_apart(4, Bytes{}));
    CHECK(ledger.lift_fences() == std::vector{kA});
}

TEST_CASE("a replica that never uses the device makes no stranger suspicious") {
    DeviceLedger ledger{24_GiB, Bytes{}};
    ledger.measure(told_apart(1, Bytes{}));
    ledger.claim(kA, 4_GiB, false);
    ledger.mark_loaded(kA, 1);
    ledger.claim(kB, 4_GiB, false);
    ledger.mark_loaded(kB, 1);
    ledger.measure(beside(3_GiB, told_apart(2, 7_GiB, {{kB, 4_GiB}})));
    ledger.depart(kB, 2);
    ledger.measure(beside(3_GiB, told_apart(3, 3_GiB)));
    CHECK(ledger.proved() == std::vector{kB});
    CHECK(ledger.foreign() == 3_GiB);
}
