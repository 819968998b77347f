// The search, and the stories it tells.
#include "exploration/explore.h"

#include <doctest/doctest.h>
#include <fmt/core.h>

#include <deque>
#include <unordered_map>
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
        frontier_.emplace_back(0, SmallWorld{options});
        known_.emplace(frontier_.front().second.canonical(), 0);
    }

    Found run(std::size_t state_max) {
        while (!frontier_.empty() && visited_.size() < state_max && found_.story.empty()) {
            const auto [index, world] = std::move(frontier_.front());
            frontier_.pop_front();
            visit(index, world);
        }
        found_.state_count = visited_.size();
        for (const auto& [code, count] : reported_) found_.met[std::string{to_text(code)}] = count;
        for (const auto& [what, count] : effects_)
            if (count == 0) found_.idle_moves.emplace_back(what);
        if (!found_.story.empty()) return std::move(found_);
        if (!frontier_.empty()) {
            found_.story = "not closed\n";
        } else if (const auto stuck = progress_.find_stuck(visited_.size())) {
            found_.story = tell(visited_, *stuck,
                                "whatever is due happens, somebody waits for ever, or a process "
                                "stays that nobody wants");
        }
        return std::move(found_);
    }

  private:
    void visit(State index, const SmallWorld& world) {
        note_state(world, found_);
        if (world.is_quiet()) {
            ++found_.quiet_count;
            progress_.note_quiet(index);
            if (const auto leftover = world.find_leftover()) {
                found_.story = tell(visited_, index, "all faults are over; " + *leftover);
                return;
            }
        }
        for (const Move& move : world.moves()) {
            if (!found_.story.empty()) return;
            step(index, world, move);
        }
    }

    void step(State index, const SmallWorld& world, const Move& move) {
        SmallWorld next = world;
        next.apply(move);
        ++found_.step_count;
        for (const core::EventCode code : next.reports()) ++reported_[code];
        const auto fresh = static_cast<State>(visited_.size());
        const auto [entry, is_new] = known_.emplace(next.canonical(), fresh);
        const State reached = entry->second;
        effects_[move.name.what] += reached == index ? 0 : 1;
        if (move.is_due && reached != index) progress_.note_way(index, reached);
        if (is_new || next.violation()) visited_.push_back({index, move.name});
        if (next.violation()) {
            found_.story = tell(visited_, visited_.size() - 1, *next.violation());
        } else if (is_new) {
            frontier_.emplace_back(fresh, std::move(next));
        }
    }

    Found found_;
    std::vector<Visited> visited_{{0, {}}};
    std::unordered_map<Digest, State, DigestHash> known_;
    std::deque<std::pair<State, SmallWorld>> frontier_;
    Progress progress_;
    std::map<core::EventCode, std::size_t> reported_;
    std::map<std::string_view, std::size_t> effects_;  // steps of each move that changed anything
};

}  // namespace

Found explore(const WorldOptions& options, std::size_t state_max) {
    return Search{options}.run(state_max);
}

Found require_closed(const char* name, const WorldOptions& options) {
    Found found = explore(options, kStatesMax);
    fmt::print("exploration: {:<34} {:>9} states, {:>9} transitions, merge ratio {:.1f}\n", name,
               found.state_count, found.step_count,
               static_cast<double>(found.step_count) / static_cast<double>(found.state_count));
    for (const std::string& move : found.idle_moves)
        fmt::print("             never changes anything: {}\n", move);
    INFO(found.story);
    REQUIRE(found.story.empty());
    CHECK(found.quiet_count > 0);
    return found;
}

}  // namespace windlass::exploration
