// Events: places in streams, with the time at which they were passed.
#include "emulator/cuda/entry_points.h"
#include "emulator/cuda/faults.h"
#include "emulator/cuda/process.h"
#include "emulator/cuda/streams.h"
#include "emulator/pace.h"

namespace windlass::emulator {

namespace {

bool has_happened(CuEvent event) {
    return event->stream == nullptr || is_done({event->stream, event->position});
}

}  // namespace

extern "C" {

CuResult cuEventCreate(CuEvent* event, unsigned flags) {
    const Admission admission = admit_current();
    if (!admission) return admission.result;
    if (event == nullptr) return CuResult::invalid_value;
    *event = new driver_abi::CuEventSt;
    (*event)->is_timed = (flags & driver_abi::kCuEventDisableTiming) == 0;
    return CuResult::success;
}

CuResult cuEventDestroy_v2(CuEvent event) {
    const Admission admission = admit_current();
    if (!admission) return admission.result;
    if (event == nullptr) return CuResult::invalid_handle;
    if (event->stream) wait_for({event->stream, event->position});  // it is written to until then
    delete event;
    return CuResult::success;
}

CuResult cuEventRecord(CuEvent event, CuStream stream) {
    const Admission admission = admit_current();
    if (!admission) return admission.result;
    if (event == nullptr) return CuResult::invalid_handle;
    const auto found = find_stream(admission.context, stream);
    if (!found) return CuResult::invalid_handle;
    const Ticket ticket =
        enqueue(admission.context, found, [event] { event->happened_at_ns = monotonic_ns(); });
    event->stream = ticket.stream;
    event->position = ticket.position;
    return CuResult::success;
}

CuResult cuEventQuery(CuEvent event) {
    const Admission admission = admit_current();
    if (!admission) return admission.result;
    if (event == nullptr) return CuResult::invalid_handle;
    return has_happened(event) ? CuResult::success : CuResult::not_ready;
}

CuResult cuEventSynchronize(CuEvent event) {
    const Admission admission = admit_current();
    if (!admission) return admission.result;
    if (event == nullptr) return CuResult::invalid_handle;
    if (event->stream) wait_for({event->stream, event->position});
    return after_wait(admission.context->device);
}

CuResult cuEventElapsedTime(float* milliseconds, CuEvent start, CuEvent end) {
    const Admission admission = admit_current();
    if (!admission) return admission.result;
    if (milliseconds == nullptr) return CuResult::invalid_value;
    if (start == nullptr || end == nullptr || !start->is_timed || !end->is_timed)
        return CuResult::invalid_handle;
    if (start->stream == nullptr || end->stream == nullptr) return CuResult::invalid_handle;
    if (!has_happened(start) || !has_happened(end)) return CuResult::not_ready;
    const auto took_ns = static_cast<double>(end->happened_at_ns.load()) -
                         static_cast<double>(start->happened_at_ns.load());
    *milliseconds = static_cast<float>(took_ns / 1e6);
    return CuResult::success;
}

CuResult cuStreamWaitEvent(CuStream stream, CuEvent event, unsigned /*flags*/) {
    const Admission admission = admit_current();
    if (!admission) return admission.result;
    if (event == nullptr) return CuResult::invalid_handle;
    const auto found = find_stream(admission.context, stream);
    if (!found) return CuResult::invalid_handle;
    if (event->stream == nullptr) return CuResult::success;
    enqueue(admission.context, found,
            [ticket = Ticket{event->stream, event->position}] { wait_for(ticket); });
    return CuResult::success;
}

}  // extern "C"

}  // namespace windlass::emulator
