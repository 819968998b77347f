// What people can read of what happened: log events of the engine and of workers, metrics, and the
// access log. Decides nothing and is never asked. Thread: main.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/command.h"
#include "daemon/access_log.h"
#include "daemon/metrics.h"
#include "http/exchange_record.h"
#include "http/worker_status.h"
#include "worker/event.h"

namespace windlass::daemon {

class Journal {
  public:
    // Metrics are kept for these models.
    explicit Journal(const std::vector<std::string>& models) : metrics_(models) {}

    // Models that came with a reload.
    void add_model(const std::string& name) { metrics_.add_model(name); }

    // From now on requests are written down there. It outlives the last of them.
    void use_access_log(AccessLog& log) { access_log_ = &log; }

    // What a Report is about, where it is about such a thing.
    struct Subject {
        std::string model = {};
        std::optional<int> pid = {};
        std::string device = {};
    };
    void write(const core::Report& report, const Subject& subject);
    // Only what the engine does not report itself. `pid` is that of its worker, if it is known.
    static void write(const worker::Event& event, std::optional<int> pid);
    // An administrator has it killed.
    static void write_kill_order(const http::WorkerStatus& worker);
    // `failed` has an error; `pid` is of whoever ran it.
    static void write_failure(const core::Respond& failed, const std::string& model,
                              std::optional<int> pid);

    void write(const core::RememberPeak& learned, const std::string& model,
               const std::string& device);
    void write(const core::ForgetPeaks& forgotten, const std::string& model,
               const std::string& device);

    // A request is over. It counts for the variant that it asked for, where there is such a one.
    void note(http::ExchangeRecord record);
    // A worker had to be ended, or died; see Metrics.
    void count_incident(std::string_view cause, std::string_view model) {
        metrics_.count_incident(cause, model);
    }
    void observe_swap(Swap swap, std::string_view model, base::Duration took) {
        metrics_.observe_swap(swap, model, took);
    }
    // How long the store took to have something on disk; see Metrics.
    void observe_commit(base::Duration whole, base::Duration sync) {
        metrics_.observe_commit(whole, sync);
    }
    // How late the loop came to something that was due.
    void observe_loop_lag(base::Duration lag) { metrics_.observe_loop_lag(lag); }

    // Adds its own counts to the snapshot.
    std::string metrics(MetricsSnapshot snapshot);

  private:
    Metrics metrics_;
    AccessLog* access_log_ = nullptr;
};

}  // namespace windlass::daemon
