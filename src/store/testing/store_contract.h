// For tests: what every store must do. MakeStore gives an empty one on the loop; the name is free
// to become that of a file.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/testing/run_until.h"
#include "store/store.h"

namespace windlass::store::testing {

inline Peak peak(std::string model, std::uint64_t count, std::string kind = "nvml A",
                 std::string variant = {}) {
    return {.key = {std::move(model), std::move(variant), std::move(kind)},
            .bytes = base::Bytes{count}};
}

inline std::vector<Peak> read(Store& store) {
    base::Result<std::vector<Peak>> result;
    store.read_peaks(
        [&result](base::Result<std::vector<Peak>> peaks) { result = std::move(peaks); });
    REQUIRE(store.settle(std::chrono::seconds{30}));
    REQUIRE(result);
    return *result;
}

inline void remember(Store& store, Peak what) {
    store.remember_peak(std::move(what), [](const base::Result<void>& result) { CHECK(result); });
}

using MakeStore = std::function<std::unique_ptr<Store>(io::Loop& loop, const std::string& name)>;

inline void check_what_is_kept(const MakeStore& make) {
    io::Loop loop;
    const auto store = make(loop, "contract");

    SUBCASE("an empty store has no peaks") { CHECK(read(*store).empty()); }

    SUBCASE("peaks come back as they were, the oldest first") {
        const std::vector peaks = {peak("b", 3),
                                   peak("a", 1, "nvml A", "half"),
                                   peak("b", 2),
                                   peak("a", 1, "nvml B"),
                                   peak("a'\"\\;\n\xc3\xa9", 1),
                                   peak("a", (std::uint64_t{1} << 63) - 1)};
        for (const Peak& one : peaks) remember(*store, one);
        CHECK(read(*store) == peaks);
    }

    SUBCASE("of each key the last are kept") {
        remember(*store, peak("other", 1));
        for (std::uint64_t count = 1; count <= Store::kPeaksMax + 3; ++count) {
            remember(*store, peak("a", count));
        }
        const std::vector<Peak> peaks = read(*store);
        REQUIRE(peaks.size() == 1 + Store::kPeaksMax);
        CHECK(peaks[0] == peak("other", 1));
        CHECK(peaks[1] == peak("a", 4));
        CHECK(peaks.back() == peak("a", Store::kPeaksMax + 3));
    }

    SUBCASE("one key is forgotten, and others are not") {
        for (const char* variant : {"", "half"}) {
            for (const char* kind : {"nvml A", "nvml B"})
                remember(*store, peak("a", 1, kind, variant));
        }
        store->forget_peaks({"a", "", "nvml A"}, [](const auto& result) { CHECK(result); });
        store->forget_peaks({"nobody", "", "nvml A"}, [](const auto& result) { CHECK(result); });
        CHECK(read(*store) == std::vector{peak("a", 1, "nvml B"), peak("a", 1, "nvml A", "half"),
                                          peak("a", 1, "nvml B", "half")});
        remember(*store, peak("a", 7));
        CHECK(read(*store).back() == peak("a", 7));
    }
}

inline void check_answers(const MakeStore& make) {
    io::Loop loop;
    const auto store = make(loop, "contract");

    SUBCASE("answers come from the loop, in the order of the orders") {
        std::vector<int> answered;
        for (int number = 1; number <= 20; ++number) {
            store->remember_peak(peak("a", 1), [&, number](const auto& result) {
                CHECK(result);
                answered.push_back(number);
            });
        }
        CHECK(answered.empty());
        CHECK(io::testing::run_until(loop, [&] { return answered.size() == 20; }));
        CHECK(std::ranges::is_sorted(answered));
    }

    SUBCASE("what is out of range is refused, and harms no neighbour") {
        std::size_t refused = 0;
        const auto count = [&](const base::Result<void>& result) {
            REQUIRE_FALSE(result);
            CHECK(result.error().code == base::Errc::invalid_input);
            ++refused;
        };
        remember(*store, peak("a", 1));
        store->remember_peak(peak("a", 0), count);
        store->remember_peak(peak("a", std::uint64_t{1} << 63), count);
        remember(*store, peak("a", 2));
        CHECK(read(*store) == std::vector{peak("a", 1), peak("a", 2)});
        CHECK(refused == 2);
    }
}

}  // namespace windlass::store::testing
