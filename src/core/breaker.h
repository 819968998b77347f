// Stops a model whose workers keep dying, even if each of them answers something first and so
// resets the back-off: after `deaths` deaths within `window` it opens, and the model rests for the
// cool-down. Then one request is let through as a probe: its answer closes the breaker, another
// death opens it again at once. Deaths that one and the same job alone may have caused do not open
// it, however many: that job's own budget ends them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/time.h"
#include "core/ids.h"

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

struct Death {
    base::Instant at;
    JobId job = {};  // the only one that had begun; none: a call, several, or nobody
    friend bool operator==(const Death&, const Death&) = default;
};

class Breaker {
  public:
    // Returns true when it opens, or opens again.
    bool on_death(const BreakerSettings& settings, Death death) {
        if (settings.deaths == 0) return false;
        if (is_tripped_) return true;
        forget(settings, death.at);
        deaths_.push_back(death);
        if (deaths_.size() < settings.deaths) return false;
        const bool is_one_job =
            death.job && settings.deaths > 1 &&
            std::ranges::all_of(deaths_, [&](const Death& d) { return d.job == death.job; });
        if (is_one_job) {
            deaths_.erase(deaths_.begin());
            return false;
        }
        deaths_.clear();
        return is_tripped_ = true;
    }

    // An answer. Returns true when it closes.
    bool on_success() { return std::exchange(is_tripped_, false); }

    // Drops the deaths that have left the window.
    void forget(const BreakerSettings& settings, base::Instant now) {
        std::erase_if(deaths_, [&](const Death& death) {
            return saturating_add(death.at, settings.window) <= now;
        });
    }

    void reset() { *this = {}; }

    bool is_tripped() const { return is_tripped_; }  // open or probing
    const std::vector<Death>& deaths() const { return deaths_; }

    friend bool operator==(const Breaker&, const Breaker&) = default;

  private:
    std::vector<Death> deaths_;  // in the window, oldest first
    bool is_tripped_ = false;
};

}  // namespace windlass::core
