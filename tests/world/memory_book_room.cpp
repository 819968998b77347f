// Whether there is room for somebody, or could be, by what the last answers tell.
#include <algorithm>

#include "world/memory_book.h"

namespace windlass::world {

using core::NeedKind;
using core::UnknownMemory;

namespace {

// So long a device that is being asked holds up a start on another.
constexpr core::Duration kPatience = std::chrono::milliseconds{250};
// Where room is that certain: beyond what the engine lets pass as noise.
constexpr Bytes kRounding{std::uint64_t{1} << 29};

}  // namespace

// Certainly, whatever of the dead is still there: for all there is, where nobody ever was; and not
// beside a claim of an unknown size, which may be alone there.
bool MemoryBook::has_room(const core::ModelSpec& spec, DeviceId id,
                          const BookedDevice& device) const {
    const auto need = need_on(spec, device);
    if (!device.last || !device.last->used || !device.spec.capacity) return false;
    const bool own_known = device.last->own_known;
    Bytes taken = *device.last->used;
    for (const auto& [generation, claim] : claims_) {
        if (claim.device != id) continue;
        // One that comes back claims what it had, if that is more than its need.
        const bool is_back = claim.is_parked && !claim.away_after;
        auto theirs = claim.held();
        if (theirs && is_back) theirs = std::max(*theirs, claim.parked);
        const bool is_settled = claim.kept && claim.is_kept_known && own_known;
        const bool is_moving = claim.away_after && !is_settled;
        if (!theirs || claim.may_be_all || !need || is_moving) return false;
        const bool is_counted = own_known && !claim.exit_after;
        taken = taken +
                (is_counted ? above(*theirs, claim.measured) : std::max(*theirs, claim.measured));
    }
    const Bytes room = above(*device.spec.capacity, settings_->headroom);
    return need ? taken + *need <= room : taken < room;
}

bool MemoryBook::is_taken(const core::ModelSpec& spec, DeviceId id) const {
    return std::ranges::any_of(claims_, [&](const auto& entry) {
        const BookedClaim& claim = entry.second;
        const bool is_alone = claim.is_all && !claim.exit_after && !claim.kept;
        const bool is_there = claim.device == id && !claim.is_returned;
        return is_there && (is_alone || spec.need.kind == NeedKind::all);
    });
}

bool MemoryBook::has_answering(const core::ModelSpec& spec) const {
    return std::ranges::any_of(devices_, [&](const auto& entry) {
        const BookedDevice& device = entry.second;
        return may_use(spec, device) && !device.is_lost && !device.is_silent;
    });
}

bool MemoryBook::is_fresh(const BookedDevice& device, core::Instant now) {
    return device.last && !device.is_stale && now < device.answered + core::Devices::kFreshFor;
}

bool MemoryBook::is_unmeasured(DeviceId id) const {
    const BookedDevice& device = devices_.at(id);
    if (!device.last || !device.last->used || (device.last->own_known && device.has_told))
        return false;
    return std::ranges::any_of(claims_, [&](const auto& entry) {
        const BookedClaim& claim = entry.second;
        const bool is_guest = claim.device != id && device.spec.kind == core::DeviceKind::cpu;
        return (claim.device == id && claim.loaded_after >= device.last->sequence) ||
               (is_guest && claim.parked_after >= device.last->sequence);
    });
}

// Its answer takes so long that the others are good enough, and its old one is not relied on.
bool MemoryBook::is_slow(DeviceId id, core::Instant now) const {
    const BookedDevice& device = devices_.at(id);
    const bool is_relied_on = is_fresh(device, now) && !is_unmeasured(id);
    return device.is_asked && device.asked + kPatience <= now && !is_relied_on;
}

bool MemoryBook::is_awaited(DeviceId id, core::Instant now) const {
    const BookedDevice& device = devices_.at(id);
    const bool is_relied_on = is_fresh(device, now) && !is_unmeasured(id);
    return !device.is_silent && device.is_asked && !is_relied_on && !is_slow(id, now);
}

bool MemoryBook::is_short(const core::ModelSpec& spec, const std::set<DeviceId>& reserved,
                          core::Instant now) const {
    const bool is_asking = std::ranges::any_of(devices_, [&](const auto& entry) {
        return may_use(spec, entry.second) && is_awaited(entry.first, now);
    });
    if (is_asking) return true;  // it may be the better place
    return std::ranges::none_of(devices_, [&](const auto& entry) {
        const auto& [id, device] = entry;
        const bool is_open = !device.is_lost && !reserved.contains(id) && !is_slow(id, now);
        if (!may_use(spec, device) || !is_open) return false;
        if (device.last && device.last->used && device.spec.capacity) {
            return has_room(spec, id, device);
        }
        return settings_->on_unknown_memory == UnknownMemory::admit && !is_taken(spec, id);
    });
}

bool MemoryBook::would_fit(const core::ModelSpec& spec, DeviceId id,
                           const std::set<Generation>& leaving, Generation returning) const {
    const BookedDevice& device = devices_.at(id);
    if (!may_use(spec, device)) return false;
    const bool is_admitted = settings_->on_unknown_memory == UnknownMemory::admit;
    if (!device.spec.is_measured && is_admitted) {  // only who is there is in the way
        return std::ranges::none_of(claims_, [&](const auto& entry) {
            const auto& [generation, claim] = entry;
            const bool stays = claim.device == id && !claim.exit_after &&
                               !leaving.contains(generation) && generation != returning;
            return stays && ((claim.is_all && !claim.kept) || spec.need.kind == NeedKind::all);
        });
    }
    if (!device.spec.capacity || !device.last || !device.last->used) return false;
    const Bytes room = above(*device.spec.capacity, settings_->headroom);
    std::optional<Bytes> need = need_on(spec, device);
    const auto away = claims_.find(returning);
    if (need && away != claims_.end()) {
        need = std::min(*need, room);
        const Bytes weights = away->second.parked;
        const bool is_guess = spec.need.kind == NeedKind::unknown;
        if (is_guess && weights > Bytes{}) need = std::min(*need, weights);
        // What it was seen to have beyond its claim it does not ask for.
        need = std::min(*need, away->second.learned.value_or(*need));
    }
    Bytes stranger = *device.last->used;
    Bytes taken;
    bool is_sure = true;
    for (const core::OwnMemory& own : device.last->own) stranger = above(stranger, own.bytes);
    for (const auto& [generation, claim] : claims_) {
        if (claim.device != id) continue;
        const Bytes bytes = std::max(claim.held().value_or(Bytes{}), claim.measured);
        if (claim.exit_after) stranger = above(stranger, bytes);  // may be seen, and comes back
        is_sure = is_sure && (claim.need || !claim.exit_after);
        if (claim.exit_after || leaving.contains(generation)) continue;
        if (spec.need.kind == NeedKind::all) return false;
        taken = taken + bytes;
    }
    // It cannot be told from here who is counted as a stranger where processes are hidden, and how
    // much comes back of a claim of an unknown size.
    if (!need || !device.last->own_known || !is_sure) return true;
    return taken + stranger + *need <= room;
}

bool MemoryBook::could_make_room(const core::ModelSpec& spec, DeviceId id,
                                 const std::set<Generation>& movable, core::Instant now) const {
    const BookedDevice& device = devices_.at(id);
    const bool is_gpu = device.spec.kind == core::DeviceKind::gpu && device.spec.capacity;
    if (!is_gpu || spec.need.kind != NeedKind::bytes || !may_use(spec, device)) return false;
    const core::DeviceSampled last = device.last.value_or(core::DeviceSampled{});
    if (!is_fresh(device, now) || !last.used || !last.own_known) return false;
    const bool is_asking = std::ranges::any_of(devices_, [&](const auto& entry) {
        const auto& [other, asked] = entry;
        const bool is_host = asked.spec.kind == core::DeviceKind::cpu;
        return (is_host && asked.is_asked) || (may_use(spec, asked) && is_awaited(other, now));
    });
    if (is_asking || has_departed()) return false;
    Bytes taken = spec.need.bytes + kRounding;
    Bytes stranger = *last.used;
    for (const core::OwnMemory& own : last.own) stranger = above(stranger, own.bytes);
    for (const auto& [generation, claim] : claims_) {
        if (claim.device != id) continue;
        const bool is_plain = claim.need && *claim.need > Bytes{} && !claim.may_be_all &&
                              !claim.is_all && !claim.exit_after && !claim.away_after;
        if (!is_plain) return false;
        if (!movable.contains(generation)) taken = taken + std::max(*claim.need, claim.measured);
    }
    return taken + stranger <= above(*device.spec.capacity, settings_->headroom);
}

std::optional<Bytes> MemoryBook::free_for_certain(DeviceId id) const {
    const BookedDevice& device = devices_.at(id);
    const core::DeviceSampled last = device.last.value_or(core::DeviceSampled{});
    const bool is_gpu = device.spec.kind == core::DeviceKind::gpu && device.spec.capacity;
    if (!last.used || !last.own_known || !is_gpu) return std::nullopt;
    for (const auto& [generation, claim] : claims_) {
        if (claim.device != id) continue;
        const bool is_plain = claim.need && *claim.need > Bytes{} && !claim.learned &&
                              !claim.may_be_all && !claim.is_all && !claim.exit_after &&
                              !claim.away_after && !claim.is_parked;
        if (!is_plain) return std::nullopt;
    }
    const Bytes room = above(*device.spec.capacity, settings_->headroom);
    return above(room, *last.used + outstanding(id));
}

bool MemoryBook::is_any_asked() const {
    return std::ranges::any_of(devices_, [](const auto& e) { return e.second.is_asked; });
}

std::uint64_t MemoryBook::print() const {
    std::uint64_t print = 1;
    const auto add = [&](std::uint64_t value) { print = (print ^ value) * 0x9e3779b97f4a7c15; };
    for (const auto& [id, device] : devices_) {
        add((device.is_lost ? 1u : 0u) | (device.is_silent ? 2u : 0u));
        if (!device.last) continue;
        add(device.last->used.value_or(Bytes{}).count());
        for (const core::OwnMemory& own : device.last->own)
            add(own.bytes.count() ^ own.generation.value);
    }
    for (const auto& [generation, claim] : claims_)
        add(generation.value << 1 | (claim.exit_after ? 1u : 0u));
    return print;
}

std::vector<DeviceId> MemoryBook::device_ids() const {
    std::vector<DeviceId> ids;
    for (const auto& [id, device] : devices_) ids.push_back(id);
    return ids;
}

bool MemoryBook::has_departed() const {
    return std::ranges::any_of(claims_,
                               [](const auto& e) { return e.second.exit_after.has_value(); });
}

bool MemoryBook::is_hopeless(const core::ModelSpec& spec, core::Instant now) const {
    return std::ranges::all_of(devices_, [&](const auto& entry) {
        const BookedDevice& device = entry.second;
        if (!may_use(spec, device)) return true;
        // In the instant in which it falls silent its last answer may have been the reason.
        if (device.is_silent && device.silent_since == now) return true;
        if (device.is_lost || device.is_silent) return false;
        if (!device.last || !device.last->used) return true;
        const auto need = need_on(spec, device);
        return need && *need > above(*device.spec.capacity, settings_->headroom);
    });
}

}  // namespace windlass::world
