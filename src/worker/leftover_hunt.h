// Ends what a worker left behind, without holding up the loop: children in sessions of their own,
// which its process group does not hold. Thread: the loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "io/timer.h"
#include "worker/tagged_processes.h"

namespace windlass::io {
class Loop;
}

namespace windlass::worker {

struct HuntOrder {
    std::string daemon_id;
    std::uint64_t generation = 0;
    std::string cgroup;  // the worker's; empty: it is in none, and /proc is searched for its tag
};

struct HuntOutcome {
    std::size_t process_count = 0;   // that were killed
    bool is_everything_gone = true;  // false: one did not die in time, or nobody could look
};

// Kills at once, then looks again until nobody is left, for 2 s at most.
class LeftoverHunt {
  public:
    // `on_over` comes once: from the loop, or from start() if the cgroup is empty. The hunt
    // may be destroyed within it.
    LeftoverHunt(io::Loop& loop, HuntOrder order, std::function<void(HuntOutcome)> on_over);
    LeftoverHunt(const LeftoverHunt&) = delete;
    LeftoverHunt& operator=(const LeftoverHunt&) = delete;
    ~LeftoverHunt() = default;

    void start();

  private:
    void go_on();
    void look_into_cgroup();
    void sweep_some();
    void end_pass(bool has_found);
    void finish(bool is_everything_gone);

    io::Loop& loop_;
    HuntOrder order_;
    std::function<void(HuntOutcome)> on_over_;
    std::optional<TagSweep> sweep_;
    bool has_found_ = false;  // in this pass
    int empty_passes_ = 0;    // in a row
    std::set<pid_t> victims_;
    base::Duration pause_;
    base::Instant deadline_{};
    io::Timer timer_;
};

}  // namespace windlass::worker
