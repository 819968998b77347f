// What is known of one device's memory: how much there is, what was measured last, and who counts
// on which bytes of it. Host memory is kept in the same way. A value that decides nothing, except
// which bytes count as free; a number that is not known is empty, never 0.
//
//   free    = capacity - headroom - foreign - fenced - sum of max(claimed, measured)
//   foreign = used - measured own - what the dead left behind, all of one sample
//
// Where the driver does not tell processes apart, the claims of loaded replicas stand for what they
// use. A claim may be larger than that, and must not hide what the dead left: for this judgement a
// replica has what `used` rose by while it loaded. Where it does, a living stranger that it lists
// is never taken for what the dead left, whenever it came.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "core/device_claim.h"
#include "core/ids.h"
#include "core/state_encoder.h"

namespace windlass::core {

class DeviceLedger {
  public:
    // What may be seen of a dead process without counting as left behind. Source: scenario A0.3.
    static constexpr Bytes kTolerance{std::uint64_t{32} << 20};

    DeviceLedger() = default;
    DeviceLedger(std::optional<Bytes> capacity, Bytes headroom);

    void resize(std::optional<Bytes> capacity, Bytes headroom);

    // --- claims
    void claim(Generation generation, Bytes bytes, bool is_exclusive);  // before the launch
    // For weights from another device: what it has before they are here, it has on top of them.
    void host(Generation generation, Bytes bytes);
    void mark_loaded(Generation generation, std::uint64_t sequence);
    void lend(Generation generation, Bytes bytes, std::uint64_t sequence);  // to a client
    // Its first run begins: it claims all that is free on top, alone, unless it is alone still.
    // `free` must be known, or it is alone. Until settle() what rises is its own.
    void begin_trying(Generation generation);
    // Its process cannot be ended: it loads no more, and may hold nothing.
    void abandon(Generation generation, std::uint64_t sequence);
    // What was provisional becomes what was measured; others may load again.
    void settle(Generation generation, Bytes bytes);
    Bytes weight(Generation generation) const;  // what it has, as measured; else as claimed
    // Its weights begin to leave or to come back: from now on nobody can tell which bytes are its
    // own, until a sample after the end of that; it claims so much.
    void claim_again(Generation generation, Bytes bytes, bool is_exclusive);
    void shrink(Generation generation);  // they have left: it claims what the last sample shows
    void limit(Generation generation, Bytes bytes);  // it claims no more than that
    // Its exit was seen. Samples up to `sequence`, the last one asked for, prove nothing.
    void depart(Generation generation, std::uint64_t sequence);
    void release(Generation generation);  // proved; or nothing can be measured here
    // The settle deadline: what is still missing stays closed. Returns its bytes; 0: all is there.
    Bytes fence(Generation generation, Instant now);

    // --- measures
    void measure(const MemorySample& sample);
    void forget_measures();  // the device does not answer

    // Departed ones whose bytes the last sample shows gone.
    std::vector<Generation> proved() const;
    // Fences that the last sample shows gone; they are lifted by this. The others shrink to what is
    // still there.
    std::vector<Generation> lift_fences();

    // --- numbers
    std::optional<Bytes> capacity() const { return capacity_; }
    std::optional<Bytes> used() const { return used_; }
    std::optional<Bytes> usable() const;  // what a claim could ever get
    std::optional<Bytes> free() const { return free_; }
    // Without its claim. Not both together, where more was let in than there is.
    std::optional<Bytes> free_without(Generation generation) const;
    // By how much claims and strangers together are above what there is.
    Bytes deficit() const { return deficit_; }
    std::optional<Bytes> foreign() const { return foreign_; }
    Bytes claimed() const { return claimed_; }
    Bytes fenced() const { return fenced_; }
    bool is_exclusive() const { return is_exclusive_; }  // somebody is alone here
    bool is_loading() const { return is_loading_; }
    bool has_unseen() const { return has_unseen_; }  // a load that the last sample may lack
    // What a load takes looks like a stranger's; or may look so as soon as it takes anything: a
    // list that never named anybody is empty where processes are hidden, too.
    bool is_blurred() const { return used_ && !(own_known_ && has_told_) && has_unseen_; }
    // And it has taken it: who loads beside it before that was measured shares what rose.
    bool has_unmeasured() const { return is_blurred() && has_loaded_unseen_; }
    bool has_departed() const { return departed_ > Bytes{}; }

    const std::map<Generation, Claim>& claims() const { return claims_; }
    const std::map<Generation, Fence>& fences() const { return fences_; }
    const Claim* find_claim(Generation generation) const;
    bool is_unseen(Generation generation) const { return is_unseen(claims_.at(generation)); }

    void encode(StateEncoder& encoder) const;
    friend bool operator==(const DeviceLedger&, const DeviceLedger&) = default;

  private:
    // As the last sample tells; where that does not tell processes apart, as the estimate or, if
    // there is none, the claims.
    Bytes own_use(std::optional<Bytes> Claim::*estimate) const;
    Bytes unexplained() const;
    Bytes unheard_of() const;
    Bytes listed_of_dead(const MemorySample& sample) const;
    void tell_apart();
    void note_strangers(const MemorySample& sample);
    void note_uses();
    Generation find_batch(Generation generation) const;
    void share_rise();
    void correct_shares();
    Bytes lay_on_batch(const Claim& gone, Bytes missing);
    void limit_exclusive();
    bool may_hide_death() const;
    bool is_unseen(const Claim& claim) const;
    void add_up();
    void weigh();  // brings the numbers up to date with claims, fences and measures

    std::optional<Bytes> capacity_;
    Bytes headroom_;
    std::map<Generation, Claim> claims_;
    std::map<Generation, Fence> fences_;
    // Of the last sample.
    std::optional<Bytes> used_;
    bool own_known_ = false;
    std::uint64_t sequence_ = 0;
    bool has_told_ = false;  // some sample named processes: an empty list means that there are none
    // What nobody explained when nobody's memory was on its way back; and so much of it the driver
    // listed as strangers', where it tells processes apart.
    std::optional<Bytes> quiet_;
    std::optional<Bytes> listed_;
    // Derived by weigh().
    Bytes claimed_;
    Bytes departed_;
    Bytes fenced_;
    bool is_exclusive_ = false;
    bool is_loading_ = false;
    bool has_unseen_ = false;
    bool has_loaded_unseen_ = false;  // it does not load any more
    bool is_tried_ = false;           // somebody's first run is under way
    std::optional<Bytes> free_;
    std::optional<Bytes> foreign_;
    std::optional<Bytes> left_behind_;  // of fences and departed claims, as far as it can be seen
    Bytes deficit_;
};

}  // namespace windlass::core
