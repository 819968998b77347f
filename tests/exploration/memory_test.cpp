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

TEST_CASE("a stranger beside memory that stays after an exit: explored to closure" *
          doctest::skip(kSkipLarge)) {
    WorldOptions options = world_of(model_of("m", bytes(2_GiB)), gpus({3_GiB}));
    options.memory.stranger = 2_GiB;
    options.memory.has_leftovers = true;
    require_met("a stranger, memory stays", options,
                {"device.fenced", "device.fence_lifted", "wait for memory"});
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

namespace {

core::LeaseAsked lease_of(core::Bytes bytes, core::Duration wait, core::Duration duration) {
    return {.request = {}, .bytes = bytes, .devices = {}, .wait = wait, .duration = duration};
}

}  // namespace

TEST_CASE("a lease on memory that may stay: explored to closure") {
    WorldOptions options = world_of(model_of("m", bytes(2_GiB)), gpus({3_GiB}));
    options.call_count = 0;
    options.lease = lease_of(2_GiB, 5s, 3s);
    options.memory.has_leftovers = options.memory.has_silence = options.memory.has_loss = true;
    options.memory.stranger = 2_GiB;
    require_met("a lease, all that devices do", options,
                {"lease.granted", "lease.ended", "device.fenced", "device.fence_lifted"});
}

TEST_CASE("a lease beside a model, room for one: explored to closure" * doctest::skip(kSkipLarge)) {
    WorldOptions options = world_of(model_of("m", bytes(2_GiB)), gpus({3_GiB}));
    options.lease = lease_of(2_GiB, 5s, 3s);
    require_met("a lease beside a model", options,
                {"lease.granted", "lease.ended", "wait for memory"});
}

TEST_CASE("a model that is changed and removed, and memory that stays: explored to closure" *
          doctest::skip(kSkipLarge)) {
    WorldOptions options = world_of(model_of("m", bytes(2_GiB)), gpus({3_GiB}));
    options.has_reload = options.memory.has_leftovers = true;
    require_met("reload, memory stays", options,
                {"model.removed", "device.fenced", "wait for memory"});
}

namespace {

// So many models, a call for each, and room for one. What all may do takes one second.
WorldOptions crowd(std::initializer_list<const char*> names) {
    const auto quick = [](const char* name) {
        core::ModelSpec model = model_of(name, bytes(2_GiB));
        model.limits.start_timeout = model.limits.load_timeout = 1s;
        model.run_timeout = model.stall_timeout = 1s;
        return model;
    };
    WorldOptions options = world_of(quick(*names.begin()), gpus({3_GiB}));
    for (const char* name : names)
        if (name != *names.begin()) options.others.push_back(quick(name));
    options.call_count = static_cast<int>(names.size());
    options.call_timeout = 4s;
    options.is_steady = true;
    return options;
}

}  // namespace

TEST_CASE("three models with three calls and room for one: explored to closure" *
          doctest::skip(kSkipLarge)) {
    require_met("three models, room for one", crowd({"a", "b", "c"}),
                {"wait for memory", "model.evicted", "worker.unkillable"});
}

TEST_CASE("a lease beside two models with room for one: explored to closure" *
          doctest::skip(kSkipLarge)) {
    WorldOptions options = crowd({"a", "b"});
    options.lease = lease_of(2_GiB, 2s, 2s);
    require_met("two models and a lease", options,
                {"wait for memory", "model.evicted", "lease.granted", "lease.ended"});
}

TEST_CASE("two devices, and room for both models on the larger one: bounded" *
          doctest::skip(kSkipLarge)) {
    WorldOptions options = world_of(model_of("large", bytes(2_GiB)), gpus({1_GiB, 3_GiB}));
    options.others = {model_of("small", bytes(1_GiB))};
    options.call_count = 2;
    require_bounded("two devices, two models", options, 10);
}

TEST_CASE("all that may happen at once, as far as it can be walked: bounded" *
          doctest::skip(kSkipLarge)) {
    WorldOptions options = world_of(model_of("a", bytes(2_GiB)), gpus({3_GiB, 1_GiB}));
    options.others = {model_of("b", bytes(2_GiB)), model_of("c", bytes(1_GiB))};
    options.call_count = 3;
    options.lease = lease_of(2_GiB, 5s, 3s);
    options.is_calm = false;
    options.has_cancel = options.has_reload = options.has_kill = options.has_load = true;
    options.has_shutdown = true;
    options.memory.has_leftovers = options.memory.has_silence = options.memory.has_loss = true;
    options.memory.stranger = 2_GiB;
    require_bounded("everything at once", options, 6);
}

}  // namespace windlass::exploration
