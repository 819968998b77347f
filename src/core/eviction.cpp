// Recency weighted with cost: a replica is missed the more, the more it costs to bring back and the
// less time has passed since it was used.
#include "core/eviction.h"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <utility>

#include "core/mutant.h"

namespace windlass::core {
namespace {

using namespace std::chrono_literals;

// Below this all times are alike: nothing is free of cost, and nobody is infinitely busy.
constexpr Duration kLeast = 1ms;
// And above this: the product fits.
constexpr Duration kMost = 24h * 30;

// Cost by idle time, in millionths.
std::uint64_t loss_of(const Movable& movable) {
    const auto micros = [](Duration time) {
        return static_cast<std::uint64_t>(std::clamp(time, kLeast, kMost) / 1us);
    };
    return micros(movable.cost) * 1'000'000 / micros(movable.idle_for);
}

// Who goes first: least missed; of equals the one that gives most.
auto rank(const Movable& movable) {
    return std::tuple{loss_of(movable), ~movable.frees.count(), movable.replica.model.value,
                      movable.replica.copy};
}

struct Plan {
    Eviction eviction;
    std::uint64_t loss = 0;
};

std::optional<Plan> plan_on(const Room& room) {
    if (room.is_blocked) return std::nullopt;
    std::vector<Movable> order = room.movable;
    std::ranges::sort(order, {}, rank);
    std::vector<Movable> chosen;
    Bytes coming;
    for (const Movable& movable : order) {
        const bool is_enough = coming >= room.missing && !room.needs_all;
        if (is_enough && !movable.is_alone) continue;
        chosen.push_back(movable);
        coming = coming + movable.frees;
    }
    if (coming < room.missing && !mutant(Mutant::evicts_for_nothing)) return std::nullopt;
    Plan plan{.eviction = {.device = room.device, .movers = {}}};
    // The most missed first: a large one that came late makes small ones needless.
    std::ranges::reverse(chosen);
    for (const Movable& movable : chosen) {
        const bool is_needless =
            !room.needs_all && !movable.is_alone && coming - movable.frees >= room.missing;
        if (is_needless) {
            coming = coming - movable.frees;
            continue;
        }
        plan.eviction.movers.push_back(movable.replica);
        plan.loss += loss_of(movable);
    }
    return plan;
}

}  // namespace

std::optional<Eviction> plan_eviction(std::span<const Room> rooms) {
    std::optional<Plan> best;
    for (std::size_t i = 0; i < rooms.size(); ++i) {
        std::optional<Plan> plan = plan_on(rooms[i]);
        if (!plan || (best && plan->loss >= best->loss)) continue;
        best = std::move(plan);
        best->eviction.room = i;
    }
    if (!best) return std::nullopt;
    return std::move(best->eviction);
}

}  // namespace windlass::core
