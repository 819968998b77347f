// Contexts: primary ones, made ones, and which one a thread works in. A context costs memory of
// the device.
#include <algorithm>
#include <vector>

#include "emulator/cuda/address_space.h"
#include "emulator/cuda/entry_points.h"
#include "emulator/cuda/faults.h"
#include "emulator/cuda/process.h"
#include "emulator/cuda/streams.h"

namespace windlass::emulator {

namespace {

thread_local std::vector<CuContext> stack;

CuResult open(CuContextSt& context) {
    Process& process = Process::get();
    Ledger& ledger = process.ledger();
    const std::uint64_t bytes = ledger.settings(context.device).context_bytes;
    const auto record =
        ledger.allocate(process.slot(), context.device, bytes, Ledger::Kind::context);
    if (!record) return CuResult::out_of_memory;
    context.record = *record;
    const std::scoped_lock lock{process.mutex};
    process.contexts.insert(&context);
    return CuResult::success;
}

// Whether the handle is a living context's.
bool is_known(CuContext context) {
    Process& process = Process::get();
    const std::scoped_lock lock{process.mutex};
    return process.contexts.contains(context);
}

void close(CuContextSt& context) {
    Process& process = Process::get();
    process.ledger().wait_while(context.device, Fault::hang_free);
    {
        const std::scoped_lock lock{process.mutex};
        process.contexts.erase(&context);
    }
    drain(&context);
    close_streams(context);
    for (const Range& range : AddressSpace::get().take_all_of(&context))
        AddressSpace::unreserve(range.base, range.memory->size());
    process.ledger().release(context.record);
    context.record = -1;
    context.retained = 0;
}

struct Primary {
    CuResult result = CuResult::success;
    CuContextSt* context = nullptr;
};

Primary find_primary(CuDevice ordinal) {
    Process& process = Process::get();
    if (const CuResult result = process.admit(); result != CuResult::success) return {result};
    if (!process.is_visible(ordinal)) return {CuResult::invalid_device};
    return {CuResult::success, process.primary[static_cast<std::size_t>(ordinal)].get()};
}

std::mutex& primary_mutex() {
    static std::mutex mutex;
    return mutex;
}

}  // namespace

// A context that was destroyed elsewhere may still be on this thread's stack.
CuContext current_context() {
    if (stack.empty() || stack.back() == nullptr || !is_known(stack.back())) return nullptr;
    return stack.back();
}

extern "C" {

CuResult cuDevicePrimaryCtxRetain(CuContext* context, CuDevice ordinal) {
    const Primary primary = find_primary(ordinal);
    if (primary.result != CuResult::success) return primary.result;
    if (context == nullptr) return CuResult::invalid_value;
    const CuResult sound = Process::get().admit_device(primary.context->device);
    if (sound != CuResult::success) return sound;
    const std::scoped_lock lock{primary_mutex()};
    if (primary.context->retained == 0) {
        if (const CuResult result = open(*primary.context); result != CuResult::success)
            return result;
    }
    ++primary.context->retained;
    *context = primary.context;
    return CuResult::success;
}

CuResult cuDevicePrimaryCtxRelease_v2(CuDevice ordinal) {
    const Primary primary = find_primary(ordinal);
    if (primary.result != CuResult::success) return primary.result;
    const std::scoped_lock lock{primary_mutex()};
    if (primary.context->retained == 0) return CuResult::invalid_context;
    if (--primary.context->retained == 0) close(*primary.context);
    return CuResult::success;
}

CuResult cuDevicePrimaryCtxReset_v2(CuDevice ordinal) {
    const Primary primary = find_primary(ordinal);
    if (primary.result != CuResult::success) return primary.result;
    const std::scoped_lock lock{primary_mutex()};
    if (primary.context->retained != 0) close(*primary.context);
    return CuResult::success;
}

CuResult cuDevicePrimaryCtxGetState(CuDevice ordinal, unsigned* flags, int* active) {
    const Primary primary = find_primary(ordinal);
    if (primary.result != CuResult::success) return primary.result;
    if (flags == nullptr || active == nullptr) return CuResult::invalid_value;
    const std::scoped_lock lock{primary_mutex()};
    *flags = 0;
    *active = primary.context->retained != 0 ? 1 : 0;
    return CuResult::success;
}

CuResult cuCtxCreate_v2(CuContext* context, unsigned /*flags*/, CuDevice ordinal) {
    Process& process = Process::get();
    if (const CuResult result = process.admit(); result != CuResult::success) return result;
    if (context == nullptr) return CuResult::invalid_value;
    if (!process.is_visible(ordinal)) return CuResult::invalid_device;
    const int device = process.device_of(ordinal);
    const CuResult sound = process.admit_device(device);
    if (sound != CuResult::success) return sound;
    auto made = std::make_unique<CuContextSt>();
    made->ordinal = ordinal;
    made->device = device;
    if (const CuResult result = open(*made); result != CuResult::success) return result;
    *context = made.release();  // until cuCtxDestroy
    stack.push_back(*context);
    return CuResult::success;
}

CuResult cuCtxDestroy_v2(CuContext context) {
    if (const CuResult result = Process::get().admit(); result != CuResult::success) return result;
    if (context == nullptr || !is_known(context)) return CuResult::invalid_context;
    if (context->is_primary) return CuResult::invalid_context;
    close(*context);
    if (!stack.empty() && stack.back() == context) stack.pop_back();
    // Threads of streams may still look at it: a few bytes stay behind for each context destroyed.
    return CuResult::success;
}

CuResult cuCtxSetCurrent(CuContext context) {
    if (const CuResult result = Process::get().admit(); result != CuResult::success) return result;
    if (context != nullptr && !is_known(context)) return CuResult::invalid_context;
    if (!stack.empty()) stack.pop_back();
    if (context != nullptr) stack.push_back(context);
    return CuResult::success;
}

CuResult cuCtxGetCurrent(CuContext* context) {
    if (const CuResult result = Process::get().admit(); result != CuResult::success) return result;
    if (context == nullptr) return CuResult::invalid_value;
    *context = current_context();
    return CuResult::success;
}

CuResult cuCtxPushCurrent_v2(CuContext context) {
    if (const CuResult result = Process::get().admit(); result != CuResult::success) return result;
    if (context == nullptr || !is_known(context)) return CuResult::invalid_context;
    stack.push_back(context);
    return CuResult::success;
}

CuResult cuCtxPopCurrent_v2(CuContext* context) {
    if (const CuResult result = Process::get().admit(); result != CuResult::success) return result;
    if (stack.empty()) return CuResult::invalid_context;
    if (context != nullptr) *context = stack.back();
    stack.pop_back();
    return CuResult::success;
}

CuResult cuCtxGetDevice(CuDevice* ordinal) {
    const Admission admission = admit_current();
    if (!admission) return admission.result;
    if (ordinal == nullptr) return CuResult::invalid_value;
    *ordinal = admission.context->ordinal;
    return CuResult::success;
}

CuResult cuCtxSynchronize() {
    const Admission admission = admit_current();
    if (!admission) return admission.result;
    drain(admission.context);
    return after_wait(admission.context->device);
}

}  // extern "C"

}  // namespace windlass::emulator
