// Whether the models of a configuration can be on these devices at the same time, as far as that
// follows from the needs that it gives: empty devices, nobody else on them. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/device_spec.h"
#include "daemon/configuration.h"

namespace windlass::daemon {

// Models that cannot be there together; each could, if it was not for the others.
struct Crowd {
    std::vector<std::string> models;  // two, unless only more of them are too many
    std::string message;

    friend bool operator==(const Crowd&, const Crowd&) = default;
};

struct RoomVerdict {
    // Of pinned models, none of which ever makes room. Some of them: who mends these is told more.
    std::vector<Crowd> impossible;
    std::vector<Crowd> crowded;  // pairs of which at most one is pinned
    std::size_t untold = 0;      // further ones of these
};

// Judged are models whose `need` is configured, and whose devices are all among these and have said
// how big they are. Of a pinned model every copy counts that its devices could hold, of another one
// copy. What cannot be decided in some thousand steps counts as possible.
RoomVerdict judge_room(const std::vector<ModelConfiguration>& models,
                       const std::vector<core::DeviceSpec>& devices, Bytes headroom);

}  // namespace windlass::daemon
