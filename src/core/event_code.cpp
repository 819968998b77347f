// Names of the events.
#include "core/event_code.h"

#include <utility>

namespace windlass::core {

std::string_view to_text(EventCode code) {
    switch (code) {
        case EventCode::model_loading: return "model.loading";
        case EventCode::model_ready: return "model.ready";
        case EventCode::model_load_failed: return "model.load_failed";
        case EventCode::model_load_retried: return "model.load_retried";
        case EventCode::model_memory_awaited: return "model.memory_awaited";
        case EventCode::model_evicted: return "model.evicted";
        case EventCode::model_offloading: return "model.offloading";
        case EventCode::model_offloaded: return "model.offloaded";
        case EventCode::model_offload_failed: return "model.offload_failed";
        case EventCode::model_restoring: return "model.restoring";
        case EventCode::model_restored: return "model.restored";
        case EventCode::model_restore_failed: return "model.restore_failed";
        case EventCode::model_standby: return "model.standby";
        case EventCode::model_standby_failed: return "model.standby_failed";
        case EventCode::model_standby_ended: return "model.standby_ended";
        case EventCode::model_recycled: return "model.recycled";
        case EventCode::model_draining: return "model.draining";
        case EventCode::model_stopping: return "model.stopping";
        case EventCode::model_unloaded: return "model.unloaded";
        case EventCode::model_backoff: return "model.backoff";
        case EventCode::model_backoff_over: return "model.backoff_over";
        case EventCode::model_breaker_opened: return "model.breaker_opened";
        case EventCode::model_breaker_closed: return "model.breaker_closed";
        case EventCode::model_paused: return "model.paused";
        case EventCode::model_resumed: return "model.resumed";
        case EventCode::model_removed: return "model.removed";
        case EventCode::run_limit_reached: return "run.limit_reached";
        case EventCode::request_retried: return "request.retried";
        case EventCode::result_dropped: return "run.result_dropped";
        case EventCode::worker_lost: return "worker.lost";
        case EventCode::worker_poisoned: return "worker.poisoned";
        case EventCode::worker_terminated: return "worker.terminated";
        case EventCode::worker_killed: return "worker.killed";
        case EventCode::worker_unkillable: return "worker.unkillable";
        case EventCode::worker_reaped: return "worker.reaped";
        case EventCode::worker_memory_returned: return "worker.memory_returned";
        case EventCode::device_fenced: return "device.fenced";
        case EventCode::device_fence_lifted: return "device.fence_lifted";
        case EventCode::lease_granted: return "lease.granted";
        case EventCode::lease_ended: return "lease.ended";
    }
    std::unreachable();
}

}  // namespace windlass::core
