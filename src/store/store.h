// What outlives the daemon: what models were measured to need. Nobody waits for a disk: what is
// asked for is answered later, from the loop. Thread: the loop's.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/bytes.h"
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

    // Blocks until all that was ordered is answered, for `limit` at most, and gives out the
    // answers. For the beginning and the end, when no loop turns. False: some are still to come.
    virtual bool settle(base::Duration limit) = 0;
    // The same, and lets go of the file; nothing may be ordered any more. False: a disk hangs.
    // Without it what was ordered is still carried out, but nobody knows when.
    virtual bool finish(base::Duration limit) = 0;
};

}  // namespace windlass::store
