// The life of a worker: hooks in their order, runs as they come, one way out.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>

#include "base/result.h"
#include "sdk/channel.h"
#include "sdk/gauge.h"
#include "sdk/runs.h"
#include "windlass/http_endpoint.h"
#include "windlass/offload.h"
#include "windlass/worker.h"
#include "wire/frame_meta.h"

namespace windlass::sdk {

// Drives one model by the frames of one channel. Thread: main, except for what says otherwise.
class Life {
  public:
    // `channel` has not been started.
    Life(Channel& channel, worker::Model& model);

    // The whole of it; returns the exit status. Blocks. Once.
    int live();

  private:
    // The steps.
    std::optional<wire::LoadOrder> begin();
    std::optional<wire::LoadOrder> wait_for_order();
    void serve(const wire::LoadOrder& order);
    void end(bool is_loaded);

    // Without a pool.
    void work_alone(const wire::LoadOrder& order);
    // Runs; in each thread of the pool, where there is one.
    void answer_from(Run* run, const wire::LoadOrder& order);
    Piece answer(Run& run, const wire::LoadOrder& order);
    base::Result<worker::Answer> call_model(Run& run);
    base::Result<worker::Answer> measure(Run& run, wire::Answer& told);
    void announce(Run& run);

    // Moving the weights.
    void carry_out(Move move, const wire::LoadOrder& order);
    base::Result<void> call_hook(Move move, const std::string& device);

    // Calling the hooks. attempt() is false when it failed, which the daemon then knows.
    bool attempt(const std::function<worker::Outcome<void>()>& hook);
    static base::Result<void> call(const std::function<worker::Outcome<void>()>& hook);

    // What comes from outside, in the thread that reads the channel or, the last two, in its own.
    base::Result<void> on_frame(wire::Frame frame);
    base::Result<void> on_load(const wire::Frame& frame);
    base::Result<void> on_run(wire::Frame frame);
    base::Result<void> on_move(const wire::Frame& frame);
    void on_end(const std::optional<base::Error>& error);
    void on_signal();

    // Any thread: the worker ends, with this status unless one is set.
    void leave(int status, std::optional<Runs::TimePoint> limit = {});
    int status();

    Channel& channel_;
    worker::Model& model_;
    worker::OffloadableModel* offloadable_;  // the same; null if it is none
    const worker::HttpEndpoint* endpoint_;   // likewise
    Gauge gauge_;
    Outbox& outbox_;
    Runs runs_;
    Reporter reporter_;             // of the hooks
    bool is_load_ordered_ = false;  // of the thread that reads
    std::atomic<bool> has_loaded_ = false;

    std::mutex mutex_;  // guards all below
    std::condition_variable changed_;
    std::optional<wire::LoadOrder> order_;
    std::optional<int> leaving_;  // the exit status, once it is clear that the worker ends
    bool is_over_ = false;        // all hooks have been called
};

}  // namespace windlass::sdk
