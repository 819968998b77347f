// A small world explored breadth first: to closure, until no new state appears; or so deep.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "exploration/small_world.h"

namespace windlass::exploration {

// Where sanitizers make a search several times slower; the small worlds reach the same code.
#ifdef WINDLASS_SMALL_WORLDS_ONLY
inline constexpr bool kSkipLarge = true;
#else
inline constexpr bool kSkipLarge = false;
#endif

struct Found {
    std::size_t state_count = 0;
    std::size_t step_count = 0;
    std::size_t quiet_count = 0;
    // How often each thing was met: what the engine reported in a step, and states in which
    // somebody waits for memory or a device is silent.
    std::map<std::string, std::size_t> met;
    std::vector<std::string> idle_moves;  // that never changed anything, wherever they were made
    std::string story;  // empty: no law was broken. Else a shortest path to where one was
};

struct Bounds {
    std::size_t state_max = 0;  // a world with more is said not to close
    // So many moves from the beginning, at most. Then it need not close, and whether everybody gets
    // on is not asked.
    std::optional<std::size_t> depth_max = {};
};

Found explore(const WorldOptions& options, const Bounds& bounds);

// Prints what was found, and requires that the world closed without a broken law.
Found require_closed(const char* name, const WorldOptions& options);

// The same of all that can happen within so many moves.
Found require_bounded(const char* name, const WorldOptions& options, std::size_t depth);

}  // namespace windlass::exploration
