// Goal:   no order of events breaks a law of memory: nothing is let in where there is no room, and
//         nothing is given away before a driver showed it free.
// Method: small worlds with devices that are measured, in amounts of whole GiB, each explored to
//         closure. What a world is about must have been met in it.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include "exploration/explore.h"

namespace windlass::exploration {
namespace {

using namespace std::chrono_literals;
using base::operator""_GiB;

// Limits of one size, so that what recurs on devices does not recur often before one is reached.
core::ModelSpec model_of(const char* name, core::Need need) {
    return {.name = name,
            .limits = {.start_timeout = 3s,
                       .load_timeout = 4s,
                       .stop_grace = 1s,
                       .cancel_grace = 1s,
                       .term_grace = 1s,
                       .reap_timeout = 1s},
            .need = need,
            .concurrency = 1,
            .queue_limit = 4,
            .run_timeout = 5s,
            .stall_timeout = 5s,
            .backoff = 2s,
            .backoff_max = 2s,
            .breaker = {.deaths = 0},
            .unload_after = 2s,
            .prefetch = 0};
}

core::Need bytes(core::Bytes need) { return {.kind = core::NeedKind::bytes, .bytes = need}; }

core::DeviceSettings gpus(std::initializer_list<core::Bytes> capacities) {
    core::DeviceSettings settings{.on_unknown_memory = core::UnknownMemory::refuse,
                                  .settle_timeout = 1s,
                                  .answer_timeout = 2s,
                                  .known = {}};
    for (const core::Bytes capacity : capacities) {
        settings.known.push_back({.uuid = fmt::format("GPU-{}", settings.known.size()),
                                  .kind = core::DeviceKind::gpu,
                                  .capacity = capacity});
    }
    return settings;
}

WorldOptions world_of(core::ModelSpec model, core::DeviceSettings devices) {
    return {.model = std::move(model),
            .call_count = 1,
            .call_timeout = 8s,
            .is_calm = true,
            .others = {},
            .memory = {.devices = std::move(devices)}};
}

void require_met(const char* name, const WorldOptions& options,
                 std::initializer_list<const char*> expected) {
    Found found = require_closed(name, options);
    for (const char* what : expected) {
        fmt::print("             {:<34} {:>9}\n", what, found.met[what]);
        CHECK_MESSAGE(found.met[what] > 0, what);
    }
}

}  // namespace

TEST_CASE("room for one of two models: explored to closure, the second waits for memory" *
          doctest::skip(kSkipLarge)) {
    WorldOptions options = world_of(model_of("first", bytes(2_GiB)), gpus({3_GiB}));
    options.others = {model_of("second", bytes(2_GiB))};
    options.others.front().max_wait = 2s;  // then the first makes room although it is at work
    options.call_count = 2;
    require_met("two models, room for one", options,
                {"wait for memory", "worker.unkillable", "worker.memory_returned", "model.evicted",
                 "model.draining"});
}

TEST_CASE("two devices, one of them too small for the model: explored to closure" *
          doctest::skip(kSkipLarge)) {
    const WorldOptions options = world_of(model_of("m", bytes(2_GiB)), gpus({1_GiB, 3_GiB}));
    require_met("two devices, one too small", options, {"worker.memory_returned"});
}

TEST_CASE("memory that stays after an exit and comes back: explored to closure" *
          doctest::skip(kSkipLarge)) {
    WorldOptions options = world_of(model_of("m", bytes(2_GiB)), gpus({3_GiB}));
    options.call_count = 2;
    options.memory.has_leftovers = true;
    require_met("memory stays, a fence", options,
                {"device.fenced", "device.fence_lifted", "worker.unkillable", "wait for memory"});
}

TEST_CASE("a process that outlives SIGKILL, and room for another: explored to closure") {
    const WorldOptions options = world_of(model_of("m", bytes(2_GiB)), gpus({4_GiB}));
    require_met("unkillable, room for another", options, {"worker.unkillable", "model.loading"});
}

TEST_CASE("a device that falls silent and answers again: explored to closure") {
    WorldOptions options = world_of(model_of("m", bytes(2_GiB)), gpus({3_GiB}));
    options.memory.has_silence = true;
    require_met("device silent, and back", options, {"device silent", "wait for a device"});
}

TEST_CASE("a device that is lost and found again: explored to closure") {
    WorldOptions options = world_of(model_of("m", bytes(2_GiB)), gpus({3_GiB}));
    options.memory.has_loss = true;
    require_met("device lost, and found", options, {"wait for a device", "worker.terminated"});
}

TEST_CASE("a stranger that takes memory and gives it back: explored to closure" *
          doctest::skip(kSkipLarge)) {
    WorldOptions options = world_of(model_of("m", bytes(2_GiB)), gpus({3_GiB}));
    options.memory.stranger = 2_GiB;
    require_met("a stranger", options, {"model.load_retried", "wait for memory"});
}

TEST_CASE("an administrator kills a process, and its memory stays: explored to closure" *
          doctest::skip(kSkipLarge)) {
    WorldOptions options = world_of(model_of("m", bytes(2_GiB)), gpus({3_GiB}));
    options.has_kill = true;
    options.memory.has_leftovers = true;
    require_met("killed, memory stays", options, {"worker.killed", "device.fenced"});
}

namespace {

// Weights that leave their device at once when nobody uses them.
WorldOptions restless(core::DeviceSettings devices) {
    WorldOptions options = world_of(model_of("m", bytes(2_GiB)), std::move(devices));
    options.model.limits.offload_timeout = options.model.limits.restore_timeout = 2s;
    options.model.offload_after = 0s;
    options.can_offload = true;
    // Nobody says how full the host is, and the policy lets it pass.
    options.memory.devices.on_unknown_memory = core::UnknownMemory::admit;
    options.memory.devices.known.push_back(
        {.uuid = "cpu", .kind = core::DeviceKind::cpu, .capacity = {}, .is_measured = false});
    return options;
}

}  // namespace

TEST_CASE("[R9] weights leave and come back, and their device tells nothing: explored") {
    WorldOptions options = restless(gpus({3_GiB}));
    options.memory.devices.known.front().is_measured = false;
    options.has_load = options.has_shutdown = true;  // beside a call: each may bring them back
    require_met("weights leave, nothing measured", options,
                {"model.offloaded", "model.restored", "model.offload_failed",
                 "model.restore_failed", "worker.unkillable"});
}

TEST_CASE("an administrator lets weights leave, and the device shows it: explored to closure") {
    WorldOptions options = restless(gpus({3_GiB}));
    options.model.offload_after = {};
    options.has_offload = true;
    require_met("weights leave as ordered", options,
                {"model.offloaded", "model.offload_failed", "worker.memory_returned"});
}

TEST_CASE("weights leave and come back, and the device shows it: explored to closure" *
          doctest::skip(kSkipLarge)) {
    WorldOptions options = restless(gpus({3_GiB}));
    options.model.limits.start_timeout = options.model.limits.load_timeout = 1s;
    options.model.limits.offload_timeout = options.model.limits.restore_timeout = 1s;
    options.model.run_timeout = options.model.stall_timeout = 1s;
    options.call_timeout = 4s;
    options.call_count = 2;
    options.is_steady = true;
    require_met("weights leave and come back", options,
                {"model.offloaded", "model.restored", "model.offload_failed",
                 "model.restore_failed", "wait for memory"});
}

TEST_CASE("a model that does not know its need: explored to closure") {
    require_met("unknown need", world_of(model_of("m", {}), gpus({3_GiB})),
                {"worker.memory_returned"});
}

}  // namespace windlass::exploration
