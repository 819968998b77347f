// What people may want to see of the engine's actions: docs/events.md tells of each.
#pragma once

#include <cstdint>
#include <string_view>

namespace windlass::core {

enum class EventCode : std::uint8_t {
    model_loading,
    model_ready,
    model_load_failed,
    model_load_retried,
    model_memory_awaited,
    model_evicted,
    model_offloading,
    model_offloaded,
    model_offload_failed,
    model_restoring,
    model_restored,
    model_restore_failed,
    model_standby,
    model_standby_failed,
    model_standby_ended,
    model_recycled,
    model_draining,
    model_stopping,
    model_unloaded,
    model_backoff,
    model_backoff_over,
    model_breaker_opened,
    model_breaker_closed,
    model_paused,
    model_resumed,
    model_removed,
    run_limit_reached,
    request_retried,
    result_dropped,
    worker_lost,
    worker_poisoned,
    worker_terminated,
    worker_killed,
    worker_unkillable,
    worker_reaped,
    worker_memory_returned,
    device_fenced,
    device_fence_lifted,
    lease_granted,
    lease_ended,
};

// "model.loading", ...: the stable name in log and event stream.
std::string_view to_text(EventCode code);

}  // namespace windlass::core
