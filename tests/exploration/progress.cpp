// A walk backwards from the quiet states.
#include "exploration/progress.h"

#include <algorithm>

namespace windlass::exploration {

std::optional<State> Progress::find_stuck(std::size_t state_count) const {
    // All ways into a state, one after the other: those into `to` begin at ends[to].
    std::vector<std::size_t> ends(state_count + 1);
    for (const Way& way : ways_) ++ends[way.to + 1];
    for (std::size_t i = 1; i < ends.size(); ++i) ends[i] += ends[i - 1];
    std::vector<State> sources(ways_.size());
    std::vector<std::size_t> next = ends;
    for (const Way& way : ways_) sources[next[way.to]++] = way.from;

    std::vector<bool> is_safe(state_count);
    std::vector<State> open = quiet_;
    for (const State state : quiet_) is_safe[state] = true;
    while (!open.empty()) {
        const State state = open.back();
        open.pop_back();
        for (std::size_t i = ends[state]; i < ends[state + 1]; ++i) {
            if (is_safe[sources[i]]) continue;
            is_safe[sources[i]] = true;
            open.push_back(sources[i]);
        }
    }
    const auto stuck = std::ranges::find(is_safe, false);
    if (stuck == is_safe.end()) return std::nullopt;
    return static_cast<State>(stuck - is_safe.begin());
}

}  // namespace windlass::exploration
