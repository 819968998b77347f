// Submissions until the store has answered them. One for which a place is free is held until the
// end of the turn, so that the engine's claim goes along with it: the transaction that accepts the
// job begins it. Thread: main.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "core/ids.h"
#include "http/job_backend.h"
#include "store/job.h"

namespace windlass::daemon {

struct JobArrival {
    core::ModelId model;
    store::NewJob job;
    std::uint64_t queue_limit = 0;
    http::JobSubmitted reply;
    bool is_open = false;  // it is counted as such
};

class JobArrivals {
  public:
    void hold(JobArrival arrival) { held_.insert_or_assign(arrival.job.id, std::move(arrival)); }
    std::optional<JobArrival> take(store::JobId job);  // none: it is not held
    std::vector<JobArrival> take_all();                // in the order of their ids
    bool is_holding() const { return !held_.empty(); }

    // Those of a model that the store has not answered, and that are not claimed along: no later
    // one may overtake them.
    void begin(JobArrival& arrival) {
        if (!std::exchange(arrival.is_open, true)) ++open_[arrival.model];
    }
    void end(core::ModelId model);
    bool has_open(core::ModelId model) const { return open_.contains(model); }

  private:
    std::map<store::JobId, JobArrival> held_;
    std::map<core::ModelId, std::size_t> open_;  // none of them is 0
};

}  // namespace windlass::daemon
