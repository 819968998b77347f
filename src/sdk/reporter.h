// Progress of one load or run, sent at most ten times a second, but each new phase at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

#include "sdk/outbox.h"
#include "windlass/worker.h"

namespace windlass::sdk {

// Thread: any.
class Reporter {
  public:
    // `id`: the request, or 0 of the load.
    Reporter(Outbox& outbox, std::uint64_t id) : outbox_(outbox), id_(id) {}

    void report(const worker::Progress& progress);

    // It may report again after close(): the next piece of work without a request has begun.
    void reopen();

    // Nothing leaves after this returns: a thread that the run left behind stays silent.
    void close();

  private:
    Outbox& outbox_;
    std::uint64_t id_;
    std::mutex mutex_;  // guards all below
    std::chrono::steady_clock::time_point next_at_;
    std::string phase_;
    bool is_open_ = true;
};

// While it lives, worker::progress() in this thread, or in any with `everywhere`, is of `reporter`.
class [[nodiscard]] Reporting {
  public:
    enum class Where { here, everywhere };
    Reporting(Reporter& reporter, Where where);
    ~Reporting();
    Reporting(const Reporting&) = delete;
    Reporting& operator=(const Reporting&) = delete;

  private:
    Reporter& reporter_;
    Where where_;
};

}  // namespace windlass::sdk
