// The order of preference among devices.
#include "core/placement.h"

#include <algorithm>
#include <tuple>

#include "core/margin.h"
#include "core/mutant.h"

namespace windlass::core {
namespace {

// The claim of a need that was learned: a margin is a guess, and takes what is there of it.
Placed place_learned(const Candidate& candidate, Bytes peak) {
    const Bytes wanted = with_margin(peak);
    return {.device = candidate.device,
            .claim = std::min(wanted, candidate.ledger->free().value_or(wanted)),
            .learned = peak};
}

// Somebody else's presence forbids it, whether it is known how much is free or not.
bool is_taken(const Need& need, const Candidate& candidate) {
    const DeviceLedger& ledger = *candidate.ledger;
    const bool is_empty = ledger.claims().empty() && ledger.fences().empty();
    return candidate.is_reserved || candidate.is_kept || (need.kind == NeedKind::all && !is_empty);
}

// The same, where it is known.
bool is_closed(const Need& need, const Candidate& candidate) {
    const DeviceLedger& ledger = *candidate.ledger;
    if (ledger.is_exclusive() || is_taken(need, candidate)) return true;
    const bool takes_all = need.kind == NeedKind::unknown || need.kind == NeedKind::all;
    if (takes_all && candidate.promised > Bytes{}) return true;
    return need.kind == NeedKind::unknown && ledger.is_loading();
}

std::optional<Placed> fit(const Need& wanted, const Candidate& candidate, UnknownMemory policy) {
    const Need need = known_need(wanted, candidate);
    const bool is_learned = need.kind != wanted.kind;
    const DeviceLedger& ledger = *candidate.ledger;
    const std::optional<Bytes> required = required_on(need, ledger);
    if (candidate.is_elastic && !ledger.is_exclusive() && !candidate.is_kept)
        return Placed{candidate.device, {}};
    const std::optional<Bytes> free = ledger.free();
    if (!free) {
        const bool is_refused = policy == UnknownMemory::refuse && !mutant(Mutant::unknown_is_free);
        if (is_refused || is_taken(need, candidate)) return std::nullopt;
        if (is_learned) return place_learned(candidate, need.bytes);
        return Placed{.device = candidate.device,
                      .claim = required.value_or(Bytes{}),
                      .is_exclusive = need.kind == NeedKind::all};
    }
    if (is_closed(need, candidate)) return std::nullopt;
    if (required && *required + candidate.promised > *free) return std::nullopt;
    if (!required && *free == Bytes{}) return std::nullopt;
    if (is_learned) return place_learned(candidate, need.bytes);
    return Placed{.device = candidate.device,
                  .claim = required.value_or(*free),
                  .is_exclusive = !required,
                  .is_provisional = need.kind == NeedKind::unknown};
}

// Smaller is better: known before unknown, spread, then what is left over. A need that takes all
// goes where there is most.
auto rank(const Need& wanted, const Candidate& candidate, const Placed& placed) {
    const Need need = known_need(wanted, candidate);
    const auto& free = candidate.ledger->free();
    const std::uint64_t count = free.value_or(Bytes{}).count();
    const bool takes_all = need.kind == NeedKind::unknown || need.kind == NeedKind::all;
    const std::uint64_t waste = takes_all ? ~count : count - (free ? placed.claim.count() : count);
    return std::tuple{!free.has_value(), candidate.copy_count, waste, candidate.device};
}

// The device that comes nearest: the one with most to give.
Shortage explain(const Need& wanted, std::span<const Candidate> candidates, UnknownMemory policy) {
    Shortage shortage{.required = {}, .available = {}, .is_for_ever = !candidates.empty()};
    std::optional<std::int64_t> nearest;
    bool has_unknown = false;
    bool may_fit = false;  // somewhere, later
    for (const Candidate& candidate : candidates) {
        const DeviceLedger& ledger = *candidate.ledger;
        const std::optional<Bytes> required = required_on(known_need(wanted, candidate), ledger);
        const std::optional<Bytes> usable = ledger.usable();
        const std::optional<Bytes> free = ledger.free();
        // Later, if not now: then it is let in whatever there is.
        const bool is_admitted = !free && policy == UnknownMemory::admit;
        const bool never_fits = !is_admitted && usable && required && *required > *usable;
        shortage.is_for_ever = shortage.is_for_ever && never_fits;
        const bool may_be_let_in = free || is_admitted;
        if (!may_be_let_in && !never_fits) has_unknown = true;
        if (may_be_let_in && !never_fits) may_fit = true;
        const std::int64_t distance = free ? static_cast<std::int64_t>(free->count()) : -1;
        if (nearest && *nearest >= distance) continue;
        nearest = distance;
        shortage.device = candidate.device;
        shortage.required = required;
        shortage.available = free;
    }
    shortage.is_unknown = has_unknown && !may_fit;
    return shortage;
}

}  // namespace

Need known_need(const Need& wanted, const Candidate& candidate) {
    if (wanted.kind != NeedKind::unknown || !candidate.learned) return wanted;
    return {.kind = NeedKind::bytes, .bytes = *candidate.learned};
}

std::optional<Bytes> required_on(const Need& need, const DeviceLedger& ledger) {
    if (need.kind == NeedKind::bytes) return need.bytes;
    const std::optional<Bytes> usable = ledger.usable();
    if (need.kind != NeedKind::share || !usable) return std::nullopt;
    const std::uint64_t count = usable->count();
    return Bytes{count / 10'000 * need.permyriad + count % 10'000 * need.permyriad / 10'000};
}

Placement place(const Need& need, std::span<const Candidate> candidates, UnknownMemory policy) {
    std::optional<Placed> best;
    const Candidate* best_candidate = nullptr;
    for (const Candidate& candidate : candidates) {
        const std::optional<Placed> placed = fit(need, candidate, policy);
        if (!placed) continue;
        if (best && rank(need, *best_candidate, *best) <= rank(need, candidate, *placed)) continue;
        best = placed;
        best_candidate = &candidate;
    }
    if (best) return *best;
    return explain(need, candidates, policy);
}

}  // namespace windlass::core
