// How often `windlass top` may look.
#pragma once

#include <chrono>

#include "base/time.h"

namespace windlass::cli {

inline constexpr base::Duration kShortestInterval = std::chrono::milliseconds{100};
inline constexpr base::Duration kLongestInterval = std::chrono::hours{1};

}  // namespace windlass::cli
