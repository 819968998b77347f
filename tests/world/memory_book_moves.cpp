// What the oracle writes down of the memory of weights that move.
#include <algorithm>

#include "world/memory_book.h"

namespace windlass::world {

void MemoryBook::on_offload(Generation generation, core::Instant now) {
    const auto claim = claims_.find(generation);
    if (claim == claims_.end()) return;
    const auto host = std::ranges::find_if(
        devices_, [](const auto& d) { return d.second.spec.kind == core::DeviceKind::cpu; });
    if (host == devices_.end()) return;
    const BookedDevice& own = devices_.at(claim->second.device);
    // What the last answer shows of it is on its way.
    const Bytes weights = own.last && own.last->own_known ? claim->second.measured : Bytes{};
    if (weights > Bytes{} && !is_falling_silent(host->second, now)) {
        admissions_.push_back(admit(Entry::parked, host->first, weights));
    }
    claim->second.parked = weights;
    claim->second.is_parked = true;
}

void MemoryBook::on_away(Generation generation) {
    const auto claim = claims_.find(generation);
    if (claim == claims_.end()) return;
    claim->second.away_after = devices_.at(claim->second.device).sequence;
    claim->second.loaded_after = claim->second.away_after;
    claim->second.kept.reset();
    for (const auto& [id, device] : devices_) {
        const bool is_host = device.spec.kind == core::DeviceKind::cpu;
        if (is_host && !claim->second.parked_after) claim->second.parked_after = device.sequence;
    }
}

void MemoryBook::on_restore(Generation generation, core::Instant now) {
    const auto found = claims_.find(generation);
    if (found == claims_.end()) return;
    BookedClaim& claim = found->second;
    const BookedDevice& device = devices_.at(claim.device);
    if (device.is_lost) {
        fail(Invariant::orders_make_sense, "a model was restored to a device that is not there");
    }
    Admission admission = admit(Entry::restored, claim.device, {});
    admission.is_excused = is_falling_silent(device, now);
    if (claim.kept && claim.need) {
        // One that was let in blindly may have more than a claim can ever get.
        const Bytes more = above(std::min(*claim.need, admission.room), *claim.kept);
        if (more > Bytes{}) admission.need = more;
    }
    admissions_.push_back(admission);
    claim.kept.reset();
    claim.away_after.reset();
}

void MemoryBook::on_came_back(Generation generation) {
    const auto claim = claims_.find(generation);
    if (claim == claims_.end()) return;
    claim->second.kept.reset();
    claim->second.away_after.reset();
    unpark(claim->second);
    on_loaded(generation);
}

// What the host's last answer counts of it is a stranger's, or gone.
void MemoryBook::unpark(BookedClaim& claim) {
    for (auto& [id, device] : devices_) {
        if (claim.is_parked && device.spec.kind == core::DeviceKind::cpu) device.is_stale = true;
    }
    claim.is_parked = false;
    claim.parked = {};
    claim.parked_after.reset();
}

bool MemoryBook::has_left(Generation generation) const {
    const auto claim = claims_.find(generation);
    return claim != claims_.end() && claim->second.away_after && !claim->second.kept;
}

bool MemoryBook::is_short_of(Generation generation, core::Instant now) const {
    const auto claim = claims_.find(generation);
    if (claim == claims_.end()) return true;
    const BookedDevice& device = devices_.at(claim->second.device);
    const bool is_relied_on = is_fresh(device, now) && !is_unmeasured(claim->second.device);
    const std::optional<Bytes> used = device.last ? device.last->used : std::nullopt;
    if (!is_relied_on || !used) return true;  // it is being asked
    const std::optional<Bytes> claimed = claim->second.need;
    // One that was let in without any number claims what it was seen to have.
    if (!claimed || *claimed == Bytes{} || !device.spec.capacity) return true;
    const Bytes full = std::max(*claimed, claim->second.parked);
    const Bytes room = above(*device.spec.capacity, settings_->headroom);
    const bool is_alone = std::ranges::none_of(claims_, [&](const auto& other) {
        return other.first != generation && other.second.device == claim->second.device;
    });
    // Beside nobody, and strangers leave enough.
    return !is_alone || *used + full > room;
}

}  // namespace windlass::world
