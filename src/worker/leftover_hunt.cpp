// A search in small steps, and a growing pause between passes.
#include "worker/leftover_hunt.h"

#include <algorithm>
#include <utility>

#include "io/loop.h"
#include "worker/cgroup.h"

namespace windlass::worker {
namespace {

using namespace std::chrono_literals;

// Of one turn of the loop: about 0.6 ms.
constexpr std::size_t kProcessesPerTurn = 64;
constexpr base::Duration kHuntPauseFirst = 1ms;
constexpr base::Duration kHuntPauseMax = 50ms;
// SIGKILL needs less than a millisecond, unless the process hangs in the kernel.
constexpr base::Duration kHuntLimit = 2s;

}  // namespace

LeftoverHunt::LeftoverHunt(io::Loop& loop, HuntOrder order,
                           std::function<void(HuntOutcome)> on_over)
    : loop_(loop),
      order_(std::move(order)),
      on_over_(std::move(on_over)),
      pause_(kHuntPauseFirst),
      timer_(loop, [this] { go_on(); }) {}

void LeftoverHunt::start() {
    deadline_ = loop_.now() + kHuntLimit;
    go_on();
}

void LeftoverHunt::go_on() {
    if (order_.cgroup.empty()) {
        sweep_some();
    } else {
        look_into_cgroup();
    }
}

void LeftoverHunt::look_into_cgroup() {
    const bool has_found = is_populated(order_.cgroup);
    if (has_found) {
        for (const int pid : processes_of_cgroup(order_.cgroup)) victims_.insert(pid);
        kill_cgroup(order_.cgroup);
    }
    end_pass(has_found);
}

void LeftoverHunt::sweep_some() {
    if (!sweep_) {
        sweep_.emplace(tag_of(order_.daemon_id, order_.generation));
        has_found_ = false;
    }
    std::vector<KilledProcess> killed;
    const bool is_over = sweep_->step(kProcessesPerTurn, killed);
    for (const KilledProcess& process : killed) victims_.insert(process.pid);
    has_found_ |= !killed.empty() || sweep_->is_blind();
    if (!is_over) return timer_.start(base::Duration::zero());
    sweep_.reset();
    end_pass(has_found_);
}

void LeftoverHunt::end_pass(bool has_found) {
    empty_passes_ = has_found ? 0 : empty_passes_ + 1;
    // What executes a program at the moment of a pass shows no environment; two do not meet it.
    const int empty_passes_wanted = order_.cgroup.empty() ? 2 : 1;
    if (empty_passes_ == empty_passes_wanted || loop_.now() >= deadline_) return finish(!has_found);
    timer_.start(pause_);
    pause_ = std::min(2 * pause_, kHuntPauseMax);
}

void LeftoverHunt::finish(bool is_everything_gone) {
    // Out of the object first: it may be destroyed meanwhile.
    const std::function<void(HuntOutcome)> on_over = std::move(on_over_);
    on_over({.process_count = victims_.size(), .is_everything_gone = is_everything_gone});
}

}  // namespace windlass::worker
