// Reads what the daemon says of a model.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/memory_json.h"

namespace windlass::cli {

struct WaitingState {
    std::string request_id;
    std::string reason;
    double waited_ms = 0;
    std::uint64_t priority = 0;
};

// Fields as in GET /api/models/{model}; what is missing there has its default here, so that program
// and daemon need not be of one version.
struct ModelState {
    std::string name;
    std::string residency;
    std::string device;                     // empty: it has no process
    std::vector<std::string> devices = {};  // of each of its processes that is on one
    std::size_t standbys = 0;
    std::optional<std::uint64_t> worker_pid = {};
    std::string need = {};  // "configured", "learned", "unknown"; empty: not told
    std::optional<std::uint64_t> need_bytes = {};
    MemoryState memory = {};
    std::uint64_t running = 0;
    std::uint64_t waiting = 0;
    bool paused = false;
    std::string breaker = {};  // "closed", "open", "probing"; empty: not told
    std::uint64_t loads = 0;
    std::uint64_t failures = 0;
    std::optional<double> ready_since_s = {};
    std::optional<double> loading_for_s = {};
    std::optional<double> retry_after_s = {};
    std::string last_error = {};  // "worker_lost: ..."; empty: none
    std::vector<WaitingState> waiting_requests = {};
};

// data_corrupt when it is not what a daemon says.
base::Result<ModelState> parse_model(std::string_view json);
base::Result<std::vector<ModelState>> parse_models(std::string_view json);

}  // namespace windlass::cli
