// The bounds, and why they hold.
#include "simulation/quiet_bound.h"

#include <algorithm>

namespace windlass::simulation {

using base::Duration;
using namespace std::chrono_literals;

namespace {

// Of src/core/devices.cpp: a device that left a question unanswered is asked again after kSilent, a
// fence beside claims that rest is looked at every kFenced.
constexpr Duration kSilent = 5s;
constexpr Duration kFenced = 10s;
constexpr Duration kReload = 10s;  // the limit of the load that follows a recycling
constexpr Duration kLatency = 1s;  // the longest that a worker takes for anything in a sound world

template <class Limit>
Duration longest(const std::vector<core::ModelSpec>& specs, Limit limit) {
    Duration most{};
    for (const core::ModelSpec& spec : specs) most = std::max(most, limit(spec));
    return most;
}

// From the moment in which a process is to go until it is gone, step by step.
Duration ladder(const std::vector<core::ModelSpec>& specs) {
    return longest(specs, [](const core::ModelSpec& spec) {
        const core::ReplicaLimits& limits = spec.limits;
        return limits.cancel_grace + limits.stop_grace + limits.term_grace + limits.reap_timeout;
    });
}

}  // namespace

// 1. Whoever waits has his answer by his deadline; that is a law of its own, and looked at in every
//    turn. So how many wait and for which copies adds nothing: they wait at the same time.
// 2. By then every process that was begun for them has come up, or its limit is over. Some outlived
//    SIGKILL when there were faults, until what is planned for them.
// 3. What nobody wants any more idles until `unload_after` and goes down the ladder, all at once;
//    before that its weights may be on their way: until `offload_timeout` or `restore_timeout`.
// 4. The memory of the last of them: a device that was mute is given `answer_timeout` and asked
//    again after kSilent; what does not come back within `settle_timeout` is fenced, and the fence
//    falls with the next look.
Duration rest_bound(const std::vector<core::ModelSpec>& specs, const core::DeviceSettings& devices,
                    const UnderWay& under_way) {
    const Duration answered =
        under_way.promised + (under_way.has_wear ? ladder(specs) + kReload : 0ms);
    const Duration up = longest(specs, [](const core::ModelSpec& spec) {
        return spec.limits.start_timeout + spec.limits.load_timeout;
    });
    const Duration idle = longest(specs, [](const core::ModelSpec& spec) {
        const Duration moved = std::max(spec.limits.offload_timeout, spec.limits.restore_timeout);
        return spec.unload_after.value_or(0ms) + moved;
    });
    const Duration proved = devices.answer_timeout + kSilent + devices.settle_timeout + kFenced;
    return std::max(answered + up, under_way.planned) + idle + ladder(specs) + proved;
}

// At the end of its grace everything is killed, whatever it does, and a sound process ends at once;
// what outlived SIGKILL ends as planned. All that was promised is answered or refused before.
Duration end_bound(const std::vector<core::ModelSpec>& specs, Duration grace,
                   const UnderWay& under_way) {
    const Duration reaped =
        longest(specs, [](const core::ModelSpec& spec) { return spec.limits.reap_timeout; });
    return std::max(grace + reaped, under_way.planned) + kLatency;
}

}  // namespace windlass::simulation
