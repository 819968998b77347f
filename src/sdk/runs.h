// The runs that a worker was given and has not answered, and who may begin the next.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "sdk/reporter.h"
#include "windlass/worker.h"

namespace windlass::sdk {

// One `run` frame.
struct Run {
    Run(std::uint64_t request_id, std::string body, std::string content_type, Outbox& outbox)
        : id(request_id),
          request(std::move(body), std::move(content_type)),
          reporter(outbox, request_id) {
        request.reporter_ = &reporter;
    }

    std::uint64_t id;
    worker::Request request;
    Reporter reporter;
    bool has_started = false;  // of the thread that took it
};

// Gives each run to exactly one taker, in order, or back to the daemon. Thread: any.
class Runs {
  public:
    enum class Added { yes, closed, id_in_use };
    Added add(std::unique_ptr<Run> run);

    // The next run, which has begun with this and is valid until finish(). take() blocks, and is
    // null once closed; try_take() is null when nothing waits, too.
    Run* take();
    Run* try_take();
    // take() would block.
    bool is_idle();

    // The run has been answered.
    void finish(Run& run);

    // True if the run had not begun and now never will.
    bool recall(std::uint64_t id);
    // The ids of all that had not begun.
    std::vector<std::uint64_t> recall_all();

    // Sets Request::cancelled(); nothing for a run that is over.
    void cancel(std::uint64_t id);
    void cancel_all();

    // No run begins after this; with a limit, wait_until_over() does not wait beyond it.
    using TimePoint = std::chrono::steady_clock::time_point;
    void close(std::optional<TimePoint> limit = {});

    // Until it is closed and no run is left that has begun. False when the limit came first.
    bool wait_until_over();

    bool has_begun();

  private:
    Run* begin_first();

    std::mutex mutex_;  // guards all below
    // Apart, so that one added run wakes a thread that takes, never one that waits for the end.
    std::condition_variable added_;
    std::condition_variable over_;
    std::deque<std::unique_ptr<Run>> waiting_;
    std::vector<std::unique_ptr<Run>> begun_;
    bool is_closed_ = false;
    std::optional<TimePoint> limit_;
};

}  // namespace windlass::sdk
