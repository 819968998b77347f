// The order in which what waits for a model begins. Calls, by priority, then by arrival; a call
// that comes back from a worker keeps its old place. Beside them jobs, in the order of the store.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <set>

#include "core/ids.h"

namespace windlass::core {

struct QueuePlace {
    std::uint8_t priority = 4;  // 0 is first
    RequestId request;          // ids grow with arrival
    friend auto operator<=>(const QueuePlace&, const QueuePlace&) = default;
};

struct JobPlace {
    std::uint64_t rank = 0;  // the smallest is first
    JobId job;
    RequestId request;
    friend auto operator<=>(const JobPlace&, const JobPlace&) = default;
};

class RequestQueue {
  public:
    void push(QueuePlace place) { places_.insert(place); }
    void remove(QueuePlace place) { places_.erase(place); }
    void push(JobPlace place) { jobs_.insert(place); }
    void remove(JobPlace place) { jobs_.erase(place); }

    bool empty() const { return places_.empty() && jobs_.empty(); }
    std::size_t size() const { return places_.size() + jobs_.size(); }
    bool has_calls() const { return !places_.empty(); }
    bool has_jobs() const { return !jobs_.empty(); }
    QueuePlace front() const { return *places_.begin(); }  // of the calls
    // The call that arrived first, whatever its priority; none when there is none. Looks at one for
    // each priority that there is.
    RequestId oldest() const {
        RequestId oldest;
        for (auto place = places_.begin(); place != places_.end();) {
            if (!oldest || place->request < oldest) oldest = place->request;
            place = places_.upper_bound({place->priority, RequestId{UINT64_MAX}});
        }
        return oldest;
    }
    const std::set<QueuePlace>& places() const { return places_; }  // of the calls
    const std::set<JobPlace>& jobs() const { return jobs_; }

    friend bool operator==(const RequestQueue&, const RequestQueue&) = default;

  private:
    std::set<QueuePlace> places_;
    std::set<JobPlace> jobs_;
};

}  // namespace windlass::core
