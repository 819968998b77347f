// Devices as the engine knows them.
#include "daemon/device_bridge.h"

#include <algorithm>

namespace windlass::daemon {
namespace {

// The driver names the product. On the CPU memory gives way, and nothing is learned.
std::string name_make(const device::Device& device) {
    const bool is_named = device.kind == device::Kind::gpu && device.description.name;
    if (!is_named) return {};
    return std::string{device::driver_of(device.uuid)} + " " + *device.description.name;
}

}  // namespace

std::string DeviceBridge::visible_to(const core::DeviceChoice& choice) const {
    std::string uuids;
    for (const auto& [id, known] : known_) {
        const std::string& uuid = uuid_of(id);
        const bool is_chosen = choice.uuids.empty() || std::ranges::count(choice.uuids, uuid) > 0;
        if (choice.is_cpu || uuid == "cpu" || known.is_lost || !is_chosen) continue;
        uuids += (uuids.empty() ? "" : ",") + uuid;
    }
    return uuids.empty() ? "cpu" : uuids;
}

std::optional<core::DeviceId> DeviceBridge::find(std::string_view uuid) const {
    const auto found = std::ranges::find(uuids_, uuid);
    if (found == uuids_.end()) return std::nullopt;
    return core::DeviceId{static_cast<std::uint64_t>(found - uuids_.begin()) + 1};
}

void DeviceBridge::end_turn() {
    if (floor_ == nullptr || seen_revision_ == floor_->revision()) return;
    seen_revision_ = floor_->revision();
    const bool stands_in = floor_->may_cpu_stand_in();
    for (const device::Device* device : floor_->devices()) {
        const auto id = find(device->uuid);
        const bool is_lost = device->condition == device::Condition::lost;
        const bool is_in_trouble = device->condition == device::Condition::failing ||
                                   device->condition == device::Condition::unresponsive;
        if (!id) {
            if (is_lost) continue;
            uuids_.push_back(device->uuid);
            tell(core::DeviceId{uuids_.size()}, *device, device->description.capacity);
        } else if (is_lost && !known_.at(*id).is_lost) {
            known_.at(*id).is_lost = true;
            hooks_.handle(core::DeviceLost{*id});
        } else if (!is_lost) {
            const Known& known = known_.at(*id);
            const bool is_back = known.is_lost || (known.is_in_trouble && !is_in_trouble);
            // A driver that was sick when it listed its devices may name them later.
            const bool is_same = known.stands_in == stands_in && known.make == name_make(*device);
            if (is_back || !is_same) tell(*id, *device, known.capacity);
            known_.at(*id).is_in_trouble = is_in_trouble;
        }
    }
}

void DeviceBridge::tell(core::DeviceId id, const device::Device& device,
                        std::optional<base::Bytes> capacity) {
    const bool stands_in = floor_->may_cpu_stand_in();
    known_[id] = {.capacity = capacity, .stands_in = stands_in, .make = name_make(device)};
    const bool is_cpu = device.kind == device::Kind::cpu;
    hooks_.handle(core::DeviceFound{id,
                                    {.uuid = device.uuid,
                                     .kind = is_cpu ? core::DeviceKind::cpu : core::DeviceKind::gpu,
                                     .capacity = capacity,
                                     .stands_in = stands_in,
                                     .make = known_.at(id).make}});
}

void DeviceBridge::ask(const core::SampleDevice& question) {
    floor_->sample(
        uuid_of(question.device),
        [this, question](const base::Result<device::Sample>& sample) { answer(question, sample); });
}

void DeviceBridge::answer(const core::SampleDevice& question,
                          const base::Result<device::Sample>& sample) {
    if (!sample) return hooks_.handle(core::DeviceSilent{question.device, question.sequence});
    const device::Device* device = floor_->find(uuid_of(question.device));
    // The CPU's capacity, and a GPU's that the listing did not tell, comes with a sample.
    if (device != nullptr && sample->capacity &&
        known_.at(question.device).capacity != sample->capacity &&
        !known_.at(question.device).is_lost) {
        tell(question.device, *device, sample->capacity);
    }
    core::DeviceSampled sampled{.device = question.device,
                                .sequence = question.sequence,
                                .used = sample->used,
                                .own = {},
                                .own_known = sample->processes_known};
    const std::map<int, core::Generation> generations = hooks_.workers();
    std::map<core::Generation, base::Bytes> own;
    for (const device::Process& process : sample->processes) {
        const core::Generation* const owner = device::find_worker(process, generations);
        if (owner != nullptr && !process.bytes) sampled.own_known = false;
        const base::Bytes bytes = process.bytes.value_or(base::Bytes{});
        if (owner != nullptr) {
            own[*owner] = own[*owner] + bytes;
        } else if (device::is_stranger(process)) {
            sampled.strangers = sampled.strangers + bytes;
        }
    }
    for (const auto& [generation, bytes] : own) sampled.own.push_back({generation, bytes});
    hooks_.handle(sampled);
}

}  // namespace windlass::daemon
