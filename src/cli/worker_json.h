// What the daemon says of workers and incidents, as plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/memory_json.h"

namespace windlass::cli {

struct ProgressState {
    std::optional<std::uint64_t> step;
    std::optional<std::uint64_t> total;
    std::string phase;
};

// A request that has begun in a worker.
struct RunState {
    std::string request;
    double since_s = 0;
    std::optional<double> limit_in_s;
    std::optional<std::uint64_t> peak_bytes;
    std::optional<ProgressState> progress;
};

struct WorkerState {
    std::uint64_t id = 0;
    std::uint64_t pid = 0;
    std::string model;
    std::string device;
    std::string state;
    double since_s = 0;
    std::string next_step;  // "offload", "unload", "limit"; empty: it stays as it is
    std::optional<double> next_in_s;
    MemoryState memory;                // of its device
    std::vector<std::string> running;  // request ids
    std::vector<RunState> runs;
    std::optional<ProgressState> load;  // what its load last said of itself
};

// The answers of GET /api/workers and of a kill. Errors: data_corrupt.
base::Result<std::vector<WorkerState>> parse_workers(std::string_view text);
base::Result<WorkerState> parse_worker(std::string_view text);

struct StepState {
    std::string name;  // "detected", "looked_at", ...
    double after_ms = 0;
    std::optional<std::uint64_t> bytes;  // of "proved" and "fenced"
};

struct ThreadState {
    std::uint64_t process = 0;
    std::uint64_t thread = 0;
    std::string name;
    std::string state;
    std::string wait_channel;
    std::vector<std::string> kernel_stack;
    std::vector<std::string> native_stack;
};

// Fields as in GET /api/incidents; what is null there is empty here.
struct IncidentState {
    std::uint64_t id = 0;
    std::string detected_at;
    std::uint64_t worker = 0;
    std::uint64_t pid = 0;
    std::string model;
    std::string device;
    std::string request;
    std::string cause_type;
    std::string cause_message;
    std::string how;
    std::uint64_t leftovers = 0;
    std::vector<StepState> steps;
    // Of the evidence.
    std::vector<ThreadState> threads;
    std::vector<std::string> python_stacks;
    std::vector<std::string> missing;
    std::vector<std::string> output;
    // What the device's driver had last said then.
    std::optional<double> device_age_s;  // none: nothing
    std::optional<std::uint64_t> device_worker_bytes;
    std::optional<std::uint64_t> device_used_bytes;
    std::optional<std::uint64_t> device_busy_percent;
};

base::Result<std::vector<IncidentState>> parse_incidents(std::string_view text);
// The object of one incident as JSON text; empty: there is none with this id.
std::string incident_json(std::string_view text, std::uint64_t id);

}  // namespace windlass::cli
