// The runs that a worker was given and has not answered, and who may begin the next.
#pragma once

#include <atomic>
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
    // The model's code is over. Set before the answer is sent: what follows it may rely on that.
    std::atomic<bool> is_answered = false;
};

// An order to move the weights.
enum class Move : std::uint8_t { offload, restore };

// Gives each run to exactly one taker, in order, or back to the daemon; and each move, which has no
// run beside it. Thread: any.
class Runs {
  public:
    // `moving`, `offloaded`: the model cannot run now.
    enum class Added { yes, closed, id_in_use, moving, offloaded };
    Added add(std::unique_ptr<Run> run);

    // The next run, which has begun with this and is valid until finish(). take() blocks, and is
    // null once closed; try_take() is null when nothing waits, too.
    Run* take();
    Run* try_take();

    // For a thread that runs and moves alone; neither of the two: closed.
    struct Next {
        Run* run = nullptr;
        std::optional<Move> move;
    };
    Next take_next();
    // take_next() would block.
    bool is_idle();

    // `busy`: a run waits or is not answered. `there`: the weights are where they shall go.
    // `open`: the last one is not over.
    enum class Ordered { yes, closed, busy, there, open };
    Ordered order_move(Move move);
    // The ordered one, where a pool takes the runs. None once closed.
    std::optional<Move> wait_for_move();
    // The hook of the one that was taken is over. Before that is answered.
    void finish_move(bool is_done);
    // Everything that came is over, and more may come.
    bool is_resting();
    // True if one was ordered and now will not be taken any more.
    bool recall_move();

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
    bool are_answered() const;
    template <class IsThere>
    void wait_for_more(std::unique_lock<std::mutex>& lock, IsThere is_there);
    Run* begin_first();
    std::optional<Move> take_move();

    std::mutex mutex_;  // guards all below
    // Apart, so that one added run wakes a thread that takes, never one that waits for the end.
    std::condition_variable added_;
    std::condition_variable over_;
    bool is_waking_ = false;  // a thread, which will wake the next if there is more
    std::deque<std::unique_ptr<Run>> waiting_;
    std::vector<std::unique_ptr<Run>> begun_;
    std::optional<Move> move_;      // ordered and not over
    bool is_move_waiting_ = false;  // and not taken
    bool is_offloaded_ = false;
    bool is_closed_ = false;
    std::optional<TimePoint> limit_;
};

}  // namespace windlass::sdk
