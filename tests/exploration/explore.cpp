// The search, and the stories it tells.
#include "exploration/explore.h"

#include <doctest/doctest.h>
#include <fmt/core.h>

#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

namespace windlass::exploration {
namespace {

// A state of the frontier; the path to it is a chain of indices.
struct Visited {
    std::size_t parent;
    MoveName move;
};

std::string tell(const std::vector<Visited>& visited, std::size_t last, const MoveName& move,
                 const std::string& end) {
    std::vector<std::string> lines{"and so: " + end, to_text(move)};
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

}  // namespace

Found explore(const WorldOptions& options, std::size_t state_max) {
    Found found;
    std::vector<Visited> visited{{0, {}}};
    std::unordered_map<std::string, std::size_t> known;
    std::deque<std::pair<std::size_t, SmallWorld>> frontier;
    std::map<core::EventCode, std::size_t> reported;
    frontier.emplace_back(0, SmallWorld{options});
    known.emplace(frontier.front().second.canonical(), 0);
    while (!frontier.empty() && visited.size() < state_max) {
        const auto [index, world] = std::move(frontier.front());
        frontier.pop_front();
        note_state(world, found);
        if (world.is_quiet()) {
            ++found.quiet_count;
            if (const auto leftover = world.find_leftover()) {
                found.story = tell(visited, index, {"all faults are over"}, *leftover);
                return found;
            }
        }
        for (const Move& move : world.moves()) {
            SmallWorld next = world;
            next.apply(move);
            ++found.step_count;
            for (const core::EventCode code : next.reports()) ++reported[code];
            if (next.violation()) {
                found.story = tell(visited, index, move.name, *next.violation());
                return found;
            }
            if (!known.emplace(next.canonical(), visited.size()).second) continue;
            frontier.emplace_back(visited.size(), std::move(next));
            visited.push_back({index, move.name});
        }
    }
    for (const auto& [code, count] : reported) found.met[std::string{to_text(code)}] = count;
    found.state_count = visited.size();
    if (!frontier.empty()) found.story = "not closed\n";
    return found;
}

Found require_closed(const char* name, const WorldOptions& options) {
    Found found = explore(options, 1'000'000);
    fmt::print("exploration: {:<34} {:>9} states, {:>9} transitions, merge ratio {:.1f}\n", name,
               found.state_count, found.step_count,
               static_cast<double>(found.step_count) / static_cast<double>(found.state_count + 1));
    INFO(found.story);
    REQUIRE(found.story.empty());
    CHECK(found.quiet_count > 0);
    return found;
}

}  // namespace windlass::exploration
