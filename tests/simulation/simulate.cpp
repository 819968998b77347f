// Plays seed after seed until it is stopped, and makes what it finds small: `make simulate`.
//
//   wl_simulate [--from SEED] [--seconds N] [--finds N] [--life SECONDS]
//
// Begins at a random seed, ends after N seconds or the N-th find. With WINDLASS_SEED (and what else
// life.h knows) it plays that life alone and tells its end.
#include <fmt/core.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <string_view>

#include "base/assert.h"
#include "simulation/shrink.h"
#include "simulation/simulation.h"

namespace windlass::simulation {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kStoryLines = 120;
constexpr std::chrono::seconds kTellEvery{10};

struct Orders {
    std::uint64_t from = 0;     // 0: at random
    std::uint64_t seconds = 0;  // 0: for ever
    std::uint64_t finds = 10;
    std::uint64_t life = 0;  // seconds; 0: some hundred events
};

struct Outcome {
    std::optional<std::string> violation;
    std::size_t violated_at = 0;
    std::size_t event_count = 0;
    std::vector<std::string> cast;
    std::deque<std::string> story;
};

// A life also ends with a failed assertion of the engine, like that of a daemon.
Outcome play(const Life& life, std::size_t story_lines = 0) {
    const base::AssertionHook former =
        base::set_assertion_hook([](const char* condition, const char* file, int line) {
            throw std::logic_error{fmt::format("assertion: {} ({}:{})", condition, file, line)};
        });
    world::Coverage not_counted;
    Simulation world{life, not_counted};
    world.tell(story_lines);
    Outcome outcome;
    try {
        world.run();
        outcome = {.violation = world.violation(), .violated_at = world.violated_at()};
    } catch (const std::logic_error& error) {
        outcome = {.violation = error.what(), .violated_at = world.event_count()};
    }
    base::set_assertion_hook(former);
    outcome.event_count = world.event_count();
    if (story_lines > 0) outcome.cast = world.cast();
    outcome.story = world.story();
    return outcome;
}

// True: it broke a law.
bool tell_end(const Life& life) {
    const Outcome outcome = play(life, kStoryLines);
    for (const std::string& line : outcome.cast) fmt::print("{}\n", line);
    for (const std::string& line : outcome.story) fmt::print("{}\n", line);
    fmt::print("{}: {}\n", to_text(life), outcome.violation.value_or("no law is broken"));
    return outcome.violation.has_value();
}

void make_small(const Life& life, const std::string& violation, std::size_t violated_at) {
    fmt::print("{}: {}\nmaking it smaller ...\n", to_text(life), violation);
    std::fflush(stdout);
    const Life small = shrink(life, [](const Life& smaller) -> std::optional<std::size_t> {
        const Outcome outcome = play(smaller);
        if (!outcome.violation) return std::nullopt;
        return outcome.violated_at;
    });
    tell_end(small);
    fmt::print("shrunk from event {} to {}. To play it again:\n    {} wl_simulate\n", violated_at,
               play(small).violated_at, to_text(small));
    std::fflush(stdout);
}

int play_on(const Orders& orders) {
    const Clock::time_point begin = Clock::now();
    const Clock::time_point end = orders.seconds > 0 ? begin + std::chrono::seconds{orders.seconds}
                                                     : Clock::time_point::max();
    Life life{.seed = orders.from > 0 ? orders.from : std::random_device{}(),
              .lasts = std::chrono::seconds{orders.life}};
    fmt::print("from WINDLASS_SEED={} on\n", life.seed);
    std::uint64_t life_count = 0;
    std::uint64_t event_count = 0;
    std::uint64_t find_count = 0;
    const auto tell = [&] {
        const std::chrono::duration<double> took = Clock::now() - begin;
        fmt::print("{} lives, {} events, {:.0f} events/s, {} finds; next is seed {}\n", life_count,
                   event_count, static_cast<double>(event_count) / took.count(), find_count,
                   life.seed);
        std::fflush(stdout);
    };
    Clock::time_point told = begin;
    for (; Clock::now() < end && find_count < orders.finds; ++life.seed) {
        const Outcome outcome = play(life);
        ++life_count;
        event_count += outcome.event_count;
        if (outcome.violation) {
            ++find_count;
            make_small(life, *outcome.violation, outcome.violated_at);
        }
        if (Clock::now() < told + kTellEvery) continue;
        tell();
        told = Clock::now();
    }
    tell();
    return find_count == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

std::optional<Orders> orders_of(int count, char** arguments) {
    Orders orders;
    for (int i = 1; i < count; i += 2) {
        const std::string_view name = arguments[i];
        std::uint64_t* const order = name == "--from"      ? &orders.from
                                     : name == "--seconds" ? &orders.seconds
                                     : name == "--finds"   ? &orders.finds
                                     : name == "--life"    ? &orders.life
                                                           : nullptr;
        if (order == nullptr || i + 1 == count) return std::nullopt;
        const std::string_view text = arguments[i + 1];
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *order);
        if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    }
    return orders;
}

}  // namespace
}  // namespace windlass::simulation

int main(int count, char** arguments) {
    using namespace windlass::simulation;
    const auto orders = orders_of(count, arguments);
    // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread
    const auto only = life_of([](const char* name) -> const char* { return std::getenv(name); });
    if (!only) fmt::print(stderr, "{}\n", only.error().message);
    if (!orders) {
        fmt::print(stderr,
                   "usage: wl_simulate [--from SEED] [--seconds N] [--finds N] [--life SECONDS]\n");
    }
    if (!orders || !only) return EXIT_FAILURE;
    if (const auto& life = *only) return tell_end(*life) ? EXIT_FAILURE : EXIT_SUCCESS;
    return play_on(*orders);
}
