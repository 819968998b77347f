// What copies of a model were measured to need, by the make of the device. A value that decides
// nothing.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "core/state_encoder.h"

namespace windlass::core {

using base::Bytes;

class LearnedNeeds {
  public:
    // The least at which the 99th percentile leaves one out: the odd run that will not come again.
    static constexpr std::size_t kKept = 100;

    // The latest `kept` peaks of each make count; with 0 nothing is ever learned.
    explicit LearnedNeeds(std::size_t kept = kKept) : kept_(kept) {}

    // The most that one process used on a device of this make.
    void remember(const std::string& make, Bytes peak);
    // What an earlier daemon remembered, the oldest first: older than all that is known.
    void recall(const std::string& make, const std::vector<Bytes>& peaks);
    // It was too small. False: nothing was known.
    bool forget(const std::string& make) { return peaks_.erase(make) > 0; }

    // The 99th percentile of the peaks, without a margin; empty: nothing is known.
    std::optional<Bytes> find(const std::string& make) const;

    void encode(StateEncoder& encoder) const;
    friend bool operator==(const LearnedNeeds&, const LearnedNeeds&) = default;

  private:
    std::size_t kept_;
    std::map<std::string, std::deque<Bytes>> peaks_;  // the oldest first; never empty
};

}  // namespace windlass::core
