// What it costs to find a place for one copy: 64 devices that hold the claims of 10,000 models.
#include "core/placement.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace {

namespace core = windlass::core;
using core::Bytes;

constexpr Bytes kMiB{std::uint64_t{1} << 20};
constexpr Bytes kCapacity{std::uint64_t{1} << 40};

// Unequal devices, so that the choice is not the first one.
std::vector<core::DeviceLedger> make_devices(std::size_t count, std::size_t claim_count) {
    std::vector<core::DeviceLedger> ledgers(count, core::DeviceLedger{kCapacity, kMiB});
    for (std::size_t i = 0; i < count; ++i) {
        const Bytes foreign{kMiB.count() * (i * 37 % count)};
        ledgers[i].measure({.used = foreign, .own = {}, .own_known = true, .sequence = 1});
    }
    for (std::size_t i = 0; i < claim_count; ++i)
        ledgers[i % count].claim({i + 1}, Bytes{kMiB.count() * (1 + i % 7)}, false);
    return ledgers;
}

// A placement with its claim, as the engine does it; then the claim is given back.
void place_one_copy(benchmark::State& state) {
    auto ledgers = make_devices(static_cast<std::size_t>(state.range(0)),
                                static_cast<std::size_t>(state.range(1)));
    std::vector<core::Candidate> candidates;
    for (const core::DeviceLedger& ledger : ledgers)
        candidates.push_back({core::DeviceId{candidates.size() + 1}, &ledger, 0});
    std::vector<std::int64_t> costs;
    std::uint64_t turn = 0;
    for (auto _ : state) {
        const core::Need need{core::NeedKind::bytes, Bytes{kMiB.count() * (1 + ++turn % 4096)}, 0};
        const auto before = std::chrono::steady_clock::now();
        const auto placed =
            std::get<core::Placed>(core::place(need, candidates, core::UnknownMemory::refuse));
        core::DeviceLedger& ledger = ledgers[placed.device.value - 1];
        ledger.claim({1'000'000}, placed.claim, placed.is_exclusive);
        costs.push_back((std::chrono::steady_clock::now() - before).count());
        ledger.release({1'000'000});
    }
    const auto p99 = costs.begin() + static_cast<std::ptrdiff_t>(costs.size() * 99 / 100);
    std::ranges::nth_element(costs, p99);
    state.counters["p99_ns"] = static_cast<double>(*p99);
}

BENCHMARK(place_one_copy)
    ->ArgNames({"devices", "models"})
    ->Args({1, 10})
    ->Args({64, 10'000})
    ->Iterations(100'000);

}  // namespace

BENCHMARK_MAIN();
