// The search, and the stories it tells.
#include "exploration/explore.h"

#include <doctest/doctest.h>
#include <fmt/core.h>

#include <boost/unordered/unordered_flat_map.hpp>
#include <chrono>
#include <list>
#include <utility>
#include <vector>

#include "exploration/progress.h"

namespace windlass::exploration {
namespace {

constexpr std::size_t kStatesMax = 5'000'000;

// A state that was found; the path to it is a chain of indices.
struct Visited {
    State parent;
    MoveName move;
};

std::string tell(const std::vector<Visited>& visited, std::size_t last, const std::string& end) {
    std::vector<std::string> lines{"and so: " + end};
    for (std::size_t at = last; at != 0; at = visited[at].parent)
        lines.push_back(to_text(visited[at].move));
    std::string story;
    for (auto line = lines.rbegin(); line != lines.rend(); ++line) story += "  " + *line + "\n";
    return story;
}

void note_state(const SmallWorld& world, Found& found) {
    if (world.is_anybody_waiting(core::WaitReason::memory)) ++found.met["wait for memory"];
    if (world.is_anybody_waiting(core::WaitReason::device)) ++found.met["wait for a device"];
    if (world.is_any_silent()) ++found.met["device silent"];
}

// One search; its parts live as long as it does.
class Search {
  public:
    explicit Search(const WorldOptions& options) {
        frontier_.push_back({0, 0, SmallWorld{options}});
        next_ = frontier_;
        known_.emplace(frontier_.front().world.canonical(encoder_), 0);
    }

    Found run(const Bounds& bounds) {
        depth_max_ = bounds.depth_max;
        while (!frontier_.empty() && visited_.size() < bounds.state_max && found_.story.empty()) {
            visit(frontier_.front());
            spare_.splice(spare_.begin(), frontier_, frontier_.begin());
        }
        found_.state_count = visited_.size();
        for (const auto& [code, count] : reported_) found_.met[std::string{to_text(code)}] = count;
        for (const auto& [what, count] : effects_)
            if (count == 0) found_.idle_moves.emplace_back(what);
        if (!found_.story.empty()) return std::move(found_);
        if (!frontier_.empty()) {
            found_.story = "not closed\n";
        } else if (depth_max_) {
            return std::move(found_);
        } else if (const auto stuck = progress_.find_stuck(visited_.size())) {
            found_.story = tell(visited_, *stuck,
                                "whatever is due happens, somebody waits for ever, or a process "
                                "stays that nobody wants");
        }
        return std::move(found_);
    }

  private:
    struct Reached {
        State index;
        std::size_t depth;  // so many moves from the beginning
        SmallWorld world;
    };

    void visit(const Reached& reached) {
        const auto& [index, depth, world] = reached;
        note_state(world, found_);
        if (world.is_quiet()) {
            ++found_.quiet_count;
            progress_.note_quiet(index);
            if (const auto leftover = world.find_leftover()) {
                found_.story = tell(visited_, index, "all faults are over; " + *leftover);
                return;
            }
        }
        if (depth == depth_max_) return;
        world.list_moves(moves_);
        for (const Move& move : moves_) {
            if (!found_.story.empty()) return;
            step(reached, move);
        }
    }

    void step(const Reached& from, const Move& move) {
        Reached& next = next_.front();
        next = from;
        next.world.apply(move);
        ++found_.step_count;
        for (const core::EventCode code : next.world.reports()) ++reported_[code];
        const auto fresh = static_cast<State>(visited_.size());
        const auto [entry, is_new] = known_.try_emplace(next.world.canonical(encoder_), fresh);
        next.index = entry->second;
        next.depth = from.depth + 1;
        effects_[move.name.what] += next.index == from.index ? 0 : 1;
        if (move.is_due && next.index != from.index) progress_.note_way(from.index, next.index);
        const auto& broken = next.world.violation();
        if (is_new || broken) visited_.push_back({from.index, move.name});
        if (broken) {
            found_.story = tell(visited_, visited_.size() - 1, *broken);
        } else if (is_new) {
            if (spare_.empty()) spare_.push_back(next);
            frontier_.splice(frontier_.end(), next_);
            next_.splice(next_.begin(), spare_, spare_.begin());
        }
    }

    Found found_;
    std::list<Reached> frontier_;
    // Overwritten by each step, and so are worlds that were visited: what they allocated is used
    // again, and a step allocates next to nothing.
    std::list<Reached> next_;  // one
    std::list<Reached> spare_;
    std::vector<Move> moves_;
    CanonicalEncoder encoder_;
    std::vector<Visited> visited_{{0, {}}};
    boost::unordered_flat_map<Digest, State, DigestHash> known_;
    Progress progress_;
    std::optional<std::size_t> depth_max_;
    std::map<core::EventCode, std::size_t> reported_;
    std::map<std::string_view, std::size_t> effects_;  // steps of each move that changed anything
};

}  // namespace

Found explore(const WorldOptions& options, const Bounds& bounds) {
    return Search{options}.run(bounds);
}

namespace {

Found require_sound(const char* name, const WorldOptions& options, const Bounds& bounds) {
    const auto began = std::chrono::steady_clock::now();
    Found found = explore(options, bounds);
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - began;
    const auto step_count = static_cast<double>(found.step_count);
    const std::string how_far =
        bounds.depth_max ? fmt::format(", bounded: {} moves deep", *bounds.depth_max) : "";
    fmt::print(
        "exploration: {:<34} {:>9} states, {:>9} transitions, merge ratio {:.1f}, {:.1f} us a "
        "transition{}\n",
        name, found.state_count, found.step_count,
        step_count / static_cast<double>(found.state_count), took.count() / step_count, how_far);
    INFO(found.story);
    REQUIRE(found.story.empty());
    CHECK(found.quiet_count > 0);
    return found;
}

}  // namespace

Found require_closed(const char* name, const WorldOptions& options) {
    Found found = require_sound(name, options, {.state_max = kStatesMax});
    for (const std::string& move : found.idle_moves)
        fmt::print("             never changes anything: {}\n", move);
    return found;
}

Found require_bounded(const char* name, const WorldOptions& options, std::size_t depth) {
    return require_sound(name, options, {.state_max = kStatesMax, .depth_max = depth});
}

}  // namespace windlass::exploration
