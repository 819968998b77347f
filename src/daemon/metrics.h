// What is counted for GET /metrics. prometheus-cpp stays behind this header. Thread: main.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "http/api.h"
#include "http/exchange_record.h"

namespace windlass::daemon {

struct ModelGauges {
    std::string name;
    std::string_view residency;
    std::size_t waiting = 0;
    std::size_t running = 0;
    std::uint64_t loads = 0;
    std::uint64_t failures = 0;
};

struct DeviceGauges {
    std::string uuid;
    bool is_answering = false;
    std::optional<base::Bytes> capacity = {};
    std::optional<base::Bytes> used = {};
    std::optional<base::Duration> age = {};  // of these
};

// What is only looked up when somebody asks.
struct MetricsSnapshot {
    std::vector<ModelGauges> models;  // each was named to the Metrics before
    std::vector<DeviceGauges> devices = {};
    http::ConnectionCounters connections;
    std::uint64_t access_lines_lost = 0;
};

class Metrics {
  public:
    // Clients cannot make series: a model that is not among these counts under the empty name.
    explicit Metrics(const std::vector<std::string>& models);
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    // Models that came with a reload.
    void add_model(const std::string& name);

    bool has_model(const std::string& name) const;

    void count(const http::ExchangeRecord& record);
    void count_event(std::string_view code, std::string_view model);
    // A worker of the model was replaced for that: "runs" or "growth".
    void count_recycled(std::string_view cause, std::string_view model);
    // How late the loop came to something that was due.
    void observe_loop_lag(base::Duration lag);

    // The work does not depend on the number of requests, waiting or past.
    std::string text(const MetricsSnapshot& snapshot);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace windlass::daemon
