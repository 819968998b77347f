// Peaks and their percentile.
#include "core/learned_need.h"

#include <algorithm>

namespace windlass::core {

void LearnedNeeds::remember(const std::string& make, Bytes peak) {
    if (kept_ == 0 || make.empty()) return;
    std::deque<Bytes>& peaks = peaks_[make];
    peaks.push_back(peak);
    if (peaks.size() > kept_) peaks.pop_front();
}

void LearnedNeeds::recall(const std::string& make, const std::vector<Bytes>& peaks) {
    if (kept_ == 0 || make.empty() || peaks.empty()) return;
    std::deque<Bytes>& known = peaks_[make];
    const std::size_t count = std::min(peaks.size(), kept_ - known.size());
    known.insert(known.begin(), peaks.end() - static_cast<std::ptrdiff_t>(count), peaks.end());
}

// The nearest rank: the least peak that at least 99 of 100 do not exceed.
std::optional<Bytes> LearnedNeeds::find(const std::string& make) const {
    const auto found = peaks_.find(make);
    if (found == peaks_.end()) return std::nullopt;
    std::vector<Bytes> sorted{found->second.begin(), found->second.end()};
    const std::size_t rank = (sorted.size() * 99 + 99) / 100;
    const auto nearest = sorted.begin() + static_cast<std::ptrdiff_t>(rank) - 1;
    std::ranges::nth_element(sorted, nearest);
    return *nearest;
}

void LearnedNeeds::encode(StateEncoder& encoder) const {
    encoder.number(peaks_.size());
    for (const auto& [make, peaks] : peaks_) {
        encoder.number(peaks.size());
        for (const char letter : make) encoder.number(static_cast<unsigned char>(letter));
        for (const Bytes peak : peaks) encoder.number(peak.count());
    }
}

}  // namespace windlass::core
