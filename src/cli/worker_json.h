// What the daemon says of workers, as plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace windlass::cli {

struct WorkerState {
    std::uint64_t id = 0;
    std::uint64_t pid = 0;
    std::string model;
    std::string device;
    std::string state;
    double since_s = 0;
    std::vector<std::string> running;  // request ids
};

// The answers of GET /api/workers and of a kill. Errors: data_corrupt.
base::Result<std::vector<WorkerState>> parse_workers(std::string_view text);
base::Result<WorkerState> parse_worker(std::string_view text);

}  // namespace windlass::cli
