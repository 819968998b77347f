// Which peak a need is learned from.
#include "core/learned_need.h"

#include <doctest/doctest.h>

using windlass::base::Bytes;
using windlass::core::HashEncoder;
using windlass::core::LearnedNeeds;

namespace {

constexpr const char* kA = "nvml A";
constexpr const char* kB = "nvml B";

LearnedNeeds after(std::initializer_list<std::uint64_t> peaks, std::size_t kept = 100) {
    LearnedNeeds needs{kept};
    for (const std::uint64_t peak : peaks) needs.remember(kA, Bytes{peak});
    return needs;
}

std::uint64_t hash(const LearnedNeeds& needs) {
    HashEncoder encoder;
    needs.encode(encoder);
    return encoder.hash();
}

}  // namespace

TEST_CASE("of few peaks the greatest counts, of a hundred the one below it") {
    CHECK_FALSE(LearnedNeeds{}.find(kA));
    CHECK(after({5}).find(kA) == Bytes{5});
    CHECK(after({5, 9, 7}).find(kA) == Bytes{9});
    LearnedNeeds needs;
    for (std::uint64_t peak = 1; peak <= 99; ++peak) needs.remember(kA, Bytes{peak});
    CHECK(needs.find(kA) == Bytes{99});
    needs.remember(kA, Bytes{1'000});
    CHECK(needs.find(kA) == Bytes{99});
}

TEST_CASE("the latest peaks count") {
    LearnedNeeds needs = after({9, 2, 3}, 2);
    CHECK(needs.find(kA) == Bytes{3});
    CHECK(needs == after({2, 3}, 2));
}

TEST_CASE("makes of devices do not mix, and one without a name teaches nothing") {
    LearnedNeeds needs = after({5});
    needs.remember(kB, Bytes{7});
    needs.remember("", Bytes{9});
    CHECK(needs.find(kA) == Bytes{5});
    CHECK(needs.find(kB) == Bytes{7});
    CHECK_FALSE(needs.find(""));
    CHECK(needs.forget(kA));
    CHECK_FALSE(needs.find(kA));
    CHECK_FALSE(needs.forget(kA));
    CHECK(needs.find(kB) == Bytes{7});
}

TEST_CASE("what an earlier daemon knew is older than all") {
    LearnedNeeds needs = after({3}, 2);
    needs.recall(kA, {Bytes{9}, Bytes{8}});
    CHECK(needs == after({8, 3}, 2));
    needs.recall(kA, {Bytes{9}});
    CHECK(needs == after({8, 3}, 2));
    needs.recall(kB, {});
    CHECK_FALSE(needs.find(kB));
}

TEST_CASE("with no peak kept nothing is learned") {
    LearnedNeeds needs = after({5}, 0);
    needs.recall(kA, {Bytes{5}});
    CHECK(needs == LearnedNeeds{0});
}

TEST_CASE("different needs have different hashes") {
    CHECK(hash(after({1, 2})) == hash(after({1, 2})));
    CHECK(hash(after({1, 2})) != hash(after({2, 1})));
    LearnedNeeds other;
    other.remember(kB, Bytes{1});
    CHECK(hash(other) != hash(after({1})));
}
