// The arithmetic of a device's memory.
#include "core/device_ledger.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "core/mutant.h"

namespace windlass::core {
namespace {

// a - b, or nothing.
Bytes above(Bytes a, Bytes b) { return a > b ? a - b : Bytes{}; }

// bytes * part / whole, to some MiB.
Bytes share(Bytes bytes, Bytes part, Bytes whole) {
    if (part == whole) return bytes;
    const std::uint64_t mib = 20;  // the factors stay below 2^30 each
    const std::uint64_t of = std::max<std::uint64_t>(whole.count() >> mib, 1);
    return Bytes{(bytes.count() >> mib) * (part.count() >> mib) / of << mib};
}

// What a loaded replica uses, where processes are not told apart: its claim; of a claim on all
// there is, the most that it can be.
Bytes believed(const Claim& claim) {
    return claim.is_exclusive ? claim.most.value_or(claim.bytes) : claim.bytes;
}

}  // namespace

DeviceLedger::DeviceLedger(std::optional<Bytes> capacity, Bytes headroom)
    : capacity_(capacity), headroom_(headroom) {
    weigh();
}

void DeviceLedger::resize(std::optional<Bytes> capacity, Bytes headroom) {
    capacity_ = capacity;
    headroom_ = headroom;
    weigh();
}

void DeviceLedger::claim(Generation generation, Bytes bytes, bool is_exclusive) {
    Claim claim{.bytes = bytes, .is_exclusive = is_exclusive, .measured = {}};
    if (used_) claim.before = unexplained() + unheard_of();
    claim.batch = find_batch(generation);
    const bool is_new = claims_.emplace(generation, claim).second;
    WL_ASSERT(is_new);
    weigh();
}

// That of others whose load the last sample may lack.
Generation DeviceLedger::find_batch(Generation generation) const {
    Generation batch = generation;
    for (const auto& [other, present] : claims_) {
        if (other != generation && is_unseen(present)) batch = present.batch;
    }
    return batch;
}

void DeviceLedger::mark_loaded(Generation generation, std::uint64_t sequence) {
    Claim& claim = claims_.at(generation);
    WL_ASSERT(claim.stage == ClaimStage::loading);
    claim.stage = ClaimStage::loaded;
    claim.loaded_at = sequence;
    weigh();
}

void DeviceLedger::lend(Generation generation, Bytes bytes, std::uint64_t sequence) {
    claim(generation, bytes, false);
    claims_.at(generation).is_lease = true;
    mark_loaded(generation, sequence);
}

void DeviceLedger::begin_trying(Generation generation) {
    Claim& claim = claims_.at(generation);
    claim.is_trying = true;
    if (claim.is_exclusive) return weigh();
    WL_ASSERT(free_ && !is_exclusive_);
    claim.is_exclusive = true;
    if (claim.seen) claim.before = unexplained() + unheard_of();
    // Of what it may have beyond `seen`, all was taken for a stranger's.
    const Bytes seen = claim.seen.value_or(Bytes{});
    claim.strangers = above(quiet_.value_or(Bytes{}), above(claim.most.value_or(seen), seen));
    weigh();  // its claim stands for what it uses no more
    claim.bytes = std::max(claim.bytes, claim.measured.value_or(Bytes{})) + free_.value_or(Bytes{});
    weigh();
}

void DeviceLedger::abandon(Generation generation, std::uint64_t sequence) {
    Claim& claim = claims_.at(generation);
    claim.is_abandoned = true;
    if (claim.stage == ClaimStage::loading) mark_loaded(generation, sequence);
}

void DeviceLedger::settle(Generation generation, Bytes bytes) {
    Claim& claim = claims_.at(generation);
    if (claim.is_trying && !own_known_ && claim.seen && claim.before) {
        const Bytes rise = above(unexplained(), *claim.before);
        claim.seen = std::min(claim.bytes, *claim.seen + rise);
    }
    if (claim.is_trying) claim.before.reset();
    claim.is_trying = false;
    claim.bytes = bytes;
    claim.is_exclusive = false;
    claim.strangers.reset();
    weigh();
}

void DeviceLedger::depart(Generation generation, std::uint64_t sequence) {
    Claim& claim = claims_.at(generation);
    WL_ASSERT(claim.stage != ClaimStage::departed);
    if (!mutant(Mutant::grown_need_not_return))
        claim.bytes = std::max(claim.bytes, claim.measured.value_or(Bytes{}));
    // From now on nobody explains what it had; that rise is nobody's load.
    const Bytes seen = std::max(claim.seen.value_or(Bytes{}), claim.measured.value_or(Bytes{}));
    const Bytes orphaned = is_unseen(claim) ? claim.bytes : seen;
    for (auto& [other, loading] : claims_) {
        if (other != generation && loading.before) loading.before = *loading.before + orphaned;
    }
    claim.stage = ClaimStage::departed;
    claim.is_exclusive = claim.is_trying = false;
    claim.departed_at = sequence;
    weigh();
}

void DeviceLedger::release(Generation generation) {
    const auto count = claims_.erase(generation);
    WL_ASSERT(count == 1);
    weigh();
}

Bytes DeviceLedger::fence(Generation generation, Instant now) {
    const auto claim = claims_.find(generation);
    WL_ASSERT(claim != claims_.end() && claim->second.stage == ClaimStage::departed);
    const Claim gone = claim->second;
    claims_.erase(claim);
    Bytes missing = gone.bytes;
    if (left_behind_ && gone.departed_at < sequence_) {
        missing = std::min(missing, above(*left_behind_, fenced_));
        missing = missing - lay_on_batch(gone, missing);
        if (missing <= kTolerance) missing = Bytes{};
    }
    if (missing > Bytes{}) fences_.emplace(generation, Fence{missing, now, gone.departed_at});
    weigh();
    return missing;
}

void DeviceLedger::measure(const MemorySample& sample) {
    used_ = sample.used;
    const bool was_told = std::exchange(own_known_, sample.own_known);
    const bool is_named = !sample.own.empty() || sample.strangers > Bytes{};
    has_told_ = has_told_ || (own_known_ && is_named);
    sequence_ = sample.sequence;
    for (auto& [generation, claim] : claims_) {
        claim.measured.reset();
        if (own_known_) claim.measured = Bytes{};
    }
    if (own_known_) {
        for (const OwnMemory& own : sample.own) {
            // A process without a claim here is a stranger to this device.
            const auto claim = claims_.find(own.generation);
            if (claim != claims_.end()) claim->second.measured = own.bytes;
        }
    }
    if (own_known_ && !was_told) tell_apart();
    note_uses();
    note_strangers(sample);
    // Strangers cannot have more than what nobody explains, whoever it is that gave way; nor what
    // is listed of the dead.
    const Bytes now = unexplained();
    if (used_ && quiet_) quiet_ = std::min(*quiet_, above(now, listed_of_dead(sample)));
    weigh();
    if (!used_) return;
    // What a load has taken so far would look like a stranger's where processes are not told apart.
    const bool is_told = own_known_ || !(has_unseen_ || is_tried_);
    const bool is_quiet = !has_departed() && !may_hide_death() && is_told;
    if (is_quiet) quiet_ = above(now, left_behind_.value_or(Bytes{}));
}

// By an answer that was asked for before their exits were seen.
Bytes DeviceLedger::listed_of_dead(const MemorySample& sample) const {
    Bytes sum;
    if (!own_known_) return sum;
    for (const OwnMemory& own : sample.own) {
        const Claim* claim = find_claim(own.generation);
        const bool is_departed = claim != nullptr && claim->stage == ClaimStage::departed;
        if (is_departed || fences_.contains(own.generation)) sum = sum + own.bytes;
    }
    return sum;
}

// Strangers that are listed may come and go beside the dead: what is listed of them now takes the
// place of what was. The rest, which nobody names, is as it was when it was quiet.
void DeviceLedger::note_strangers(const MemorySample& sample) {
    if (!own_known_) {
        listed_.reset();
        return;
    }
    const Bytes rest = above(quiet_.value_or(Bytes{}), listed_.value_or(sample.strangers));
    quiet_ = rest + sample.strangers;
    listed_ = sample.strangers;
}

// What the living had beyond what was known to be their own was taken for a stranger's until now.
void DeviceLedger::tell_apart() {
    Bytes mistaken;
    for (const auto& [generation, claim] : claims_) {
        if (claim.stage != ClaimStage::loaded || is_unseen(claim)) continue;
        const Bytes measured = claim.measured.value_or(Bytes{});
        mistaken = mistaken + above(measured, claim.seen.value_or(Bytes{}));
    }
    if (quiet_) quiet_ = above(*quiet_, mistaken);
}

void DeviceLedger::note_uses() {
    for (auto& [generation, claim] : claims_) {
        const Bytes measured = claim.measured.value_or(Bytes{});
        if (measured <= kTolerance) continue;
        claim.was_seen = true;
        if (claim.stage != ClaimStage::loaded || is_unseen(claim)) continue;
        claim.seen = measured;
        claim.batch = generation;
    }
    if (!used_) return;
    if (!own_known_) share_rise();
    if (!own_known_) correct_shares();
    const Bytes now = unexplained() + unheard_of();
    for (auto& [generation, claim] : claims_) {
        const bool may_take = is_unseen(claim) || (claim.is_trying && claim.seen);
        if (!may_take) continue;
        // An answer that lists it knows what is its own so far, and begins anew.
        const bool is_listed = claim.measured > Bytes{};
        claim.before = is_listed ? now : std::min(claim.before.value_or(now), now);
    }
}

// What rose while they loaded is theirs, up to their claims: by as much less as strangers gave way
// meanwhile, or the dead, so that it hides nothing that the dead have left.
void DeviceLedger::share_rise() {
    const auto is_new = [this](const Claim& claim) {
        return claim.stage == ClaimStage::loaded && !claim.seen && !is_unseen(claim);
    };
    const Bytes now = unexplained();
    const Bytes quiet = quiet_.value_or(Bytes{});
    // Launched while the device was silent: beside all that the dead may have left.
    const Bytes unasked = quiet + departed_ + fenced_;
    Bytes before = now;
    Bytes claimed;
    for (const auto& [generation, claim] : claims_) {
        if (!is_new(claim)) continue;
        before = std::min(before, claim.before.value_or(unasked));
        claimed = claimed + claim.bytes;
    }
    for (auto& [generation, claim] : claims_) {
        if (!is_new(claim)) continue;
        const Bytes own = std::min(claim.bytes, above(now, claim.before.value_or(unasked)));
        claim.most = std::min(claim.bytes, above(now, quiet));
        claim.seen = std::min(own, share(above(now, before), claim.bytes, claimed));
        claim.before.reset();
    }
    limit_exclusive();
}

// One of a batch is gone, and less is left than the others' shares and what strangers had: those
// were too large. To keep them would shrink what strangers have, and fence that when they end.
void DeviceLedger::correct_shares() {
    Bytes excess = above(quiet_.value_or(Bytes{}) + own_use(&Claim::seen), used_.value_or(Bytes{}));
    for (const auto& [dead, gone] : claims_) {
        if (gone.stage != ClaimStage::departed || gone.departed_at >= sequence_) continue;
        for (auto& [generation, claim] : claims_) {
            const bool is_sharer = claim.stage == ClaimStage::loaded && claim.batch == gone.batch;
            if (!is_sharer || is_unseen(claim) || !claim.seen) continue;
            const Bytes own = above(*claim.seen, excess);
            excess = excess - (*claim.seen - own);
            claim.seen = own;
        }
    }
}

// Of what one of a batch seems to have left, when something came back: so much as the others may
// have, whose shares were too small. A process's memory comes back as a whole. Returns the bytes.
Bytes DeviceLedger::lay_on_batch(const Claim& gone, Bytes missing) {
    const bool has_given_back = missing + kTolerance < gone.seen.value_or(Bytes{});
    if (own_known_ || !has_given_back) return {};
    Bytes rest = missing;
    for (auto& [generation, claim] : claims_) {
        const bool is_sharer = claim.stage == ClaimStage::loaded && claim.batch == gone.batch;
        if (!is_sharer || is_unseen(claim) || !claim.seen) continue;
        const Bytes more = std::min(rest, above(claim.bytes, *claim.seen));
        claim.seen = *claim.seen + more;
        rest = rest - more;
    }
    return missing - rest;
}

// Who is alone takes more as it runs: all that rises may be its own, and no more than that.
void DeviceLedger::limit_exclusive() {
    const Bytes now = unexplained();
    for (auto& [generation, claim] : claims_) {
        const bool is_known = claim.stage == ClaimStage::loaded && claim.seen && !is_unseen(claim);
        if (!claim.is_exclusive || !is_known) continue;
        const bool is_new = claim.most && !claim.strangers;
        claim.strangers = std::min(claim.strangers.value_or(quiet_.value_or(Bytes{})), now);
        if (!is_new) claim.most = std::min(claim.bytes, *claim.seen + above(now, *claim.strangers));
    }
}

// The driver's list loses a process some time before we hear of its exit: until then its bytes are
// explained by nobody, and would be taken for a stranger's.
bool DeviceLedger::may_hide_death() const {
    return own_known_ && std::ranges::any_of(claims_, [](const auto& entry) {
               const Claim& claim = entry.second;
               const bool may_be_none = claim.is_abandoned || claim.is_lease;
               const bool has_loaded = claim.stage == ClaimStage::loaded && !may_be_none;
               const bool should_be_seen = claim.was_seen || has_loaded;
               return claim.bytes > kTolerance && should_be_seen &&
                      claim.measured.value_or(Bytes{}) <= kTolerance;
           });
}

void DeviceLedger::forget_measures() {
    used_.reset();
    for (auto& [generation, claim] : claims_) claim.measured.reset();
    weigh();
}

std::vector<Generation> DeviceLedger::proved() const {
    std::vector<Generation> gone;
    if (!left_behind_ || above(*left_behind_, fenced_) > kTolerance) return gone;
    for (const auto& [generation, claim] : claims_) {
        const bool is_gone = claim.stage == ClaimStage::departed &&
                             (claim.departed_at < sequence_ || mutant(Mutant::old_answer_proves)) &&
                             claim.measured.value_or(Bytes{}) <= kTolerance;
        if (is_gone) gone.push_back(generation);
    }
    return gone;
}

std::vector<Generation> DeviceLedger::lift_fences() {
    std::vector<Generation> lifted;
    if (!left_behind_ || fences_.empty()) return lifted;
    Bytes seen = *left_behind_;
    for (auto& [generation, fence] : fences_) {
        if (fence.departed_at >= sequence_) continue;  // asked before its exit was seen
        fence.bytes = std::min(fence.bytes, seen);
        seen = seen - fence.bytes;
        if (fence.bytes <= kTolerance) lifted.push_back(generation);
    }
    for (const Generation generation : lifted) fences_.erase(generation);
    weigh();
    return lifted;
}

std::optional<Bytes> DeviceLedger::usable() const {
    if (!capacity_) return std::nullopt;
    return above(*capacity_, headroom_);
}

const Claim* DeviceLedger::find_claim(Generation generation) const {
    const auto claim = claims_.find(generation);
    return claim == claims_.end() ? nullptr : &claim->second;
}

void DeviceLedger::add_up() {
    claimed_ = departed_ = fenced_ = {};
    is_exclusive_ = is_loading_ = has_unseen_ = has_loaded_unseen_ = is_tried_ = false;
    for (const auto& [generation, claim] : claims_) {
        const Bytes measured = claim.measured.value_or(Bytes{});
        const bool is_to_come = claim.is_guest && is_unseen(claim);
        claimed_ =
            claimed_ + (is_to_come ? claim.bytes + measured : std::max(claim.bytes, measured));
        if (claim.stage == ClaimStage::departed) departed_ = departed_ + claim.bytes;
        is_exclusive_ = is_exclusive_ || claim.is_exclusive;
        is_loading_ = is_loading_ || claim.stage == ClaimStage::loading;
        has_unseen_ = has_unseen_ || is_unseen(claim);
        has_loaded_unseen_ =
            has_loaded_unseen_ || (claim.stage == ClaimStage::loaded && is_unseen(claim));
        is_tried_ = is_tried_ || claim.is_trying;
    }
    for (const auto& [generation, fence] : fences_) fenced_ = fenced_ + fence.bytes;
}

bool DeviceLedger::is_unseen(const Claim& claim) const {
    return claim.stage == ClaimStage::loading ||
           (claim.stage == ClaimStage::loaded && claim.loaded_at >= sequence_);
}

Bytes DeviceLedger::own_use(std::optional<Bytes> Claim::*estimate) const {
    Bytes own;
    for (const auto& [generation, claim] : claims_) {
        if (own_known_ && claim.stage != ClaimStage::departed) {
            own = own + claim.measured.value_or(Bytes{});
        } else if (!own_known_ && claim.stage == ClaimStage::loaded && !is_unseen(claim) &&
                   !claim.is_lease && !mutant(Mutant::hidden_is_foreign)) {
            own =
                own + (estimate == nullptr ? believed(claim) : (claim.*estimate).value_or(Bytes{}));
        }
    }
    return own;
}

// By the last sample, as far as is known who has taken what.
Bytes DeviceLedger::unexplained() const {
    return above(used_.value_or(Bytes{}), own_use(&Claim::seen));
}

// What the dead may have taken since the last sample.
Bytes DeviceLedger::unheard_of() const {
    Bytes sum;
    for (const auto& [generation, claim] : claims_) {
        const bool is_late = claim.stage == ClaimStage::departed && claim.departed_at >= sequence_;
        if (is_late && !claim.seen) sum = sum + claim.bytes;
    }
    for (const auto& [generation, fence] : fences_) {
        if (fence.departed_at >= sequence_) sum = sum + fence.bytes;
    }
    return sum;
}

void DeviceLedger::weigh() {
    add_up();
    free_.reset();
    foreign_.reset();
    left_behind_.reset();
    deficit_ = {};
    if (!used_) return;
    const Bytes quiet = quiet_.value_or(Bytes{});
    const Bytes left = std::min(above(unexplained(), quiet), departed_ + fenced_);
    const Bytes foreign = above(above(*used_, left), own_use(nullptr));
    left_behind_ = left;
    foreign_ = foreign;
    if (!capacity_) return;
    free_ = above(*capacity_, headroom_ + foreign + fenced_ + claimed_);
    // What a load has taken may look like a stranger's: nobody is ended for that.
    const Bytes strangers = is_blurred() ? std::min(foreign, quiet) : foreign;
    deficit_ = above(headroom_ + strangers + fenced_ + claimed_, *capacity_);
}

void DeviceLedger::encode(StateEncoder& encoder) const {
    encoder.number(claims_.size());
    for (const auto& [generation, claim] : claims_) {
        encoder.generation(generation);
        encoder.number(claim.bytes.count());
        encoder.number(static_cast<std::uint64_t>(claim.stage) | (claim.is_exclusive ? 4u : 0u) |
                       (claim.departed_at < sequence_ ? 8u : 0u) | (claim.measured ? 16u : 0u) |
                       (claim.was_seen ? 32u : 0u) | (is_unseen(claim) ? 64u : 0u) |
                       (claim.is_trying ? 128u : 0u) | (claim.is_abandoned ? 256u : 0u) |
                       (claim.is_guest ? 512u : 0u) | (claim.is_lease ? 1024u : 0u));
        if (claim.measured) encoder.number(claim.measured->count());
        if (own_known_) continue;  // these count only where processes are not told apart
        encoder.number((claim.before ? 1u : 0u) | (claim.seen ? 2u : 0u) | (claim.most ? 4u : 0u) |
                       (claim.strangers ? 8u : 0u));
        for (const auto& bytes : {claim.before, claim.seen, claim.most, claim.strangers})
            encoder.number(bytes.value_or(Bytes{}).count());
        for (const auto& [mate, other] : claims_) {
            if (other.batch != claim.batch) continue;
            encoder.generation(mate);  // the first that is left of them
            break;
        }
    }
    encoder.number(fences_.size());
    for (const auto& [generation, fence] : fences_) {
        encoder.generation(generation);
        encoder.number(fence.bytes.count() << 1 | (fence.departed_at < sequence_ ? 1u : 0u));
    }
    encoder.number((used_ ? 1u : 0u) | (own_known_ ? 2u : 0u) | (quiet_ ? 4u : 0u) |
                   (listed_ ? 8u : 0u) | (has_told_ ? 16u : 0u));
    if (used_) encoder.number(used_->count());
    if (quiet_) encoder.number(quiet_->count());
    if (listed_) encoder.number(listed_->count());
}

}  // namespace windlass::core
