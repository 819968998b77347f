// Held by their ids, counted by their models.
#include "daemon/job_arrivals.h"

#include "base/assert.h"

namespace windlass::daemon {

std::optional<JobArrival> JobArrivals::take(store::JobId job) {
    auto found = held_.extract(job);
    if (!found) return std::nullopt;
    return std::move(found.mapped());
}

std::vector<JobArrival> JobArrivals::take_all() {
    std::vector<JobArrival> all;
    for (auto& [job, arrival] : std::exchange(held_, {})) all.push_back(std::move(arrival));
    return all;
}

void JobArrivals::end(core::ModelId model) {
    const auto found = open_.find(model);
    WL_ASSERT(found != open_.end());
    if (--found->second == 0) open_.erase(found);
}

}  // namespace windlass::daemon
