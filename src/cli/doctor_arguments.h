// What was asked of `windlass doctor`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace windlass::cli {

struct DoctorArguments {
    std::optional<std::string> configuration;
    std::optional<std::string> state_dir;
    std::vector<std::string> checks;      // by name; empty: all
    std::optional<base::Duration> limit;  // of each check; empty: its own
    bool json = false;
};

}  // namespace windlass::cli
