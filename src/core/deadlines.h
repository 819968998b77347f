// The engine's timers: at most one instant for each key, ordered by time. A value; no callbacks, so
// there is no race between a timer and its cancellation.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/time.h"

namespace windlass::core {

enum class TimerKind : std::uint8_t {
    call_deadline,    // id: request. The client's own limit
    wait_deadline,    // id: request. The client's limit for waiting
    retry,            // id: request. A `transient` error's pause is over
    lease_end,        // id: request. The time of a lease on memory is over
    claim_limit,      // id: request. The store has not said whether the job may begin
    job_deadline,     // id: request. The job's own time is over
    job_grace,        // id: request. The job was asked to end
    run_limit,        // id: request. The model's limits for a run that has begun
    begin_limit,      // id: model, copy. A run is due to begin and has not
    replica_step,     // id: model, copy. The deadline of the replica's present state
    offload,          // id: model, copy. Nobody has used it for `offload_after`
    idle,             // id: model, copy. Nobody has used it for `unload_after`
    device_answer,    // id: device. It was asked and has not answered
    device_sample,    // id: device. It is to be asked again
    device_stale,     // id: device. Its last answer is too old to admit by
    standby,          // id: model. Another process may stand by
    room,             // id: model. Somebody may make room for it who might not before
    settle,           // id: generation. Its memory ought to be back
    store_pause,      // id: 0. The store of jobs was in trouble and may be asked again
    shutdown_cancel,  // id: 0
    shutdown_term,    // id: 0
    shutdown_kill,    // id: 0
};

struct TimerKey {
    TimerKind kind;
    std::uint64_t id = 0;
    std::uint32_t copy = 0;
    friend auto operator<=>(const TimerKey&, const TimerKey&) = default;
};

class Deadlines {
  public:
    void arm(TimerKey key, base::Instant at) {
        const auto [entry, is_new] = by_key_.try_emplace(key, at);
        if (!is_new) {
            if (entry->second == at) return;
            by_time_.erase({entry->second, key});
            entry->second = at;
        }
        by_time_.emplace(at, key);
    }

    void disarm(TimerKey key) {
        const auto entry = by_key_.find(key);
        if (entry == by_key_.end()) return;
        by_time_.erase({entry->second, key});
        by_key_.erase(entry);
    }

    // Arms, or disarms when there is no instant.
    void set(TimerKey key, std::optional<base::Instant> at) { at ? arm(key, *at) : disarm(key); }

    std::optional<base::Instant> find(TimerKey key) const {
        const auto entry = by_key_.find(key);
        return entry == by_key_.end() ? std::nullopt : std::optional{entry->second};
    }

    std::optional<base::Instant> next() const {
        return by_time_.empty() ? std::nullopt : std::optional{by_time_.begin()->first};
    }

    // Takes out the earliest timer that is due at `now`.
    std::optional<TimerKey> take_due(base::Instant now) {
        if (by_time_.empty() || by_time_.begin()->first > now) return std::nullopt;
        const TimerKey key = by_time_.begin()->second;
        by_time_.erase(by_time_.begin());
        by_key_.erase(key);
        return key;
    }

    const std::map<TimerKey, base::Instant>& entries() const { return by_key_; }

    friend bool operator==(const Deadlines&, const Deadlines&) = default;

  private:
    std::map<TimerKey, base::Instant> by_key_;
    std::set<std::pair<base::Instant, TimerKey>> by_time_;
};

}  // namespace windlass::core
