// Work in order: each stream has a thread and a queue. The default stream of a context waits for
// what its blocking streams have queued, and they for what it has.
#pragma once

#include <functional>
#include <memory>

#include "emulator/cuda/types.h"

namespace windlass::emulator {

// Work that was queued, to be waited for.
struct Ticket {
    std::shared_ptr<CuStreamSt> stream;
    std::uint64_t position = 0;
};

// Null stands for the default stream. Empty when the handle is none of the context's.
std::shared_ptr<CuStreamSt> find_stream(CuContext context, CuStream stream);

Ticket enqueue(CuContext context, const std::shared_ptr<CuStreamSt>& stream,
               std::function<void()> work);
bool is_done(const Ticket& ticket);
void wait_for(const Ticket& ticket);

// Everything that the context has queued so far.
void drain(CuContext context);
// Ends the threads once their queues are empty; does not wait.
void close_streams(CuContextSt& context);

}  // namespace windlass::emulator
