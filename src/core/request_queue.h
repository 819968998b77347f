// The order in which a model's waiting calls begin: by priority, then by arrival. A call that comes
// back from a worker keeps its old place.
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

class RequestQueue {
  public:
    void push(QueuePlace place) { places_.insert(place); }
    void remove(QueuePlace place) { places_.erase(place); }

    bool empty() const { return places_.empty(); }
    std::size_t size() const { return places_.size(); }
    QueuePlace front() const { return *places_.begin(); }
    // The one that arrived first, whatever its priority; none when empty. Looks at one for each
    // priority that there is.
    RequestId oldest() const {
        RequestId oldest;
        for (auto place = places_.begin(); place != places_.end();) {
            if (!oldest || place->request < oldest) oldest = place->request;
            place = places_.upper_bound({place->priority, RequestId{UINT64_MAX}});
        }
        return oldest;
    }
    const std::set<QueuePlace>& places() const { return places_; }

    friend bool operator==(const RequestQueue&, const RequestQueue&) = default;

  private:
    std::set<QueuePlace> places_;
};

}  // namespace windlass::core
