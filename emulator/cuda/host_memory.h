// Host memory that the device can copy fast from: allocated or registered, "pinned". Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>

namespace windlass::emulator {

class HostMemory {
  public:
    static HostMemory& get();

    enum class Origin : std::uint8_t { allocated, registered };
    bool add(const void* at, std::size_t bytes, Origin origin);  // false when part of it is known
    // Its size; empty when no such piece of that origin begins there.
    std::optional<std::size_t> take(const void* at, Origin origin);
    bool contains(const void* at, std::size_t bytes);

  private:
    struct Piece {
        std::size_t bytes;
        Origin origin;
    };
    bool overlaps(const char* at, std::size_t bytes) const;

    std::mutex mutex_;
    std::map<const char*, Piece> pieces_;
};

}  // namespace windlass::emulator
