// From the tables of a file to the configuration, with every rule that involves more than one
// value. Internal to the configuration.
#pragma once

#include <filesystem>
#include <optional>

#include "daemon/configuration.h"
#include "daemon/configuration_section.h"

namespace windlass::daemon {

// IDLE_UNLOAD_TIMEOUT_SEC and IDLE_CLEAR_TIMEOUT_SEC, or the built-in values.
struct IdleDefaults {
    std::optional<Duration> offload_after;
    std::optional<Duration> unload_after;
};
IdleDefaults read_idle_defaults(const Environment& environment, Problems& problems);

// Each appends its mistakes to `problems`; what is returned counts only when there is none.
// `folder` is absolute: that of the file.
DaemonConfiguration read_daemon(const TomlValue& table, const std::filesystem::path& folder,
                                const Environment& environment, const Overrides& overrides,
                                Problems& problems);
DevicesConfiguration read_devices(const TomlValue& table, Problems& problems);
// The model, then its variants.
std::vector<ModelConfiguration> read_model(const TomlEntry& model,
                                           const std::filesystem::path& folder,
                                           const IdleDefaults& defaults, Problems& problems);

}  // namespace windlass::daemon
