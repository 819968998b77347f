// The latest jobs that were accepted and, as far as anybody was told, have not begun or ended: who
// waits for one needs no look at the store, and most who wait have just handed over what they wait
// for. Thread: main.
#pragma once

#include <cstddef>
#include <set>

#include "store/job.h"

namespace windlass::daemon {

class FreshJobs {
  public:
    void note(store::JobId job) {
        jobs_.insert(job);
        if (jobs_.size() > kCountMax) jobs_.erase(jobs_.begin());
    }
    void forget(store::JobId job) { jobs_.erase(job); }
    void forget_all() { jobs_.clear(); }
    bool contains(store::JobId job) const { return jobs_.contains(job); }

  private:
    static constexpr std::size_t kCountMax = 4'096;
    std::set<store::JobId> jobs_;
};

}  // namespace windlass::daemon
