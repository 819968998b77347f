// The canonical form of a state: two states with the same form behave alike. Instants become ranks
// among themselves and `now`, ids and generations are renumbered by first appearance.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/state_encoder.h"

namespace windlass::exploration {

// Stands for a form. Of 10^8 forms two are mistaken for one with a probability below 10^-22.
struct Digest {
    std::uint64_t low = 0x9e3779b97f4a7c15;
    std::uint64_t high = 0xc2b2ae3d27d4eb4f;

    void add(std::uint64_t token) {
        low = (low ^ token) * 0xbf58476d1ce4e5b9;
        low ^= low >> 29;
        high = (high ^ token) * 0x94d049bb133111eb;
        high ^= high >> 32;
    }
    friend bool operator==(const Digest&, const Digest&) = default;
};

struct DigestHash {
    // Its bits are as good as random. NOLINTNEXTLINE(readability-identifier-naming): Boost's name
    using is_avalanching = void;
    std::size_t operator()(const Digest& digest) const { return digest.low; }
};

class CanonicalEncoder final : public core::StateEncoder {
  public:
    // Forgets what was encoded before.
    void begin(base::Instant now) {
        tokens_.clear();
        instants_.clear();
        requests_.clear();
        generations_.clear();
        instant(now);
    }

    void number(std::uint64_t value) override { tokens_.push_back(value); }
    void request(core::RequestId id) override { tokens_.push_back(renumber(requests_, id.value)); }
    void generation(core::Generation id) override {
        tokens_.push_back(renumber(generations_, id.value));
    }
    void instant(base::Instant value) override {
        instants_.push_back({tokens_.size(), value});
        tokens_.push_back(0);
    }

    // Of all since begin().
    Digest take() {
        std::ranges::sort(instants_, {}, &Timed::at);
        std::uint64_t rank = 0;
        for (std::size_t i = 0; i < instants_.size(); ++i) {
            if (i > 0 && instants_[i].at != instants_[i - 1].at) ++rank;
            tokens_[instants_[i].token] = rank;
        }
        Digest digest;
        for (const std::uint64_t token : tokens_) digest.add(token);
        digest.add(tokens_.size());
        return digest;
    }

  private:
    struct Timed {
        std::size_t token;
        base::Instant at;
    };

    // There are few: each is found at once.
    static std::uint64_t renumber(std::vector<std::uint64_t>& known, std::uint64_t id) {
        const auto found = std::ranges::find(known, id);
        const auto place = static_cast<std::uint64_t>(found - known.begin()) + 1;
        if (found == known.end()) known.push_back(id);
        return place;
    }

    std::vector<std::uint64_t> tokens_;
    std::vector<Timed> instants_;
    std::vector<std::uint64_t> requests_;
    std::vector<std::uint64_t> generations_;
};

}  // namespace windlass::exploration
