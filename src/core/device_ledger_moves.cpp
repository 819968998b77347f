// The claim of a replica whose weights leave the device and come back.
#include <algorithm>

#include "base/assert.h"
#include "core/device_ledger.h"

namespace windlass::core {
Bytes DeviceLedger::weight(Generation generation) const {
    const Claim& claim = claims_.at(generation);
    if (is_unseen(claim)) return std::max(claim.bytes, claim.measured.value_or(Bytes{}));
    return claim.measured ? *claim.measured : claim.seen.value_or(claim.bytes);
}

std::optional<Bytes> DeviceLedger::free_without(Generation generation) const {
    if (!free_) return std::nullopt;
    const Claim& claim = claims_.at(generation);
    const Bytes own = std::max(claim.bytes, claim.measured.value_or(Bytes{}));
    const Bytes others = headroom_ + *foreign_ + fenced_ + (claimed_ - own);
    return *capacity_ > others ? *capacity_ - others : Bytes{};
}

void DeviceLedger::shrink(Generation generation) {
    Claim& claim = claims_.at(generation);
    if (!used_ || is_unseen(claim)) return;
    // Where processes are not told apart, as much as it can be.
    const std::optional<Bytes> residue = claim.measured ? claim.measured : claim.most;
    if (!residue) return;
    const bool is_same = claim.bytes <= *residue && !claim.is_exclusive && !claim.strangers;
    if (is_same) return;
    claim.bytes = std::min(claim.bytes, *residue);
    claim.is_exclusive = false;
    claim.strangers.reset();
    weigh();
}

void DeviceLedger::limit(Generation generation, Bytes bytes) {
    Claim& claim = claims_.at(generation);
    claim.bytes = std::min(claim.bytes, bytes);
    weigh();
}

void DeviceLedger::host(Generation generation, Bytes bytes) {
    claim(generation, bytes, false);
    claims_.at(generation).is_guest = true;
    weigh();
}

void DeviceLedger::claim_again(Generation generation, Bytes bytes, bool is_exclusive) {
    Claim& claim = claims_.at(generation);
    WL_ASSERT(claim.stage == ClaimStage::loaded);
    // With what it has now counted as its own: the same measure as for a load.
    if (used_) claim.before = unexplained() + unheard_of();
    claim.batch = find_batch(generation);
    claim.bytes = bytes;
    claim.stage = ClaimStage::loading;
    claim.is_exclusive = is_exclusive;
    claim.most.reset();
    claim.seen.reset();
    claim.strangers.reset();
    weigh();
}

}  // namespace windlass::core
