// Device addresses of this process: which range means which physical memory, with what access. The
// addresses are real reservations without any access for the host, so that to follow a device
// pointer on the host is a fault, as on hardware. Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "emulator/cuda/physical_memory.h"
#include "emulator/cuda/types.h"

namespace windlass::emulator {

inline constexpr std::uint64_t kGranularity = std::uint64_t{2} << 20;  // of physical memory

struct Range {
    CuDevicePtr base = 0;
    std::uint64_t size = 0;
    std::shared_ptr<PhysicalMemory> memory = {};  // shared with copies under way
    CuContext context = nullptr;                  // of cuMemAlloc; null: mapped by cuMemMap
    bool is_readable = false;
    bool is_writable = false;
};

// A piece of a copy that lies in one range.
struct Piece {
    std::shared_ptr<PhysicalMemory> memory;
    std::uint64_t offset = 0;
    std::size_t bytes = 0;
};

enum class Access : std::uint8_t { read, write };

class AddressSpace {
  public:
    static AddressSpace& get();

    // Reserves addresses; 0 when there are none.
    static CuDevicePtr reserve(std::uint64_t bytes, std::uint64_t alignment);
    static void unreserve(CuDevicePtr base, std::uint64_t bytes);

    void add(Range range);
    std::optional<Range> find(CuDevicePtr address);
    // The range that begins there, taken out.
    std::optional<Range> take(CuDevicePtr base);
    std::vector<Range> take_all_of(CuContext context);
    // Exactly the ranges that make up [base, base + size); empty when these are none.
    std::vector<Range> take_exactly(CuDevicePtr base, std::uint64_t size);
    bool overlaps(CuDevicePtr base, std::uint64_t size);
    // False when part of it is not mapped.
    bool set_access(CuDevicePtr base, std::uint64_t size, bool readable, bool writable);

    // Empty when any byte is not mapped or may not be used so: the device would fault.
    std::vector<Piece> resolve(CuDevicePtr address, std::size_t bytes, Access access);

  private:
    using Ranges = std::map<CuDevicePtr, Range>;
    Ranges::iterator find_locked(CuDevicePtr address);

    std::mutex mutex_;
    Ranges ranges_;
};

}  // namespace windlass::emulator
