// What both protocols believe of an amount of memory.
#pragma once

#include <cstdint>

namespace windlass::wire {

// A petabyte, as in the configuration: what is larger is garbage, and its sums could overflow.
inline constexpr std::uint64_t kBytesMax = std::uint64_t{1} << 50;

}  // namespace windlass::wire
