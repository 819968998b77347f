// See address_space.h.
#include "emulator/cuda/address_space.h"

#include <sys/mman.h>

#include <algorithm>
#include <utility>

namespace windlass::emulator {

namespace {

void* pointer(CuDevicePtr address) {
    return reinterpret_cast<void*>(address);  // NOLINT(performance-no-int-to-ptr): never followed
}

}  // namespace

AddressSpace& AddressSpace::get() {
    static auto* const it = new AddressSpace;  // streams may still use it while the process exits
    return *it;
}

CuDevicePtr AddressSpace::reserve(std::uint64_t bytes, std::uint64_t alignment) {
    const std::uint64_t room = bytes + alignment;
    void* memory =
        mmap(nullptr, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return 0;
    const auto start = reinterpret_cast<CuDevicePtr>(memory);
    const CuDevicePtr base = (start + alignment - 1) / alignment * alignment;
    if (base != start) munmap(memory, base - start);
    const CuDevicePtr end = base + bytes;
    if (end != start + room) munmap(pointer(end), start + room - end);
    return base;
}

void AddressSpace::unreserve(CuDevicePtr base, std::uint64_t bytes) {
    munmap(pointer(base), bytes);
}

AddressSpace::Ranges::iterator AddressSpace::find_locked(CuDevicePtr address) {
    auto it = ranges_.upper_bound(address);
    if (it == ranges_.begin()) return ranges_.end();
    --it;
    return address < it->first + it->second.size ? it : ranges_.end();
}

void AddressSpace::add(Range range) {
    const std::scoped_lock lock{mutex_};
    ranges_[range.base] = std::move(range);
}

std::optional<Range> AddressSpace::find(CuDevicePtr address) {
    const std::scoped_lock lock{mutex_};
    const auto it = find_locked(address);
    return it == ranges_.end() ? std::nullopt : std::optional{it->second};
}

std::optional<Range> AddressSpace::take(CuDevicePtr base) {
    const std::scoped_lock lock{mutex_};
    const auto it = ranges_.find(base);
    if (it == ranges_.end()) return std::nullopt;
    Range range = std::move(it->second);
    ranges_.erase(it);
    return range;
}

std::vector<Range> AddressSpace::take_all_of(CuContext context) {
    const std::scoped_lock lock{mutex_};
    std::vector<Range> taken;
    std::erase_if(ranges_, [&](auto& entry) {
        if (entry.second.context != context) return false;
        taken.push_back(std::move(entry.second));
        return true;
    });
    return taken;
}

std::vector<Range> AddressSpace::take_exactly(CuDevicePtr base, std::uint64_t size) {
    const std::scoped_lock lock{mutex_};
    const auto first = ranges_.find(base);
    auto last = first;
    CuDevicePtr reached = base;
    while (last != ranges_.end() && last->first == reached && reached < base + size) {
        reached += last->second.size;
        ++last;
    }
    if (reached != base + size) return {};
    std::vector<Range> taken;
    for (auto it = first; it != last; ++it) taken.push_back(std::move(it->second));
    ranges_.erase(first, last);
    return taken;
}

bool AddressSpace::overlaps(CuDevicePtr base, std::uint64_t size) {
    const std::scoped_lock lock{mutex_};
    const auto next = ranges_.lower_bound(base);
    if (next != ranges_.end() && next->first < base + size) return true;
    return find_locked(base) != ranges_.end();
}

bool AddressSpace::set_access(CuDevicePtr base, std::uint64_t size, bool readable, bool writable) {
    const std::scoped_lock lock{mutex_};
    std::vector<Range*> meant;
    for (CuDevicePtr reached = base; reached < base + size;) {
        const auto it = find_locked(reached);
        if (it == ranges_.end()) return false;
        meant.push_back(&it->second);
        reached = it->first + it->second.size;
    }
    for (Range* range : meant) {
        range->is_readable = readable;
        range->is_writable = writable;
    }
    return true;
}

std::vector<Piece> AddressSpace::resolve(CuDevicePtr address, std::size_t bytes, Access access) {
    const std::scoped_lock lock{mutex_};
    std::vector<Piece> pieces;
    while (bytes > 0) {
        const auto it = find_locked(address);
        if (it == ranges_.end()) return {};
        const Range& range = it->second;
        if (!(access == Access::read ? range.is_readable : range.is_writable)) return {};
        const std::uint64_t offset = address - range.base;
        const std::size_t step = std::min<std::size_t>(bytes, range.size - offset);
        pieces.push_back({range.memory, offset, step});
        address += step;
        bytes -= step;
    }
    return pieces;
}

}  // namespace windlass::emulator
