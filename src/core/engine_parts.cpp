// What the replicas of a model amount to.
#include "core/engine_parts.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "core/mutant.h"

namespace windlass::core {
namespace {

// Smaller says more.
int rank_of(Residency residency) {
    switch (residency) {
        case Residency::ready: return 0;
        case Residency::restoring: return 1;
        case Residency::loading: return 2;
        case Residency::offloading: return 3;
        case Residency::offloaded: return 4;
        case Residency::draining: return 5;
        case Residency::stopping: return 6;
        case Residency::unkillable: return 7;
        case Residency::backoff: return 8;
        case Residency::standby: return 9;
        case Residency::cold: return 10;
    }
    return 11;
}

}  // namespace

const Replica& Model::foremost() const {
    const Replica* best = &replicas.front();
    for (const Replica& replica : replicas) {
        const int mine = rank_of(replica.residency());
        const int theirs = rank_of(best->residency());
        const bool pauses_longer =
            replica.residency() == Residency::backoff && replica.deadline() > best->deadline();
        if (mine < theirs || (mine == theirs && pauses_longer)) best = &replica;
    }
    return *best;
}

std::size_t Model::lease_count() const {
    std::size_t count = 0;
    for (const Replica& replica : replicas) count += replica.leases().size();
    return count;
}

bool Model::has_process() const {
    return std::ranges::any_of(replicas, [](const Replica& r) { return r.has_process(); });
}

Replica* Model::find_standby() {
    const auto found = std::ranges::find_if(standbys, [this](const Replica& replica) {
        const bool is_up = replica.residency() == Residency::standby && replica.said_hello();
        return is_up && (!is_retired(replica) || mutant(Mutant::old_standby_loads));
    });
    return found == standbys.end() ? nullptr : &*found;
}

std::size_t Model::count_live() const {
    return static_cast<std::size_t>(std::ranges::count_if(replicas, [](const Replica& replica) {
        const Residency residency = replica.residency();
        return residency == Residency::ready || residency == Residency::loading ||
               residency == Residency::restoring;
    }));
}

bool Model::has_live() const {
    return count_live() > 0 || std::ranges::any_of(replicas, [](const Replica& replica) {
               const Residency residency = replica.residency();
               return residency == Residency::offloading || residency == Residency::offloaded;
           });
}

std::uint32_t Model::count_copies_on(DeviceId device) const {
    return static_cast<std::uint32_t>(std::ranges::count_if(replicas, [&](const Replica& replica) {
        return replica.has_process() && replica.device() == device;
    }));
}

namespace {

template <class SomeModel>  // const or not
auto* find_place_in(SomeModel& model, const Replica* except, std::size_t prefetch) {
    decltype(&model.replicas.front()) best = nullptr;
    if (!model.may_run() && !mutant(Mutant::first_of_many_probes)) return best;
    for (auto& replica : model.replicas) {
        if (replica.residency() != Residency::ready || replica.is_untried()) continue;
        if (&replica == except) continue;
        if (replica.is_closed() && !mutant(Mutant::job_isolation_ignored)) continue;
        const std::size_t held = replica.leases().size();
        if (held >= replica.concurrency() + prefetch || model.runs_left(replica) == 0) continue;
        if (best == nullptr || held < best->leases().size()) best = &replica;
    }
    return best;
}

}  // namespace

Replica* Model::find_place(const Replica* except) {
    return find_place_in(*this, except, spec.prefetch.value_or(window.prefetch()));
}

Replica* Model::find_job_place(const Replica* except) {
    return find_place_in(*this, except, spec.prefetch.value_or(window.job_prefetch()));
}

bool Model::has_job_place() const {
    return find_place_in(*this, nullptr, spec.prefetch.value_or(window.job_prefetch())) != nullptr;
}

Replica* Model::find_empty_place() {
    if (!may_run()) return nullptr;
    const auto found = std::ranges::find_if(replicas, [this](const Replica& replica) {
        return replica.residency() == Residency::ready && !replica.is_untried() &&
               replica.leases().empty() && runs_left(replica) > 0;
    });
    return found == replicas.end() ? nullptr : &*found;
}

bool Model::has_idle() const {
    return std::ranges::any_of(replicas, [](const Replica& replica) {
        return replica.residency() == Residency::ready && replica.leases().empty();
    });
}

// Whatever it holds may begin, and count.
std::size_t Model::runs_left(const Replica& replica) const {
    if (spec.recycle_after == 0) return std::numeric_limits<std::size_t>::max();
    const std::size_t charged = replica.run_count() + replica.leases().size();
    return spec.recycle_after - std::min<std::size_t>(charged, spec.recycle_after);
}

bool Model::is_spent(const Replica& replica) const {
    return spec.recycle_after > 0 && replica.has_process() &&
           replica.run_count() >= spec.recycle_after;
}

bool Model::is_first_run_due() const {
    return may_run() && std::ranges::any_of(replicas, &Replica::is_first_run_due);
}

bool Model::wants_place() const {
    if (unload_wanted > 0) return false;
    std::size_t live_count = 0;
    std::size_t places_to_come = 0;
    for (const Replica& replica : replicas) {
        const Residency residency = replica.residency();
        // One that is on its way to the host's memory comes back for whoever waits.
        const bool is_coming = residency == Residency::loading ||
                               residency == Residency::offloading ||
                               residency == Residency::restoring;
        if (is_coming) places_to_come += spec.concurrency;
        if (replica.is_first_run_due()) ++places_to_come;
        if (is_coming || residency == Residency::ready) ++live_count;
    }
    const std::size_t asked_count = is_paused ? 0 : queue.size();
    if (live_count == 0) return asked_count > 0 || load_wanted > 0;
    return asked_count > places_to_come && !breaker.is_tripped();
}

bool Model::may_launch() const {
    if (mutant(Mutant::others_load_in_backoff)) return true;
    return std::ranges::none_of(replicas, [](const Replica& replica) {
        return replica.residency() == Residency::backoff ||
               (replica.residency() == Residency::stopping && replica.will_back_off());
    });
}

std::size_t& Model::wanted(AdminGoal goal) {
    switch (goal) {
        case AdminGoal::ready: return load_wanted;
        case AdminGoal::offloaded: return offload_wanted;
        case AdminGoal::gone: return unload_wanted;
    }
    std::unreachable();
}

std::vector<std::uint32_t> Model::offloaded_copies() const {
    std::vector<std::uint32_t> copies;
    for (std::uint32_t copy = 0; copy < replicas.size(); ++copy) {
        if (replicas[copy].residency() == Residency::offloaded) copies.push_back(copy);
    }
    return copies;
}

std::optional<std::uint32_t> Model::find_cold() {
    const auto alive = std::ranges::count_if(replicas, &Replica::has_process);
    if (alive >= static_cast<std::ptrdiff_t>(spec.copies.count_max)) return std::nullopt;
    const auto found = std::ranges::find(replicas, Residency::cold, &Replica::residency);
    const auto copy = static_cast<std::uint32_t>(found - replicas.begin());
    if (copy >= spec.copies.count_max) return std::nullopt;
    if (found == replicas.end()) replicas.push_back(Replica{id});
    return copy;
}

}  // namespace windlass::core
