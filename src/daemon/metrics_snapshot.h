// What is only looked up when somebody asks for the metrics: values of that moment, plain structs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "daemon/job_tally.h"
#include "http/api.h"
#include "http/device_status.h"
#include "http/queue_status.h"

namespace windlass::daemon {

struct ModelGauges {
    std::string name;
    std::string_view residency;
    std::size_t copies = 0;
    std::size_t waiting = 0;
    std::size_t running = 0;
    base::Duration oldest_wait = {};  // 0: nobody waits
    bool is_paused = false;
    bool is_breaker_open = false;
    std::optional<base::Bytes> need = {};
    std::uint64_t loads = 0;
    std::uint64_t failures = 0;
    std::map<std::string, base::Bytes> claimed = {};              // by device
    std::map<std::string, std::optional<base::Bytes>> used = {};  // likewise
    std::optional<base::Bytes> used_peak = {};
};

// Of the jobs of a model that ever had one.
struct JobGauges {
    std::string model = {};
    http::JobCounts counts = {};
    std::optional<base::Duration> oldest_wait = {};  // none: nobody waits for its turn
    JobTotals totals = {};
};

struct MetricsSnapshot {
    std::vector<ModelGauges> models;
    std::vector<JobGauges> jobs = {};
    std::vector<http::DeviceStatus> devices = {};
    std::map<std::string_view, std::size_t> workers = {};  // processes, by state
    bool is_ready = false;
    bool is_store_failing = false;
    base::Duration uptime = {};
    http::ConnectionCounters connections;
    std::uint64_t access_lines_lost = 0;
};

}  // namespace windlass::daemon
