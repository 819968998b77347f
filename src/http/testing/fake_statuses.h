// For tests: what a fake backend has to show.
#pragma once

#include <chrono>
#include <vector>

#include "http/api.h"

namespace windlass::http::testing {

inline WorkerStatus fake_worker(std::uint64_t id) {
    return {.id = id,
            .pid = 4711,
            .model = "digits",
            .device = "cpu",
            .state = "ready",
            .since = std::chrono::seconds{2},
            .memory = {.used = {.now = base::Bytes{7}}},
            .runs = {{.request = "r1", .since = std::chrono::seconds{1}}},
            .heartbeat_age = std::chrono::milliseconds{300},
            .progress = ProgressStatus{.request = "r1", .step = 3, .age = {}}};
}

inline std::vector<IncidentStatus> fake_incidents() {
    return {
        {.id = 1,
         .detected_at = "2026-01-02T03:04:05.678Z",
         .worker = 3,
         .pid = 4711,
         .model = "digits",
         .device = "cpu",
         .request = "r1",
         .cause = base::fail(base::Errc::timeout, "too long"),
         .how = "was killed by signal 9 (SIGKILL)",
         .leftovers = 1,
         .steps = {{"detected", {}}, {"killed", std::chrono::milliseconds{2'000}}},
         .evidence = EvidenceStatus{.took = std::chrono::milliseconds{70},
                                    .is_complete = true,
                                    .threads = {{.process = 4711,
                                                 .thread = 4712,
                                                 .name = "python3",
                                                 .state = "S",
                                                 .wait_channel = "futex_wait",
                                                 .native_stack = {"0x1 f+0x2 (libc.so.6)"}}},
                                    .python_stacks = {"Thread 0x1 (most recent call first):"},
                                    .missing = {"kernel stack of thread 4712: not permitted"}}}};
}

inline DevicesStatus fake_devices() {
    return {.devices = {{.uuid = "GPU-1",
                         .kind = "gpu",
                         .state = "unresponsive",
                         .state_since = std::chrono::seconds{7},
                         .trouble = "it hangs",
                         .name = "H100",
                         .capacity =
                             Measured{base::Bytes{1024}, "nvml", std::chrono::milliseconds{1'500}},
                         .holders = {{.pid = 7, .model = "digits", .generation = 3}, {.pid = 8}},
                         .holders_known = true}},
            .listing_trouble = "no answer"};
}

}  // namespace windlass::http::testing
