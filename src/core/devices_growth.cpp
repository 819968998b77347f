// What processes have while nothing runs in them, and by how much that grows.
#include <utility>

#include "core/devices.h"

namespace windlass::core {

bool Devices::note_rest(Generation generation) {
    Holding& holding = holdings_.at(generation);
    Device& device = devices_.at(holding.device);
    if (!holding.growth) holding.growth = Holding::Growth{};
    holding.growth->rested_at = device.sequence;
    // A GPU in use is asked anyway.
    if (device.spec.kind == DeviceKind::gpu || !device.spec.is_measured) return false;
    return !std::exchange(device.is_watched, true);
}

std::optional<Bytes> Devices::measure_growth(Generation generation, DeviceId id,
                                             std::uint64_t sequence) {
    Holding& holding = holdings_.at(generation);
    const bool is_guest = holding.device != id;  // weights from another device
    if (is_guest || !holding.growth || holding.growth->rested_at >= sequence) return {};
    const std::optional<Bytes> measured = devices_.at(id).ledger.claims().at(generation).measured;
    if (!measured) return {};
    std::optional<Bytes>& level = holding.growth->level;
    if (!level) level = measured;
    return *measured > *level ? *measured - *level : Bytes{};
}

void Devices::forget_growth(Generation generation) { holdings_.at(generation).growth.reset(); }

}  // namespace windlass::core
