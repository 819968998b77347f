// What lasts.
#include "simulation/fake_store.h"

namespace windlass::simulation {
namespace {

constexpr core::Duration kCommit = std::chrono::milliseconds{50};
constexpr std::size_t kPeaksMax = 16;  // of one key; the latest

}  // namespace

void FakeStore::remember(const Key& key, core::Bytes peak, core::Instant now) {
    writes_.push_back({now, key, peak});
}

void FakeStore::forget(const Key& key, core::Instant now) { writes_.push_back({now, key, {}}); }

std::vector<core::NeedRecalled> FakeStore::crash(core::Instant now) {
    std::erase_if(writes_, [&](const Write& write) { return write.at + kCommit > now; });
    std::map<Key, std::vector<core::Bytes>> known;
    for (const Write& write : writes_) {
        std::vector<core::Bytes>& peaks = known[write.key];
        if (write.peak == core::Bytes{}) {
            peaks.clear();
        } else {
            peaks.push_back(write.peak);
        }
        if (peaks.size() > kPeaksMax) peaks.erase(peaks.begin());
    }
    std::vector<core::NeedRecalled> recalled;
    for (const auto& [key, peaks] : known) {
        if (!peaks.empty()) recalled.push_back({key.first, key.second, peaks});
    }
    return recalled;
}

}  // namespace windlass::simulation
