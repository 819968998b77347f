// Stops a model whose workers keep dying, even if each of them answers something first and so
// resets the back-off: after `deaths` deaths within `window` it opens, and the model rests for the
// cool-down. Then one request is let through as a probe: its answer closes the breaker, another
// death opens it again at once.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/time.h"

namespace windlass::core {

enum class BreakerState : std::uint8_t {
    closed,
    open,     // the model rests, requests are refused
    probing,  // one run at a time, until one is answered
};

// "closed", "open", "probing".
constexpr const char* to_text(BreakerState state) {
    switch (state) {
        case BreakerState::closed: return "closed";
        case BreakerState::open: return "open";
        case BreakerState::probing: return "probing";
    }
    return "";
}

struct BreakerSettings {
    std::uint32_t deaths = 5;  // 0: it never opens
    base::Duration window = std::chrono::seconds{60};
    base::Duration cooldown = std::chrono::minutes{5};

    friend bool operator==(const BreakerSettings&, const BreakerSettings&) = default;
};

class Breaker {
  public:
    // Returns true when it opens, or opens again.
    bool on_death(const BreakerSettings& settings, base::Instant now) {
        if (settings.deaths == 0) return false;
        if (is_tripped_) return true;
        forget(settings, now);
        deaths_.push_back(now);
        if (deaths_.size() < settings.deaths) return false;
        deaths_.clear();
        return is_tripped_ = true;
    }

    // An answer. Returns true when it closes.
    bool on_success() { return std::exchange(is_tripped_, false); }

    // Drops the deaths that have left the window.
    void forget(const BreakerSettings& settings, base::Instant now) {
        std::erase_if(deaths_, [&](base::Instant death) {
            return saturating_add(death, settings.window) <= now;
        });
    }

    void reset() { *this = {}; }

    bool is_tripped() const { return is_tripped_; }  // open or probing
    const std::vector<base::Instant>& deaths() const { return deaths_; }

    friend bool operator==(const Breaker&, const Breaker&) = default;

  private:
    std::vector<base::Instant> deaths_;  // in the window, oldest first
    bool is_tripped_ = false;
};

}  // namespace windlass::core
