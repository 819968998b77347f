// For tests: answers of a driver that tells processes apart, and of one that does not.
#pragma once

#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/device_ledger.h"

namespace windlass::core::testing {

inline constexpr Generation kA{1};
inline constexpr Generation kB{2};
inline constexpr Instant kNow{std::chrono::hours{1}};

inline DeviceLedger make_ledger() {
    return {Bytes{std::uint64_t{24} << 30}, Bytes{std::uint64_t{512} << 20}};
}

inline MemorySample told_apart(std::uint64_t sequence, Bytes used,
                               std::vector<OwnMemory> own = {}) {
    return {.used = used, .own = std::move(own), .own_known = true, .sequence = sequence};
}

inline MemorySample lumped(std::uint64_t sequence, Bytes used) {
    return {.used = used, .own = {}, .own_known = false, .sequence = sequence};
}

}  // namespace windlass::core::testing
