// From the device floor to a verdict, and into the log.
#include "daemon/room_watch.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/log.h"

namespace windlass::daemon {

namespace log = base::log;

// Unless it has to be known how big the CPU is, it is not waited for.
std::optional<std::vector<core::DeviceSpec>> RoomWatch::known_devices(bool with_cpu) const {
    if (!floor_.is_cpu_only() && !floor_.listed_at()) return std::nullopt;
    std::vector<core::DeviceSpec> known;
    for (const device::Device* device : floor_.devices()) {
        std::optional<Bytes> capacity = device->description.capacity;
        if (device->last && device->last->capacity) capacity = device->last->capacity;
        const bool is_cpu = device->kind == device::Kind::cpu;
        const bool is_awaited = !capacity && device->condition == device::Condition::unknown;
        if (is_awaited && (with_cpu || !is_cpu)) return std::nullopt;
        known.push_back({.uuid = device->uuid,
                         .kind = is_cpu ? core::DeviceKind::cpu : core::DeviceKind::gpu,
                         .capacity = capacity,
                         .stands_in = floor_.may_cpu_stand_in()});
    }
    // Others may turn up, and nobody knows their size: a driver that is sick is no mistake in the
    // configuration.
    const bool is_missing = std::ranges::any_of(devices_.use, [&](const std::string& uuid) {
        return uuid != device::kCpu && floor_.find(uuid) == nullptr;
    });
    if (is_missing || (!floor_.is_cpu_only() && !floor_.is_listing_whole())) {
        known.push_back({.uuid = "", .kind = core::DeviceKind::gpu, .capacity = {}});
    }
    return known;
}

std::optional<RoomVerdict> RoomWatch::judge(const std::vector<ModelConfiguration>& models) const {
    const bool has_gpu = std::ranges::any_of(
        floor_.devices(), [](const auto* device) { return device->kind == device::Kind::gpu; });
    const bool names_cpu = std::ranges::any_of(
        models, [](const auto& model) { return model.devices == DeviceChoice::cpu; });
    const auto devices = known_devices(!has_gpu || names_cpu);
    if (!devices) return std::nullopt;
    return judge_room(models, *devices, devices_.headroom);
}

void RoomWatch::tell(const RoomVerdict& verdict) {
    bool has_news = false;
    for (const Crowd& crowd : verdict.crowded) {
        if (!told_.insert(crowd.models).second) continue;
        has_news = true;
        log::info(
            "models.crowded",
            {{"model", crowd.models[0]}, {"other", crowd.models[1]}, {"message", crowd.message}});
    }
    if (!has_news || verdict.untold == 0) return;
    log::info("models.crowded",
              {{"message", fmt::format("and {} more pairs of models have no room at the same time",
                                       verdict.untold)}});
}

bool may_be_impossible(const std::vector<ModelConfiguration>& models) {
    return std::ranges::count_if(models, [](const ModelConfiguration& model) {
               return model.pinned && model.need.kind != NeedKind::unknown;
           }) > 1;
}

}  // namespace windlass::daemon
