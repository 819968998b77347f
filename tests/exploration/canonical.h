// The canonical form of a state: two states with the same form behave alike. Instants become ranks
// among themselves and `now`, ids and generations are renumbered by first appearance.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/state_encoder.h"

namespace windlass::exploration {

class CanonicalEncoder final : public core::StateEncoder {
  public:
    explicit CanonicalEncoder(base::Instant now) { instant(now); }

    void number(std::uint64_t value) override { tokens_.push_back(value); }
    void request(core::RequestId id) override { tokens_.push_back(renumber(requests_, id.value)); }
    void generation(core::Generation id) override {
        tokens_.push_back(renumber(generations_, id.value));
    }
    void instant(base::Instant value) override {
        instants_.push_back({tokens_.size(), value});
        tokens_.push_back(0);
    }

    // The form, as bytes to be compared. Ends the encoder.
    std::string take() {
        std::vector<base::Instant> ranks;
        for (const auto& entry : instants_) ranks.push_back(entry.at);
        std::ranges::sort(ranks);
        const auto [first, last] = std::ranges::unique(ranks);
        ranks.erase(first, last);
        for (const auto& entry : instants_) {
            tokens_[entry.token] = static_cast<std::uint64_t>(
                std::ranges::lower_bound(ranks, entry.at) - ranks.begin());
        }
        std::string form;
        for (std::uint64_t token : tokens_) {  // base 128: most tokens are small
            for (; token >= 128; token >>= 7)
                form.push_back(static_cast<char>((token & 127) | 128));
            form.push_back(static_cast<char>(token));
        }
        return form;
    }

  private:
    struct Timed {
        std::size_t token;
        base::Instant at;
    };

    static std::uint64_t renumber(std::map<std::uint64_t, std::uint64_t>& numbers,
                                  std::uint64_t id) {
        return numbers.try_emplace(id, numbers.size() + 1).first->second;
    }

    std::vector<std::uint64_t> tokens_;
    std::vector<Timed> instants_;
    std::map<std::uint64_t, std::uint64_t> requests_;
    std::map<std::uint64_t, std::uint64_t> generations_;
};

}  // namespace windlass::exploration
