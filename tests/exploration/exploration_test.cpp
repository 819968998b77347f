// Goal:   no order of events, however unlikely, breaks a law in a small world.
// Method: breadth-first search over the real engine until no new state appears (closure). The path
// to
//         a violation is printed as a story, and it is a shortest one.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <deque>
#include <unordered_map>

#include "exploration/small_world.h"
#include "world/coverage.h"

namespace windlass::exploration {
namespace {

using namespace std::chrono_literals;

#ifdef WINDLASS_SMALL_WORLDS_ONLY
constexpr bool kSkipLarge = true;
#else
constexpr bool kSkipLarge = false;
#endif

core::ModelSpec small_model(bool is_idempotent) {
    return {.name = "m",
            .limits = {.start_timeout = 20s,
                       .load_timeout = 30s,
                       .stop_grace = 5s,
                       .cancel_grace = 2s,
                       .term_grace = 4s,
                       .reap_timeout = 3s},
            .concurrency = 1,
            .queue_limit = 8,
            .idempotent = is_idempotent,
            .run_timeout = 15s,
            .stall_timeout = 10s,
            .backoff = 8s,
            .backoff_max = 8s,
            .breaker = {.deaths = 0, .window = 60s, .cooldown = 25s},
            .unload_after = 12s,
            .prefetch = 1};
}

struct Found {
    std::size_t state_count = 0;
    std::size_t step_count = 0;
    std::size_t quiet_count = 0;
    std::string story;  // empty: no law was broken
};

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

Found explore(const WorldOptions& options, std::size_t state_max) {
    Found found;
    std::vector<Visited> visited{{0, {}}};
    std::unordered_map<std::string, std::size_t> known;
    std::deque<std::pair<std::size_t, SmallWorld>> frontier;
    frontier.emplace_back(0, SmallWorld{options});
    known.emplace(frontier.front().second.canonical(), 0);
    while (!frontier.empty() && visited.size() < state_max) {
        const auto [index, world] = std::move(frontier.front());
        frontier.pop_front();
        if (world.is_quiet()) ++found.quiet_count;
        for (const Move& move : world.moves()) {
            SmallWorld next = world;
            next.apply(move);
            ++found.step_count;
            if (next.violation()) {
                found.story = tell(visited, index, move.name, *next.violation());
                return found;
            }
            if (!known.emplace(next.canonical(), visited.size()).second) continue;
            frontier.emplace_back(visited.size(), std::move(next));
            visited.push_back({index, move.name});
        }
    }
    found.state_count = visited.size();
    if (!frontier.empty()) found.story = "not closed\n";
    return found;
}

void require_closed(const char* name, const WorldOptions& options) {
    const Found found = explore(options, 3'000'000);
    fmt::print("exploration: {:<34} {:>9} states, {:>9} transitions, merge ratio {:.1f}\n", name,
               found.state_count, found.step_count,
               static_cast<double>(found.step_count) / static_cast<double>(found.state_count + 1));
    INFO(found.story);
    REQUIRE(found.story.empty());
    CHECK(found.quiet_count > 0);
}

}  // namespace

TEST_CASE("one model with two requests: explored to closure, no law is ever broken" *
          doctest::skip(kSkipLarge)) {
    require_closed("two calls", {.model = small_model(false)});
}

TEST_CASE("a call that is run again after a loss, and a load: explored to closure" *
          doctest::skip(kSkipLarge)) {
    require_closed("call, load, idempotent",
                   {.model = small_model(true), .call_count = 1, .has_load = true});
}

TEST_CASE("a call, an unload and a shutdown: explored to closure" * doctest::skip(kSkipLarge)) {
    require_closed(
        "call, unload, shutdown",
        {.model = small_model(false), .call_count = 1, .has_unload = true, .has_shutdown = true});
}

TEST_CASE("a call and a load, with a model that leaves at once: explored to closure") {
    WorldOptions options{.model = small_model(false), .call_count = 1, .has_load = true};
    options.model.unload_after = 0s;
    require_closed("call, load, unload_after 0", options);
}

TEST_CASE("a call and a restart: explored to closure") {
    require_closed("call, restart",
                   {.model = small_model(false), .call_count = 1, .has_restart = true});
}

TEST_CASE("a call on a model that is paused and resumed: explored to closure") {
    require_closed("call, pause, resume",
                   {.model = small_model(false), .call_count = 1, .has_pause = true});
}

TEST_CASE("a call while its model is changed, removed and put back: explored to closure" *
          doctest::skip(kSkipLarge)) {
    require_closed("call, reload",
                   {.model = small_model(false), .call_count = 1, .has_reload = true});
}

TEST_CASE("a call and a load, with a breaker that opens at the second death: explored to closure" *
          doctest::skip(kSkipLarge)) {
    WorldOptions options{.model = small_model(false), .call_count = 1, .has_load = true};
    options.model.breaker.deaths = 2;
    require_closed("call, load, breaker", options);
}

}  // namespace windlass::exploration
