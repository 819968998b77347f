// For tests: a look at a daemon with two GPUs, two models and a stranger.
#pragma once

#include <string>

#include "cli/top_state.h"

namespace windlass::cli::testing {

inline constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

inline DeviceState gpu(const std::string& uuid) {
    return {.uuid = uuid,
            .kind = "gpu",
            .name = "H100",
            .state = "ok",
            .capacity_bytes = 24 * kGiB,
            .used_bytes = 12 * kGiB,
            .used_peak_bytes = 14 * kGiB,
            .free_bytes = 12 * kGiB,
            .claimed_bytes = 8 * kGiB,
            .claimed_peak_bytes = 9 * kGiB,
            .foreign_bytes = 6 * kGiB,
            .fenced_bytes = 0,
            .used_age_s = 0.1,
            .busy_percent = 50};
}

inline TopLook look() {
    TopLook look;
    look.daemon = {.version = "1.2.3", .daemon_id = "d", .status = "ok", .uptime_s = 7200};
    look.devices.devices = {gpu("GPU-a"), gpu("GPU-b")};
    look.devices.devices[0].holders = {
        {.pid = 100, .name = "python3", .used_bytes = 4 * kGiB, .model = "big", .generation = 1},
        {.pid = 101, .name = "ffmpeg", .used_bytes = 2 * kGiB, .model = "big", .generation = 1},
        {.pid = 900, .name = "other", .used_bytes = 6 * kGiB}};
    look.workers = {{.id = 1,
                     .pid = 100,
                     .model = "big",
                     .device = "GPU-a",
                     .state = "ready",
                     .since_s = 60,
                     .memory = {.claimed = {.now = 8 * kGiB},
                                .used = {.now = 6 * kGiB, .peak = 7 * kGiB},
                                .allocator = {.now = 5 * kGiB}},
                     .running = {"r7"},
                     .runs = {{.request = "r7",
                               .since_s = 12,
                               .limit_in_s = 48,
                               .progress = ProgressState{.step = 3, .total = 20, .phase = "x"}}}},
                    {.id = 2,
                     .pid = 200,
                     .model = "small",
                     .device = "GPU-b",
                     .state = "offloaded",
                     .since_s = 5,
                     .next_step = "unload",
                     .next_in_s = 59}};
    look.models = {
        {.name = "big",
         .residency = "ready",
         .memory = {.used = {.now = 6 * kGiB}},
         .running = 1,
         .waiting = 2,
         .waiting_requests =
             {{.request_id = "r8", .reason = "busy", .waited_ms = 1000, .priority = 4},
              {.request_id = "r9", .reason = "busy", .waited_ms = 9000, .priority = 4}}},
        {.name = "cold", .residency = "cold"},
        {.name = "small",
         .residency = "offloaded",
         .memory = {.used = {.now = kGiB}},
         .waiting = 1,
         .waiting_requests = {
             {.request_id = "r10", .reason = "memory", .waited_ms = 500, .priority = 0}}}};
    return look;
}

inline TopState state_with(TopLook seen, std::size_t page = 40) {
    TopState state{"http://127.0.0.1:7411", std::chrono::seconds{1}};
    state.set_page(page);
    state.take(std::move(seen));
    return state;
}

inline void press(TopState& state, std::string_view characters) {
    for (const char character : characters) state.handle({.character = character});
}

}  // namespace windlass::cli::testing
