// What the oracle writes down of memory.
#include "world/memory_book.h"

#include <algorithm>
#include <iterator>

namespace windlass::world {

using core::NeedKind;

MemoryBook::MemoryBook(core::DeviceSettings settings)
    : settings_(std::make_shared<const core::DeviceSettings>(std::move(settings))) {
    for (const core::DeviceSpec& spec : settings_->known)
        devices_[DeviceId{devices_.size() + 1}] = {.spec = spec, .last = {}};
}

void MemoryBook::fail(Invariant invariant, const std::string& sentence) {
    if (!broken_) broken_ = Breach{invariant, sentence};
}

void MemoryBook::on(const core::DeviceFound& event) {
    BookedDevice& device = devices_[event.device];
    device.spec = event.spec;
    device.is_lost = false;
}

void MemoryBook::on(const core::DeviceLost& event) {
    BookedDevice& device = devices_.at(event.device);
    device.is_lost = true;
    device.is_asked = device.is_silent = false;
    device.last.reset();
    forget_measured(event.device);
}

void MemoryBook::on_time(core::Instant now) {
    for (auto& [id, device] : devices_) on_time(id, device, now);
}

void MemoryBook::on_time(DeviceId id, const BookedDevice& device, core::Instant now) {
    if (!device.is_asked || device.asked + settings_->answer_timeout > now) return;
    on(core::DeviceSilent{id, device.sequence}, now);
}

void MemoryBook::on(const core::SampleDevice& command, core::Instant now) {
    BookedDevice& device = devices_.at(command.device);
    on_time(command.device, device, now);  // the turn of others may come after a launch there
    if (device.is_asked)
        fail(Invariant::orders_make_sense, "a device was asked while it was being asked");
    if (device.is_lost) fail(Invariant::orders_make_sense, "a device was asked that is not there");
    if (command.sequence <= device.sequence)
        fail(Invariant::orders_make_sense, "a question was asked under an old number");
    device.is_asked = true;
    device.sequence = command.sequence;
    device.asked = now;
}

void MemoryBook::on(const core::DeviceSampled& event, core::Instant now) {
    BookedDevice& device = devices_.at(event.device);
    if (!device.is_asked || event.sequence != device.sequence) return;
    device.is_asked = device.is_silent = false;
    device.last = event;
    device.has_told |= event.own_known && (!event.own.empty() || event.strangers > Bytes{});
    device.answered = now;
    device.is_stale = false;
    for (auto& [generation, claim] : claims_) {
        if (claim.device == event.device && !claim.exit_after) claim.measured = {};
        const bool is_later = claim.exit_after && event.sequence > *claim.exit_after;
        if (claim.device == event.device && is_later && event.used) claim.is_covered = true;
        const bool is_kept =
            claim.away_after && !claim.exit_after && event.sequence > *claim.away_after;
        // Where processes are not told apart, it keeps nothing for certain.
        if (claim.device == event.device && is_kept && event.used) {
            claim.kept = Bytes{};
            claim.is_kept_known = event.own_known;
        }
    }
    for (const core::OwnMemory& own : event.own) {
        const auto claim = claims_.find(own.generation);
        if (claim == claims_.end() || claim->second.device != event.device) continue;
        if (event.own_known && !claim->second.exit_after) claim->second.measured = own.bytes;
        if (!event.own_known || !claim->second.kept) continue;
        claim->second.kept = std::min(own.bytes, claim->second.need.value_or(own.bytes));
    }
    for (auto& [generation, claim] : claims_) claim.high = std::max(claim.high, claim.measured);
}

void MemoryBook::on(const core::DeviceSilent& event, core::Instant now) {
    BookedDevice& device = devices_.at(event.device);
    if (!device.is_asked || event.sequence != device.sequence) return;
    device.is_asked = false;
    device.is_silent = true;
    device.silent_since = now;
    device.last.reset();
    forget_measured(event.device);
}

void MemoryBook::forget_measured(DeviceId id) {
    for (auto& [generation, claim] : claims_) {
        if (claim.device == id && !claim.exit_after) claim.measured = {};
    }
}

void MemoryBook::on(const core::NeedRecalled& event, const core::ModelSpec& spec) {
    auto& peaks = peaks_[{spec.name, event.make}];
    peaks.insert(peaks.begin(), event.peaks.begin(), event.peaks.end());
}

void MemoryBook::on(const core::RememberPeak& command, const core::ModelSpec& spec) {
    const auto claim = claims_.find(command.generation);
    if (claim == claims_.end() || claim->second.device != command.device) {
        return fail(Invariant::books_are_right,
                    "a peak was remembered of a process that is not there");
    }
    if (command.bytes != claim->second.high || command.bytes == Bytes{}) {
        fail(Invariant::books_are_right, "a peak was remembered that is not what was measured");
    }
    peaks_[{spec.name, devices_.at(command.device).spec.make}].push_back(command.bytes);
}

void MemoryBook::on(const core::ForgetPeaks& command, const core::ModelSpec& spec) {
    if (peaks_.erase({spec.name, devices_.at(command.device).spec.make}) == 0) {
        fail(Invariant::books_are_right, "a need was forgotten that nobody knew");
    }
}

// At most one peak of a hundred is above it; the latest hundred count.
std::optional<Bytes> MemoryBook::learned_on(const core::ModelSpec& spec,
                                            const BookedDevice& device) const {
    const auto found = peaks_.find({spec.name, device.spec.make});
    if (spec.need.kind != NeedKind::unknown || found == peaks_.end()) return std::nullopt;
    const std::size_t skipped =
        found->second.size() - std::min<std::size_t>(found->second.size(), 100);
    std::vector<Bytes> peaks{found->second.begin() + static_cast<std::ptrdiff_t>(skipped),
                             found->second.end()};
    std::ranges::sort(peaks, std::ranges::greater{});
    const Bytes peak = peaks.size() < 100 ? peaks[0] : peaks[1];
    const auto& capacity = device.spec.capacity;
    if (capacity && peak > above(*capacity, settings_->headroom)) return std::nullopt;
    return peak;
}

bool MemoryBook::is_need_known(const core::ModelSpec& spec, DeviceId id) const {
    return spec.need.kind != NeedKind::unknown || learned_on(spec, devices_.at(id));
}

std::optional<Bytes> MemoryBook::need_on(const core::ModelSpec& spec,
                                         const BookedDevice& device) const {
    if (spec.need.kind == NeedKind::bytes) return spec.need.bytes;
    if (spec.need.kind == NeedKind::unknown) return learned_on(spec, device);
    if (spec.need.kind != NeedKind::share || !device.spec.capacity) return std::nullopt;
    const Bytes usable = above(*device.spec.capacity, settings_->headroom);
    return Bytes{usable.count() * spec.need.permyriad / 10'000};
}

bool MemoryBook::may_use(const core::ModelSpec& spec, const BookedDevice& device) const {
    if (spec.devices.is_cpu) return device.spec.kind == core::DeviceKind::cpu;
    if (!spec.devices.uuids.empty()) {
        return std::ranges::count(spec.devices.uuids, device.spec.uuid) > 0;
    }
    const bool has_gpu = std::ranges::any_of(
        devices_, [](const auto& d) { return d.second.spec.kind == core::DeviceKind::gpu; });
    return !has_gpu || device.spec.kind == core::DeviceKind::gpu;
}

bool MemoryBook::is_known(DeviceId id, core::Instant now, bool is_sure) const {
    const BookedDevice& device = devices_.at(id);
    if (device.spec.kind == core::DeviceKind::cpu || !device.spec.capacity) return false;
    const bool is_turning = is_falling_silent(device, now);
    const bool was_silenced = device.is_silent && device.silent_since == now;
    if (!is_sure && (is_turning || was_silenced)) return true;
    return device.last && device.last->used && !is_turning;
}

bool MemoryBook::is_unsure(DeviceId id, core::Instant now) const {
    return devices_.at(id).is_asked || !is_known(id, now, true);
}

Bytes MemoryBook::claimed(DeviceId id) const {
    Bytes sum;
    for (const auto& [generation, claim] : claims_) {
        if (devices_.at(id).spec.kind == core::DeviceKind::cpu) sum = sum + claim.parked;
        if (claim.device != id) continue;
        // What the dead still hold is in the device's own number by the next answer.
        if (!claim.is_covered) sum = sum + claim.held().value_or(Bytes{});
    }
    return sum;
}

Bytes MemoryBook::outstanding(DeviceId id) const {
    const BookedDevice& device = devices_.at(id);
    Bytes sum;
    if (!device.last) return sum;
    for (const auto& [generation, claim] : claims_) {
        const std::optional<Bytes> theirs = claim.held();
        if (claim.device != id || claim.exit_after || !theirs) continue;
        Bytes measured;
        for (const core::OwnMemory& own : device.last->own) {
            if (own.generation == generation) measured = own.bytes;
        }
        sum = sum + above(*theirs, measured);
    }
    return sum;
}

void MemoryBook::on(const core::Launch& command, const core::ModelSpec& spec, bool is_doubted,
                    core::Instant now) {
    const BookedDevice& device = devices_.at(command.device);
    auto need = need_on(spec, device);
    if (spec.need.kind == NeedKind::unknown && is_doubted) need.reset();
    if (!may_use(spec, device))
        fail(Invariant::wishes_are_obeyed, "a model was put on a device that it may not use");
    if (device.is_lost)
        fail(Invariant::orders_make_sense, "a model was put on a device that is not there");
    const core::DeviceSampled last = device.last.value_or(core::DeviceSampled{});
    const bool is_known = last.used && device.spec.capacity;
    const bool is_elastic =
        device.spec.kind == core::DeviceKind::cpu && spec.need.kind == NeedKind::unknown;
    const bool is_turning = is_falling_silent(device, now);
    Admission admission = admit(Entry::launched, command.device, need);
    admission.is_excused = is_elastic || is_turning;
    admission.is_fresh = is_fresh(device, now);
    admission.needs_beside = is_taken(spec, command.device);
    admissions_.push_back(admission);
    claims_[command.generation] = {.device = command.device,
                                   .need = need,
                                   .is_all = spec.need.kind == NeedKind::all,
                                   .exit_after = {}};
    // Let in without any number, it claims none: only what it was seen to have must be proved back.
    if ((!is_known || is_turning) && !need) {
        claims_[command.generation].need = Bytes{};
        claims_[command.generation].may_be_all = is_turning || spec.need.kind == NeedKind::all;
    }
    // It claims that and as much of a margin as was there.
    const auto learned = learned_on(spec, device);
    if (learned) claims_[command.generation].need.reset();
    if (!is_doubted) claims_[command.generation].learned = learned;
}

void MemoryBook::on_loaded(Generation generation) {
    const auto claim = claims_.find(generation);
    if (claim == claims_.end()) return;
    claim->second.loaded_after = devices_.at(claim->second.device).sequence;
}

void MemoryBook::on_exit(Generation generation) {
    const auto claim = claims_.find(generation);
    if (claim == claims_.end()) return;
    BookedDevice& device = devices_.at(claim->second.device);
    unpark(claim->second);
    device.is_stale = true;
    if (device.spec.kind == core::DeviceKind::cpu || !device.spec.is_measured) {
        claims_.erase(claim);  // the reap is the proof
    } else {
        claim->second.exit_after = device.sequence;
    }
}

void MemoryBook::on_set_aside(Generation generation) {
    const auto claim = claims_.find(generation);
    if (claim == claims_.end()) return;
    claim->second.is_all = false;
    // In the middle of its load: what it took until now it has.
    auto& loaded_after = claim->second.loaded_after;
    if (!loaded_after) loaded_after = devices_.at(claim->second.device).sequence;
}

void MemoryBook::on_returned(Generation generation) {
    const auto claim = claims_.find(generation);
    if (claim != claims_.end()) claim->second.is_returned = true;
}

void MemoryBook::on_load_retried(Generation generation) {
    const auto claim = claims_.find(generation);
    if (claim != claims_.end()) devices_.at(claim->second.device).is_stale = true;
}

void MemoryBook::settle(const core::Engine& engine) {
    const auto& holdings = engine.devices().holdings();
    for (auto claim = claims_.begin(); claim != claims_.end();) {
        claim = holdings.contains(claim->first) ? std::next(claim) : claims_.erase(claim);
    }
}

// What is known as somebody is given memory there.
Admission MemoryBook::admit(Entry entry, DeviceId id, std::optional<Bytes> need) const {
    const BookedDevice& device = devices_.at(id);
    Admission admission{.entry = entry, .need = need};
    if (!device.last || !device.last->used || !device.spec.capacity) return admission;
    admission.is_known = true;
    admission.is_told = device.last->own_known;
    admission.room = above(*device.spec.capacity, settings_->headroom);
    admission.used = *device.last->used;
    admission.claimed = claimed(id);
    admission.outstanding = outstanding(id);
    return admission;
}

bool MemoryBook::is_falling_silent(const BookedDevice& device, core::Instant now) const {
    return device.is_asked && device.asked + settings_->answer_timeout <= now;
}

void MemoryBook::encode(core::StateEncoder& encoder) const {
    for (const auto& [id, device] : devices_) {
        if (!device.spec.is_measured) continue;
        encoder.number((device.is_lost ? 1u : 0u) | (device.is_silent ? 2u : 0u) |
                       (device.is_asked ? 4u : 0u) | (device.last ? 8u : 0u) |
                       (device.is_stale ? 16u : 0u) | (device.has_told ? 32u : 0u) |
                       (is_unmeasured(id) ? 64u : 0u));
        if (!device.last) continue;
        encoder.number(device.last->used ? device.last->used->count() + 1 : 0);
        encoder.number(device.last->own.size());
        for (const core::OwnMemory& own : device.last->own) {
            encoder.generation(own.generation);
            encoder.number(own.bytes.count());
        }
    }
    encoder.number(claims_.size());
    for (const auto& [generation, claim] : claims_) {
        encoder.generation(generation);
        encoder.number((claim.exit_after ? 1u : 0u) | (claim.is_covered ? 2u : 0u) |
                       (claim.need ? 4u : 0u) | (claim.may_be_all ? 8u : 0u) |
                       (claim.is_all ? 16u : 0u) | (claim.away_after ? 32u : 0u) |
                       (claim.kept ? 64u : 0u) | (claim.is_kept_known ? 128u : 0u));
        encoder.number(claim.measured.count());
        encoder.number(claim.kept.value_or(Bytes{}).count());
        encoder.number(claim.parked.count());
    }
}

}  // namespace windlass::world
