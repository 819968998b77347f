// The timers of a loop, by when they are due. Thread: the loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "base/time.h"

namespace windlass::io {

class Timers {
  public:
    // Shared: a callback may destroy the timer it belongs to.
    using Callback = std::shared_ptr<const std::function<void()>>;
    // When it is due, and which of those that are due at the same instant was started first.
    using Place = std::pair<base::Instant, std::uint64_t>;

    Place start(base::Instant at, Callback callback) {
        const Place place{at, ++last_};
        places_.emplace(place, std::move(callback));
        return place;
    }
    void stop(Place place) { places_.erase(place); }

    std::optional<base::Instant> next() const {
        return places_.empty() ? std::nullopt : std::optional{places_.begin()->first.first};
    }

    // Calls back those that are due at `now`, in order; not those that are started meanwhile.
    void run_due(base::Instant now) {
        const std::uint64_t last = last_;
        for (auto due = places_.begin(); due != places_.end() && due->first.first <= now;) {
            if (due->first.second > last) {
                ++due;
                continue;
            }
            const Callback callback = std::move(due->second);
            places_.erase(due);
            (*callback)();
            due = places_.begin();  // it may have changed them all
        }
    }

  private:
    std::map<Place, Callback> places_;
    std::uint64_t last_ = 0;
};

}  // namespace windlass::io
