// Who is next among tenants and priorities: self-clocked fair queueing (Golestani 1994). A job's
// rank is given once, when its turn in the queue is first known, so that nothing ages and the next
// one is the smallest. A flow is a tenant's jobs of one priority; a priority has 1.5 times the
// share of the one behind it, and nobody starves: a flood of others moves the clock on.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace windlass::store {

constexpr int kPriorities = 10;

// What one job costs its flow: 2^20 / 1.5^(4 - priority).
constexpr std::array<std::int64_t, kPriorities> kRankSteps = {
    207'126,   310'689,   466'034,   699'051,   1'048'576,
    1'572'864, 2'359'296, 3'538'944, 5'308'416, 7'962'624};

struct Flow {
    std::string tenant;
    int priority = 0;

    friend auto operator<=>(const Flow&, const Flow&) = default;
};

struct FairOrder {
    std::int64_t clock = 0;  // the highest rank that was dispatched
    std::map<Flow, std::int64_t>
        tails;  // each flow's last rank; one behind the clock means nothing

    // The rank of one more job of the flow, which becomes its tail.
    std::int64_t enter(const Flow& flow) {
        std::int64_t& tail = tails[flow];
        tail = std::max(clock, tail) + kRankSteps[static_cast<std::size_t>(flow.priority)];
        return tail;
    }
    void dispatch(std::int64_t rank) { clock = std::max(clock, rank); }
};

}  // namespace windlass::store
