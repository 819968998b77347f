// The claim of a client who uses a device's memory itself.
#include "core/devices.h"

namespace windlass::core {

// Where processes are hidden, what its client takes is never counted as its own.
void Devices::lend(Generation generation, const Placed& placed, Instant now, Commands& out) {
    Device& device = devices_.at(placed.device);
    holdings_[generation] = {.device = placed.device, .model = {}};
    device.ledger.lend(generation, placed.claim, device.sequence);
    if (device.ledger.is_blurred()) ask(placed.device, now, out);
    if (device.ledger.has_unmeasured()) device.is_fresh = false;
}

}  // namespace windlass::core
