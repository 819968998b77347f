// Ends what workers left behind, without holding up the loop: children in sessions of their own,
// which their process groups do not hold. Thread: the loop's, which must be the main thread.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "base/time.h"
#include "io/timer.h"
#include "worker/tag_search.h"

namespace windlass::io {
class Loop;
}

namespace windlass::worker {

struct HuntOrder {
    std::string cgroup;     // empty: they are in none, and are found by their tag
    TagSearchOrder search;  // its limit holds for the cgroup, too
};

// Kills at once, then looks again until nobody is left or the limit is over.
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
    void look_into_cgroup();
    void finish(bool is_everything_gone);

    io::Loop& loop_;
    HuntOrder order_;
    std::function<void(HuntOutcome)> on_over_;
    std::unique_ptr<TagSearch> search_;
    std::set<pid_t> victims_;
    base::Duration pause_;
    base::Instant deadline_{};
    io::Timer timer_;
};

}  // namespace windlass::worker
