// What outlives the daemon: what models were measured to need, and what happened. Nobody waits for
// a disk: what is asked for is answered later, from the loop. Thread: the loop's.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/event_record.h"
#include "base/result.h"
#include "base/time.h"

namespace windlass::store {

// Whose need it is: what one make of device says of another is nothing to go by.
struct NeedKey {
    std::string model;
    std::string variant;  // empty: the model has none
    std::string make;     // of the device: "nvml NVIDIA A10"

    friend auto operator<=>(const NeedKey&, const NeedKey&) = default;
};

struct Peak {  // the most that one process of a model was seen to use
    NeedKey key;
    base::Bytes bytes;  // 1 byte to 8 EiB - 1

    friend bool operator==(const Peak&, const Peak&) = default;
};

// What is kept of events; both bounds hold.
struct EventRetention {
    std::uint64_t count_max = 0;  // at least 1
    std::int64_t oldest_ms = 0;   // earlier ones go, since 1970
};

using EventsKept = std::move_only_function<void(base::Result<std::vector<base::EventRecord>>)>;
using EventsRead = std::move_only_function<void(base::Result<base::EventPage>)>;
using Done = std::move_only_function<void(base::Result<void>)>;
using PeaksRead = std::move_only_function<void(base::Result<std::vector<Peak>>)>;

// Orders take effect in the order in which they are given, each as a whole or not at all. Each is
// answered exactly once, in that order, never before the call that gave it returned, and not at all
// once the store was destroyed. A success is on disk. Errors: `data_corrupt`, `unsupported`
// (written by a newer version), `permission_denied`, `unavailable` with the reason "disk_full",
// "store_busy", "store_failed", or "store_late" (refused, because too many wait already: answered
// before those); `invalid_input` for values out of range; `host_out_of_memory`; `internal`.
class Store {
  public:
    // The least at which the 99th percentile leaves one out.
    static constexpr std::size_t kPeaksMax = 100;

    Store() = default;
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;
    virtual ~Store() = default;

    // Of each key the last kPeaksMax are kept.
    virtual void remember_peak(Peak peak, Done done) = 0;
    virtual void forget_peaks(NeedKey key, Done done) = 0;
    // All of them, the oldest first.
    virtual void read_peaks(PeaksRead done) = 0;

    // Gives each the next number, and the events back with their numbers. A number never comes
    // again, whatever is deleted. Of what is not to be kept some goes each time, until none is
    // left.
    virtual void append_events(std::vector<base::EventRecord> events, EventRetention retention,
                               EventsKept done) = 0;
    // `limit` 1 to kLimitMax. The page holds all that was appended before, and nothing that is
    // appended after the answer.
    virtual void read_events(base::EventQuery query, EventsRead done) = 0;

    // For so long orders have waited without a single answer; 0: nothing waits.
    virtual base::Duration silent_for() const { return {}; }

    // Blocks until all that was ordered is answered, for `limit` at most, and gives out the
    // answers. For the beginning and the end, when no loop turns. False: some are still to come.
    virtual bool settle(base::Duration limit) = 0;
    // The same, and lets go of the file; nothing may be ordered any more. False: a disk hangs.
    // Without it what was ordered is still carried out, but nobody knows when.
    virtual bool finish(base::Duration limit) = 0;
};

}  // namespace windlass::store
