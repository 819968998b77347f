// See streams.h.
#include "emulator/cuda/streams.h"

#include <thread>
#include <utility>
#include <vector>

#include "emulator/cuda/entry_points.h"
#include "emulator/cuda/faults.h"
#include "emulator/cuda/process.h"

namespace windlass::emulator {

namespace {

void serve(const std::shared_ptr<CuStreamSt>& stream) {
    std::unique_lock lock{stream->mutex};
    for (;;) {
        stream->changed.wait(lock, [&] { return stream->is_closed || !stream->work.empty(); });
        if (stream->work.empty()) return;
        const std::function<void()> work = std::move(stream->work.front());
        stream->work.pop_front();
        lock.unlock();
        work();
        lock.lock();
        ++stream->done_count;
        stream->changed.notify_all();
    }
}

Ticket tail_of(const std::shared_ptr<CuStreamSt>& stream) {
    const std::scoped_lock lock{stream->mutex};
    return {stream, stream->enqueued_count};
}

std::shared_ptr<CuStreamSt> default_stream_of(CuContext context) {
    if (!context->default_stream) {
        context->default_stream = std::make_shared<CuStreamSt>();
        context->default_stream->context = context;
    }
    return context->default_stream;
}

// What must be over before work on `stream` may begin. With the context's mutex.
std::vector<Ticket> before(CuContext context, const std::shared_ptr<CuStreamSt>& stream) {
    std::vector<Ticket> tickets;
    if (stream == context->default_stream) {
        for (const auto& other : context->streams) {
            if (other->is_blocking) tickets.push_back(tail_of(other));
        }
    } else if (stream->is_blocking && context->default_stream) {
        tickets.push_back(tail_of(context->default_stream));
    }
    return tickets;
}

}  // namespace

std::shared_ptr<CuStreamSt> find_stream(CuContext context, CuStream stream) {
    const std::scoped_lock lock{context->mutex};
    if (stream == nullptr) return default_stream_of(context);
    for (const auto& it : context->streams) {
        if (it.get() == stream) return it;
    }
    return nullptr;
}

Ticket enqueue(CuContext context, const std::shared_ptr<CuStreamSt>& stream,
               std::function<void()> work) {
    const std::scoped_lock order{context->mutex};
    std::vector<Ticket> first = before(context, stream);
    const std::scoped_lock lock{stream->mutex};
    stream->work.push_back([first = std::move(first), work = std::move(work)] {
        for (const Ticket& ticket : first) wait_for(ticket);
        work();
    });
    if (!stream->has_thread) {
        stream->has_thread = true;
        std::thread{serve, stream}.detach();
    }
    stream->changed.notify_all();
    return {stream, ++stream->enqueued_count};
}

bool is_done(const Ticket& ticket) {
    const std::scoped_lock lock{ticket.stream->mutex};
    return ticket.stream->done_count >= ticket.position;
}

void wait_for(const Ticket& ticket) {
    std::unique_lock lock{ticket.stream->mutex};
    ticket.stream->changed.wait(lock, [&] { return ticket.stream->done_count >= ticket.position; });
}

void drain(CuContext context) {
    std::vector<Ticket> tickets;
    {
        const std::scoped_lock lock{context->mutex};
        for (const auto& stream : context->streams) tickets.push_back(tail_of(stream));
        if (context->default_stream) tickets.push_back(tail_of(context->default_stream));
    }
    for (const Ticket& ticket : tickets) wait_for(ticket);
}

void close_streams(CuContextSt& context) {
    const std::scoped_lock order{context.mutex};
    if (context.default_stream) context.streams.insert(context.default_stream);
    for (const auto& stream : context.streams) {
        const std::scoped_lock lock{stream->mutex};
        stream->is_closed = true;
        stream->changed.notify_all();
    }
    context.streams.clear();
    context.default_stream = nullptr;
}

extern "C" {

CuResult cuStreamCreate(CuStream* stream, unsigned flags) {
    return cuStreamCreateWithPriority(stream, flags, 0);
}

CuResult cuStreamCreateWithPriority(CuStream* stream, unsigned flags, int /*priority*/) {
    const Admission admission = admit_current();
    if (!admission) return admission.result;
    if (stream == nullptr || (flags & ~driver_abi::kCuStreamNonBlocking) != 0)
        return CuResult::invalid_value;
    auto made = std::make_shared<CuStreamSt>();
    made->context = admission.context;
    made->is_blocking = flags == 0;
    *stream = made.get();
    const std::scoped_lock lock{admission.context->mutex};
    admission.context->streams.insert(std::move(made));
    return CuResult::success;
}

CuResult cuStreamDestroy_v2(CuStream stream) {
    const Admission admission = admit_current();
    if (!admission) return admission.result;
    const auto found = find_stream(admission.context, stream);
    if (!found || stream == nullptr) return CuResult::invalid_handle;
    {
        const std::scoped_lock lock{found->mutex};
        found->is_closed = true;  // what is queued is still done
        found->changed.notify_all();
    }
    const std::scoped_lock lock{admission.context->mutex};
    admission.context->streams.erase(found);
    return CuResult::success;
}

CuResult cuStreamSynchronize(CuStream stream) {
    const Admission admission = admit_current();
    if (!admission) return admission.result;
    const auto found = find_stream(admission.context, stream);
    if (!found) return CuResult::invalid_handle;
    wait_for(tail_of(found));
    return after_wait(admission.context->device);
}

CuResult cuStreamQuery(CuStream stream) {
    const Admission admission = admit_current();
    if (!admission) return admission.result;
    const auto found = find_stream(admission.context, stream);
    if (!found) return CuResult::invalid_handle;
    return is_done(tail_of(found)) ? CuResult::success : CuResult::not_ready;
}

CuResult cuLaunchHostFunc(CuStream stream, driver_abi::CuHostFunction function, void* data) {
    const Admission admission = admit_current();
    if (!admission) return admission.result;
    const auto found = find_stream(admission.context, stream);
    if (!found) return CuResult::invalid_handle;
    if (function == nullptr) return CuResult::invalid_value;
    enqueue(admission.context, found, [function, data] { function(data); });
    return CuResult::success;
}

}  // extern "C"

}  // namespace windlass::emulator
