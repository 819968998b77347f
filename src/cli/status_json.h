// JSON of `windlass status`, and what it reads of the daemon's own.
#pragma once

#include <windlass/client.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace windlass::cli {

// Fields as in GET /healthz.
struct DaemonState {
    std::string version;
    std::string commit;
    std::string daemon_id;
    std::string configuration;
    std::string status = {};  // "ok", "degraded" or "stopping"
    double uptime_s = 0;
    std::vector<std::string> troubles;  // what does not work although the daemon does
};

// data_corrupt when it is not what a daemon says.
base::Result<DaemonState> parse_health(std::string_view json);

struct StatusBodies {
    const std::string& url;
    const std::string& health;              // of GET /healthz
    const std::string& models;              // of GET /api/models
    const std::optional<Failure>& unready;  // empty: ready
};
std::string status_json(const StatusBodies& bodies);

}  // namespace windlass::cli
