// What the opaque handles of the CUDA look-alike point to.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>

#include "driver_abi/cuda_vmm_symbols.h"

namespace windlass::driver_abi {

// A queue of work that one thread of its own does in order.
struct CuStreamSt {
    CuContext context = nullptr;
    bool is_blocking = true;  // waits for the default stream, and it for this one
    bool has_thread = false;
    bool is_closed = false;
    std::uint64_t enqueued_count = 0;
    std::uint64_t done_count = 0;
    std::deque<std::function<void()>> work;
    std::mutex mutex;
    std::condition_variable changed;
};

struct CuContextSt {
    int ordinal = 0;
    int device = 0;         // of the node
    unsigned retained = 0;  // of a primary context
    bool is_primary = false;
    int record = -1;  // in the ledger
    std::mutex mutex;
    // Streams are shared with their threads, which may outlive the handle while they hang.
    std::shared_ptr<CuStreamSt> default_stream;
    std::set<std::shared_ptr<CuStreamSt>> streams;
};

struct CuEventSt {
    bool is_timed = true;
    std::shared_ptr<CuStreamSt> stream;  // where it was last recorded
    std::uint64_t position = 0;          // in that stream
    std::atomic<std::uint64_t> happened_at_ns = 0;
};

}  // namespace windlass::driver_abi

namespace windlass::emulator {

using driver_abi::CuContext;
using driver_abi::CuContextSt;
using driver_abi::CuDevice;
using driver_abi::CuDevicePtr;
using driver_abi::CuEvent;
using driver_abi::CuMemoryHandle;
using driver_abi::CuResult;
using driver_abi::CuStream;
using driver_abi::CuStreamSt;

}  // namespace windlass::emulator
