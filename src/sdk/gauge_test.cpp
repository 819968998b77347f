// What runs are told to have taken. The same for workers as a whole: tests/contract/worker.
#include "sdk/gauge.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>

namespace base = windlass::base;
namespace worker = windlass::worker;
using windlass::sdk::Gauge;

namespace {

// Keeps what it was given back.
struct Allocator final : worker::DeviceAllocator {
    void reset_device_peak() override {
        if (is_broken) throw std::runtime_error{"no"};
        memory.peak = used;
        memory.reserved_peak = memory.reserved;
    }
    worker::DeviceMemory read_device_memory() override { return memory; }

    void take(std::uint64_t bytes) {
        used += bytes;
        memory.peak = std::max(memory.peak, used);
        memory.reserved = std::max(memory.reserved, used);
        memory.reserved_peak = std::max(memory.reserved_peak, memory.reserved);
    }
    void use(std::uint64_t bytes) {
        take(bytes);
        used -= bytes;
    }
    void drop() { memory.reserved = used; }

    std::uint64_t used = 0;
    worker::DeviceMemory memory;
    bool is_broken = false;
};

struct Fixture {
    Fixture() {
        allocator.take(1000);
        gauge.settle();
    }
    Gauge::Told run(std::uint64_t bytes) {
        const Gauge::Begun begun = gauge.begin();
        allocator.use(bytes);
        return gauge.end(begun);
    }

    Allocator allocator;
    Gauge gauge{&allocator};
};

bool is(std::optional<base::Bytes> told, std::uint64_t bytes) { return told == base::Bytes{bytes}; }

}  // namespace

TEST_CASE("without an allocator nothing is told") {
    Gauge gauge{nullptr};
    gauge.settle();
    const Gauge::Told told = gauge.end(gauge.begin());
    CHECK_FALSE(told.peak.has_value());
    CHECK_FALSE(told.reserved.has_value());
    CHECK_FALSE(gauge.reserved().has_value());
}

TEST_CASE_FIXTURE(Fixture, "[A3.6] each run has its own peak, and tells what was held throughout") {
    const Gauge::Told first = run(0);
    CHECK(is(first.peak, 1000));
    CHECK(is(first.reserved, 1000));
    const Gauge::Told big = run(5000);
    CHECK(is(big.peak, 6000));
    CHECK_FALSE(big.reserved.has_value());  // it took more
    const Gauge::Told small = run(200);
    CHECK(is(small.peak, 1200));
    CHECK(is(small.reserved, 6000));
    allocator.drop();
    CHECK_FALSE(run(0).reserved.has_value());  // it gave back
    CHECK(is(run(0).reserved, 1000));
    CHECK(is(gauge.reserved(), 1000));
}

TEST_CASE_FIXTURE(Fixture, "runs that overlap have one peak, and say nothing of what was held") {
    const Gauge::Begun one = gauge.begin();
    const Gauge::Begun two = gauge.begin();
    allocator.use(5000);
    const Gauge::Told first = gauge.end(one);
    const Gauge::Begun three = gauge.begin();
    for (const Gauge::Told& told : {first, gauge.end(two), gauge.end(three)}) {
        CHECK(is(told.peak, 6000));
        CHECK_FALSE(told.reserved.has_value());
    }
    CHECK(is(run(0).peak, 1000));
}

TEST_CASE_FIXTURE(Fixture, "an allocator that throws or talks nonsense is none") {
    allocator.is_broken = true;
    CHECK_FALSE(run(5).peak.has_value());
    allocator.is_broken = false;
    allocator.memory.reserved = ~std::uint64_t{0};
    CHECK_FALSE(run(5).peak.has_value());
    allocator.drop();
    CHECK(is(run(5).peak, 1005));
}
