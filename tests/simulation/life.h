// Which life of which world is simulated: its seed, and what was taken away to make it smaller.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "simulation/faults.h"

namespace windlass::simulation {

struct Life {
    static constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

    std::uint64_t seed = 1;
    std::set<Fault> without = {};       // never strike
    bool has_administrators = true;     // who load, restart, kill, reconfigure
    std::size_t models_max = kNoLimit;  // of those that are drawn
    std::size_t events_max = kNoLimit;  // with faults, and then they end
    base::Duration lasts = {};          // with faults; 0: some hundred events

    friend bool operator==(const Life&, const Life&) = default;
};

// As an environment that a shell takes: "WINDLASS_SEED=7 WINDLASS_WITHOUT=run_dies,stranger".
std::string to_text(const Life& life);

// From such variables, as getenv() finds them; empty: no seed is named. Errors: `invalid_input`.
using Environment = const char* (*)(const char* name);
base::Result<std::optional<Life>> life_of(Environment get);

}  // namespace windlass::simulation
