// What worlds are made of.
#include "simulation/drawn_world.h"

#include <fmt/core.h>

namespace windlass::simulation {

using core::Bytes;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

void draw_memory(Random& random, core::ModelSpec& spec) {
    const std::uint64_t kind = random.below(10);
    spec.need = {.kind = core::NeedKind::bytes, .bytes = Bytes{(1 + random.below(8)) << 30}};
    if (kind >= 7) spec.need = {};
    if (kind == 8) spec.need = {.kind = core::NeedKind::share, .permyriad = 4'000};
    if (kind == 9) spec.need = {.kind = core::NeedKind::all};
    spec.devices = {};
    if (random.chance(200)) spec.devices.uuids = {fmt::format("GPU-{}", random.below(2))};
    spec.copies = {};
    if (random.chance(400)) spec.copies.count_max = static_cast<std::uint32_t>(2 + random.below(3));
    spec.copies.is_auto = spec.copies.count_max > 1 && random.chance(500);
}

// Nobody uses it for a moment, and its weights leave.
void make_restless(Random& random, core::ModelSpec& spec) {
    spec.offload_after = random.chance(500) ? 0ms : random.between(1ms, 100ms);
    spec.unload_after = {};
    if (random.chance(300)) spec.unload_after = random.between(500ms, 5s);
    spec.run_timeout = random.between(100ms, 400ms);
}

}  // namespace

void draw_limits(Random& random, core::ModelSpec& spec) {
    spec.queue_limit = static_cast<std::uint32_t>(2 + random.below(12));
    spec.idempotent = random.chance(400);
    spec.run_timeout = random.between(200ms, 2s);
    spec.stall_timeout = random.between(100ms, 1500ms);
    spec.backoff = random.between(50ms, 500ms);
    spec.backoff_max = 4 * spec.backoff;
    spec.breaker = {.deaths = static_cast<std::uint32_t>(random.below(5)),
                    .window = random.between(100ms, 10s),
                    .cooldown = random.between(100ms, 5s)};
    spec.unload_after = {};
    if (random.chance(800)) spec.unload_after = random.chance(200) ? 0ms : random.between(50ms, 2s);
    spec.is_pinned = random.chance(150);
    spec.max_wait = random.between(100ms, 3s);
    spec.offload_after = {};
    if (random.chance(700))
        spec.offload_after = random.chance(200) ? 0ms : random.between(20ms, 1s);
    spec.standby = random.chance(200) ? static_cast<std::uint32_t>(1 + random.below(2)) : 0;
    spec.prefetch = {};
    if (random.chance(500)) spec.prefetch = static_cast<std::uint32_t>(random.below(3));
}

core::ModelSpec draw_model(Random& random, std::size_t number) {
    core::ModelSpec spec{.name = fmt::format("model-{}", number),
                         .limits = {.start_timeout = 1s,
                                    .load_timeout = 2s,
                                    .offload_timeout = 600ms,
                                    .restore_timeout = 700ms,
                                    .stop_grace = 500ms,
                                    .cancel_grace = 200ms,
                                    .term_grace = 400ms,
                                    .reap_timeout = 300ms},
                         .concurrency = static_cast<std::uint32_t>(1 + random.below(3)),
                         .offload_after = {},
                         .unload_after = {},
                         .prefetch = {}};
    draw_limits(random, spec);
    return spec;
}

core::DeviceSettings draw_devices(Random& random) {
    if (random.chance(500)) return {};
    core::DeviceSettings settings{.on_unknown_memory = random.chance(800)
                                                           ? core::UnknownMemory::refuse
                                                           : core::UnknownMemory::admit,
                                  .headroom = Bytes{random.below(3) << 29},
                                  .settle_timeout = random.between(500ms, 3s),
                                  .answer_timeout = random.between(300ms, 1s),
                                  .known = {}};
    const std::uint64_t gpu_count = 1 + random.below(2);
    for (std::uint64_t i = 0; i < gpu_count; ++i) {
        const std::uint64_t gib = 6 + random.below(12);
        settings.known.push_back({.uuid = fmt::format("GPU-{}", i),
                                  .kind = core::DeviceKind::gpu,
                                  .capacity = Bytes{gib << 30},
                                  .make = gib % 4 == 0 ? "gpu B" : "gpu A"});
    }
    if (random.chance(800)) {
        settings.known.push_back({.uuid = "cpu",
                                  .kind = core::DeviceKind::cpu,
                                  .capacity = Bytes{(random.chance(700) ? 6u : 64u) * kGiB}});
    }
    return settings;
}

std::vector<core::ModelSpec> draw_models(Random& random, const core::DeviceSettings& settings) {
    const bool is_plain = settings.known.front().kind == core::DeviceKind::cpu;
    std::vector<core::ModelSpec> specs(1 + random.below(3));
    const bool is_restless = !is_plain && random.chance(700);
    for (core::ModelSpec& spec : specs) {
        spec = draw_model(random, static_cast<std::size_t>(&spec - specs.data()));
        draw_memory(random, spec);
        if (is_plain) spec.devices = {};
        if (is_restless) make_restless(random, spec);
    }
    return specs;
}

void draw_wear(Random& random, core::ModelSpec& spec) {
    spec.recycle_after = 0;
    spec.max_growth = {};
    if (random.chance(500)) spec.recycle_after = static_cast<std::uint32_t>(1 + random.below(8));
    if (random.chance(300)) return;
    spec.max_growth = Bytes{(1 + random.below(4)) << 18};
    if (random.chance(700)) spec.unload_after = {};
    if (random.chance(350)) spec.offload_after = {};
}

}  // namespace windlass::simulation
