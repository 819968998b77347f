// Copies and sets. Each takes the modelled time of its full size on the copy engine of its
// direction, whatever is real of its bytes, and checks its addresses when it is carried out.
#include <utility>

#include "emulator/cuda/address_space.h"
#include "emulator/cuda/entry_points.h"
#include "emulator/cuda/faults.h"
#include "emulator/cuda/host_memory.h"
#include "emulator/cuda/process.h"
#include "emulator/cuda/streams.h"
#include "emulator/pace.h"

namespace windlass::emulator {

namespace {

// Unpinned memory is copied at about half the speed (dask-cuda issue 98: 5-6 of 11-12 GB/s).
constexpr std::uint64_t kPageableFactor = 2;
// Inside a device, memory is so many times as fast as the link (H100: 3.35 TB/s to 57 GB/s).
constexpr std::uint64_t kInsideFactor = 50;

struct Work {
    CopyDirection direction;
    std::uint64_t modelled_bytes;
    std::function<bool()> carry_out;  // false: an address is not what it must be
};

void perform(int device, const Work& work) {
    if (!may_work(device)) return;
    Process& process = Process::get();
    const std::uint64_t end =
        process.ledger().occupy_engine(device, work.direction, work.modelled_bytes);
    if (!work.carry_out()) return process.break_with(CuResult::illegal_address);
    wait_until_ns(end);
}

enum class Until : std::uint8_t { queued, done };

CuResult submit(CuStream stream, Until until, Work work) {
    const Admission admission = admit_current();
    if (!admission) return admission.result;
    const auto found = find_stream(admission.context, stream);
    if (!found) return CuResult::invalid_handle;
    const int device = admission.context->device;
    const Ticket ticket = enqueue(admission.context, found,
                                  [device, work = std::move(work)] { perform(device, work); });
    if (until == Until::queued) return CuResult::success;
    wait_for(ticket);
    return Process::get().admit_device(device);
}

CuResult to_device(CuStream stream, Until until, CuDevicePtr to, const void* from,
                   std::size_t bytes) {
    if (from == nullptr && bytes != 0) return CuResult::invalid_value;
    const bool pinned = HostMemory::get().contains(from, bytes);
    return submit(stream, pinned ? until : Until::done,
                  {CopyDirection::to_device, pinned ? bytes : bytes * kPageableFactor, [=] {
                       const auto* at = static_cast<const unsigned char*>(from);
                       const auto pieces = AddressSpace::get().resolve(to, bytes, Access::write);
                       for (const Piece& piece : pieces) {
                           piece.memory->write(piece.offset, at, piece.bytes);
                           at += piece.bytes;
                       }
                       return bytes == 0 || !pieces.empty();
                   }});
}

CuResult to_host(CuStream stream, Until until, void* to, CuDevicePtr from, std::size_t bytes) {
    if (to == nullptr && bytes != 0) return CuResult::invalid_value;
    const bool pinned = HostMemory::get().contains(to, bytes);
    return submit(stream, pinned ? until : Until::done,
                  {CopyDirection::to_host, pinned ? bytes : bytes * kPageableFactor, [=] {
                       auto* at = static_cast<unsigned char*>(to);
                       const auto pieces = AddressSpace::get().resolve(from, bytes, Access::read);
                       for (const Piece& piece : pieces) {
                           piece.memory->read(piece.offset, at, piece.bytes);
                           at += piece.bytes;
                       }
                       return bytes == 0 || !pieces.empty();
                   }});
}

bool copy_inside(CuDevicePtr to, CuDevicePtr from, std::size_t bytes) {
    AddressSpace& space = AddressSpace::get();
    auto targets = space.resolve(to, bytes, Access::write);
    auto sources = space.resolve(from, bytes, Access::read);
    if (bytes != 0 && (targets.empty() || sources.empty())) return false;
    for (std::size_t t = 0, s = 0; t < targets.size() && s < sources.size();) {
        Piece& target = targets[t];
        Piece& source = sources[s];
        const std::size_t step = std::min(target.bytes, source.bytes);
        target.memory->copy_from(*source.memory, source.offset, target.offset, step);
        for (Piece* piece : {&target, &source}) {
            piece->offset += step;
            piece->bytes -= step;
        }
        if (target.bytes == 0) ++t;
        if (source.bytes == 0) ++s;
    }
    return true;
}

CuResult inside(CuStream stream, Until until, CuDevicePtr to, CuDevicePtr from, std::size_t bytes) {
    return submit(stream, until, {CopyDirection::inside, bytes / kInsideFactor, [=] {
                                      return copy_inside(to, from, bytes);
                                  }});
}

bool fill(CuDevicePtr at, unsigned char value, std::size_t bytes) {
    const auto pieces = AddressSpace::get().resolve(at, bytes, Access::write);
    for (const Piece& piece : pieces) piece.memory->fill(piece.offset, value, piece.bytes);
    return bytes == 0 || !pieces.empty();
}

CuResult set(CuStream stream, CuDevicePtr at, unsigned char value, std::size_t bytes) {
    return submit(stream, Until::queued, {CopyDirection::inside, bytes / kInsideFactor, [=] {
                                              return fill(at, value, bytes);
                                          }});
}

}  // namespace

extern "C" {

CuResult cuMemcpyHtoD_v2(CuDevicePtr to, const void* from, std::size_t bytes) {
    return to_device(nullptr, Until::done, to, from, bytes);
}

CuResult cuMemcpyHtoDAsync_v2(CuDevicePtr to, const void* from, std::size_t bytes,
                              CuStream stream) {
    return to_device(stream, Until::queued, to, from, bytes);
}

CuResult cuMemcpyDtoH_v2(void* to, CuDevicePtr from, std::size_t bytes) {
    return to_host(nullptr, Until::done, to, from, bytes);
}

CuResult cuMemcpyDtoHAsync_v2(void* to, CuDevicePtr from, std::size_t bytes, CuStream stream) {
    return to_host(stream, Until::queued, to, from, bytes);
}

CuResult cuMemcpyDtoD_v2(CuDevicePtr to, CuDevicePtr from, std::size_t bytes) {
    return inside(nullptr, Until::queued, to, from, bytes);
}

CuResult cuMemcpyDtoDAsync_v2(CuDevicePtr to, CuDevicePtr from, std::size_t bytes,
                              CuStream stream) {
    return inside(stream, Until::queued, to, from, bytes);
}

CuResult cuMemsetD8_v2(CuDevicePtr at, unsigned char value, std::size_t bytes) {
    return set(nullptr, at, value, bytes);
}

CuResult cuMemsetD8Async(CuDevicePtr at, unsigned char value, std::size_t bytes, CuStream stream) {
    return set(stream, at, value, bytes);
}

CuResult cuMemsetD32_v2(CuDevicePtr at, unsigned value, std::size_t count) {
    if (at % sizeof value != 0) return CuResult::invalid_value;
    return submit(nullptr, Until::queued,
                  {CopyDirection::inside, count * sizeof value / kInsideFactor, [=] {
                       constexpr std::size_t kWords = 1 << 16;
                       const std::vector<unsigned> words(std::min(count, kWords), value);
                       for (std::size_t done = 0; done < count; done += words.size()) {
                           const std::size_t bytes =
                               std::min(words.size(), count - done) * sizeof value;
                           const auto pieces = AddressSpace::get().resolve(at + done * sizeof value,
                                                                           bytes, Access::write);
                           const auto* from = reinterpret_cast<const unsigned char*>(words.data());
                           for (const Piece& piece : pieces) {
                               piece.memory->write(piece.offset, from, piece.bytes);
                               from += piece.bytes;
                           }
                           if (pieces.empty()) return false;
                       }
                       return true;
                   }});
}

CuResult cuMemsetD2D8_v2(CuDevicePtr at, std::size_t pitch, unsigned char value, std::size_t width,
                         std::size_t height) {
    if (height > 1 && pitch < width) return CuResult::invalid_value;
    return submit(nullptr, Until::queued,
                  {CopyDirection::inside, width * height / kInsideFactor, [=] {
                       for (std::size_t row = 0; row < height; ++row) {
                           if (!fill(at + row * pitch, value, width)) return false;
                       }
                       return true;
                   }});
}

}  // extern "C"

}  // namespace windlass::emulator
