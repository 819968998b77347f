// What the oracle demands of the memory of weights that move.
#include <fmt/core.h>

#include <algorithm>

#include "world/memory_book.h"

namespace windlass::world {

using core::UnknownMemory;

namespace {

Bytes beyond(Bytes a, Bytes b) { return a > b ? a - b : Bytes{}; }

}  // namespace

void MemoryBook::on_offload(Generation generation, core::Instant now) {
    const auto claim = claims_.find(generation);
    if (claim == claims_.end()) return;
    const auto host = std::ranges::find_if(
        devices_, [](const auto& d) { return d.second.spec.kind == core::DeviceKind::cpu; });
    if (host == devices_.end()) return;
    const Device& cpu = host->second;
    const Device& own = devices_.at(claim->second.device);
    // What the last answer shows of it is on its way.
    const Bytes weights = own.last && own.last->own_known ? claim->second.measured : Bytes{};
    const bool is_turning = cpu.is_asked && cpu.asked + settings_.answer_timeout <= now;
    const bool is_known = cpu.last && cpu.last->used && cpu.spec.capacity;
    if (weights > Bytes{} && !is_turning && is_known) {
        const Bytes room = beyond(*cpu.spec.capacity, settings_.headroom);
        if (*cpu.last->used + weights > room || claimed(host->first) + weights > room) {
            fail(
                fmt::format("{} of weights were sent to a host that has no room for them: {} "
                            "used, {} claimed of {}",
                            to_text(weights), to_text(*cpu.last->used),
                            to_text(claimed(host->first)), to_text(room)));
        }
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
    Claim& claim = found->second;
    const Device& device = devices_.at(claim.device);
    const core::DeviceSampled last = device.last.value_or(core::DeviceSampled{});
    const bool is_turning = device.is_asked && device.asked + settings_.answer_timeout <= now;
    if (device.is_lost) fail("a model was restored to a device that is not there");
    const bool is_known = last.used && device.spec.capacity;
    if (!is_known && !is_turning && settings_.on_unknown_memory == UnknownMemory::refuse) {
        fail("a model was restored to a device that does not say how full it is");
    }
    const Bytes full = claim.need.value_or(Bytes{});
    if (is_known && !is_turning && claim.kept && claim.need) {
        const Bytes room = beyond(*device.spec.capacity, settings_.headroom);
        // One that was let in blindly may have more than a claim can ever get.
        const Bytes more = beyond(std::min(full, room), *claim.kept);
        const bool is_more = more > Bytes{};
        if (is_more && claimed(claim.device) + more > room) {
            fail(fmt::format(
                "a model was restored where others are already: {} claimed, {} more of {}",
                to_text(claimed(claim.device)), to_text(more), to_text(room)));
        }
        if (is_more && last.own_known && *last.used + outstanding(claim.device) + more > room) {
            fail(fmt::format(
                "a model was restored where there is no room for it: {} used, {} claimed "
                "beyond that, {} more of {}",
                to_text(*last.used), to_text(outstanding(claim.device)), to_text(more),
                to_text(room)));
        }
    }
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
void MemoryBook::unpark(Claim& claim) {
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
    const Device& device = devices_.at(claim->second.device);
    const bool is_relied_on = is_fresh(device, now) && !is_unmeasured(claim->second.device);
    if (!is_relied_on || !device.last->used) return true;  // it is being asked
    const std::optional<Bytes> claimed = claim->second.need;
    // One that was let in without any number claims what it was seen to have.
    if (!claimed || *claimed == Bytes{} || !device.spec.capacity) return true;
    const Bytes full = std::max(*claimed, claim->second.parked);
    const Bytes room = beyond(*device.spec.capacity, settings_.headroom);
    const bool is_alone = std::ranges::none_of(claims_, [&](const auto& other) {
        return other.first != generation && other.second.device == claim->second.device;
    });
    // Beside nobody, and strangers leave enough.
    return !is_alone || *device.last->used + full > room;
}

}  // namespace windlass::world
