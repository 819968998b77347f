// What is counted for GET /metrics; docs/metrics.md lists all of it. prometheus-cpp stays behind
// this header. Thread: main.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "core/command.h"
#include "daemon/metrics_snapshot.h"
#include "http/exchange_record.h"

namespace windlass::daemon {

// Weights that come and go.
enum class Swap : std::uint8_t { load, offload, restore };

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
    // What the engine reports of a model, beyond the event itself.
    void count(const core::Report& report, std::string_view model);
    // A worker of the model was replaced for that: "runs" or "growth".
    void count_recycled(std::string_view cause, std::string_view model);
    // A worker had to be ended, or died; `cause`: the type of an error, or "forced".
    void count_incident(std::string_view cause, std::string_view model);
    void observe_swap(Swap swap, std::string_view model, base::Duration took);
    // How long a transaction of the store took, and of it the writing and syncing at its end.
    void observe_commit(base::Duration whole, base::Duration sync);
    // How late the loop came to something that was due.
    void observe_loop_lag(base::Duration lag);

    // The work does not depend on the number of requests, waiting or past.
    std::string text(const MetricsSnapshot& snapshot);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace windlass::daemon
