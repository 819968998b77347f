// Taking away, until nothing can be.
#include "simulation/shrink.h"

#include <algorithm>

namespace windlass::simulation {
namespace {

constexpr std::size_t kModelsMax = 4;  // as many as any world has
constexpr std::size_t kSteps = 64;

class Shrinker {
  public:
    Shrinker(Life life, const Trial& trial) : life_(std::move(life)), trial_(trial) {}

    Life run() {
        keep_if_broken(life_);
        do {
            is_smaller_ = false;
            end_sooner();  // first: what is left must do the same as soon
            for (std::size_t count = 1; count < std::min(life_.models_max, kModelsMax); ++count) {
                Life fewer = life_;
                fewer.models_max = count;
                if (keep_if_broken(fewer)) break;
            }
            take_away_administrators();
            for (std::size_t i = 0; i < kFaultCount; ++i) take_away(static_cast<Fault>(i));
        } while (is_smaller_);
        return life_;
    }

  private:
    void take_away_administrators() {
        if (!life_.has_administrators) return;
        Life alone = life_;
        alone.has_administrators = false;
        keep_if_broken(alone);
    }

    void take_away(Fault fault) {
        Life spared = life_;
        if (spared.without.insert(fault).second) keep_if_broken(spared);
    }

    // Up to the event that broke the law a life does not depend on when its faults would have
    // ended; they may end sooner, if what they have done by then is enough. How soon cannot be
    // bisected: a law may be broken by 40 events, not by 50, and again by 60.
    void end_sooner() {
        const std::size_t step = life_.events_max / kSteps + 1;
        for (std::size_t count = 0; count < life_.events_max; count += step) {
            if (end_at(count)) break;
        }
        const std::size_t above = life_.events_max - std::min(step, life_.events_max);
        for (std::size_t count = above + 1; count < life_.events_max; ++count) {
            if (end_at(count)) break;
        }
    }

    bool end_at(std::size_t count) {
        Life shorter = life_;
        shorter.events_max = count;
        return keep_if_broken(shorter);
    }

    bool keep_if_broken(const Life& life) {
        const auto broken_at = trial_(life);
        if (!broken_at) return false;
        is_smaller_ = is_smaller_ || life != life_;
        life_ = life;
        life_.events_max = std::min(life.events_max, *broken_at);
        return true;
    }

    Life life_;
    const Trial& trial_;
    bool is_smaller_ = false;
};

}  // namespace

Life shrink(Life life, const Trial& trial) { return Shrinker{std::move(life), trial}.run(); }

}  // namespace windlass::simulation
