// Looks into the cgroup with a growing pause between passes, or leaves it to a TagSearch.
#include "worker/leftover_hunt.h"

#include <algorithm>
#include <utility>

#include "io/loop.h"
#include "worker/cgroup.h"

namespace windlass::worker {
namespace {

using namespace std::chrono_literals;

constexpr base::Duration kHuntPauseFirst = 1ms;
constexpr base::Duration kHuntPauseMax = 50ms;

}  // namespace

LeftoverHunt::LeftoverHunt(io::Loop& loop, HuntOrder order,
                           std::function<void(HuntOutcome)> on_over)
    : loop_(loop),
      order_(std::move(order)),
      on_over_(std::move(on_over)),
      pause_(kHuntPauseFirst),
      timer_(loop, [this] { look_into_cgroup(); }) {}

void LeftoverHunt::start() {
    if (order_.cgroup.empty()) {
        search_ = std::make_unique<TagSearch>(loop_, order_.search, std::move(on_over_));
        return search_->start();
    }
    deadline_ = loop_.now() + order_.search.limit;
    look_into_cgroup();
}

void LeftoverHunt::look_into_cgroup() {
    const bool has_found = is_populated(order_.cgroup);
    if (has_found) {
        for (const int pid : processes_of_cgroup(order_.cgroup)) victims_.insert(pid);
        kill_cgroup(order_.cgroup);
    }
    if (!has_found || loop_.now() >= deadline_) return finish(!has_found);
    timer_.start(pause_);
    pause_ = std::min(2 * pause_, kHuntPauseMax);
}

void LeftoverHunt::finish(bool is_everything_gone) {
    // Out of the object first: it may be destroyed meanwhile.
    const std::function<void(HuntOutcome)> on_over = std::move(on_over_);
    on_over({.process_count = victims_.size(),
             .is_everything_gone = is_everything_gone,
             .failure = is_everything_gone ? "" : "a process in the cgroup did not die"});
}

}  // namespace windlass::worker
