// What was asked of `windlass doctor`.
#pragma once

#include <optional>
#include <string>

namespace windlass::cli {

struct DoctorArguments {
    std::optional<std::string> configuration;
    std::optional<std::string> state_dir;
    bool json = false;
};

}  // namespace windlass::cli
