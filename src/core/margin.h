// What is kept beyond a measured amount of memory.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace windlass::core {

// This share and this much more: allocators move.
inline constexpr std::uint64_t kMarginDivisor = 16;
inline constexpr base::Bytes kMargin{std::uint64_t{64} << 20};

constexpr base::Bytes with_margin(base::Bytes bytes) {
    return bytes + base::Bytes{bytes.count() / kMarginDivisor} + kMargin;
}

}  // namespace windlass::core
