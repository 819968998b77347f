// Goal:   what a shrunk life still has is what breaks the law, and nothing else.
// Method: laws that known things break; then real worlds, whose law is that nobody is refused.
#include "simulation/shrink.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <map>
#include <string>

#include "simulation/simulation.h"

namespace windlass::simulation {
namespace {

constexpr std::size_t kLast = 500;

// Breaks its law at event 137, if these strike and there are two models and administrators.
std::optional<std::size_t> play(const Life& life) {
    const bool is_broken = !life.without.contains(Fault::run_dies) &&
                           !life.without.contains(Fault::memory_late) && life.models_max >= 2 &&
                           life.has_administrators && life.events_max >= 137;
    return is_broken ? std::optional{std::min(life.events_max, kLast)} : std::nullopt;
}

}  // namespace

TEST_CASE("a life is shrunk to what breaks its law") {
    const Life shrunk = shrink({.seed = 7}, play);
    CHECK(shrunk.without.size() == kFaultCount - 2);
    CHECK(shrunk.has_administrators);
    CHECK(shrunk.models_max == 2);
    CHECK(shrunk.events_max == 137);
    CHECK(play(shrunk));
}

TEST_CASE("where everything breaks the law, nothing is left") {
    const Life shrunk = shrink({.seed = 7}, [](const Life&) { return std::size_t{0}; });
    CHECK(shrunk.without.size() == kFaultCount);
    CHECK_FALSE(shrunk.has_administrators);
    CHECK(shrunk.models_max == 1);
    CHECK(shrunk.events_max == 0);
}

TEST_CASE("a real life is shrunk to the fault that its clients hear of, and few events") {
    const auto is_heard = [](const Life& life) -> std::optional<std::size_t> {
        world::Coverage coverage;
        Simulation world{life, coverage};
        world.run();
        if (!coverage.counts().contains("refusal context_lost")) return std::nullopt;
        return world.event_count();
    };
    Life life{.seed = 3};
    while (!is_heard(life)) ++life.seed;
    const Life shrunk = shrink(life, is_heard);
    CHECK(is_heard(shrunk));
    CHECK_FALSE(shrunk.without.contains(Fault::error_context_lost));
    CHECK(shrunk.without.size() >= kFaultCount - 2);
    CHECK(shrunk.events_max < 100);
}

TEST_CASE("a life that is written down is the same when it is read") {
    static std::map<std::string, std::string> variables;
    const auto get = [](const char* name) -> const char* {
        const auto found = variables.find(name);
        return found == variables.end() ? nullptr : found->second.c_str();
    };
    const Life life{.seed = 7,
                    .without = {Fault::run_dies, Fault::sigterm_ignored},
                    .has_administrators = false,
                    .models_max = 2,
                    .events_max = 137,
                    .lasts = std::chrono::hours{1}};
    CHECK(to_text(life) ==
          "WINDLASS_SEED=7 WINDLASS_WITHOUT=run_dies,SIGTERM_ignored,administrators "
          "WINDLASS_MODELS=2 WINDLASS_EVENTS=137 WINDLASS_LIFE=3600");
    CHECK_FALSE(life_of(get).value().has_value());
    variables = {{"WINDLASS_SEED", "7"},
                 {"WINDLASS_WITHOUT", "run_dies,SIGTERM_ignored,administrators"},
                 {"WINDLASS_MODELS", "2"},
                 {"WINDLASS_EVENTS", "137"},
                 {"WINDLASS_LIFE", "3600"}};
    CHECK(life_of(get).value() == life);
    variables["WINDLASS_WITHOUT"] = "rain";
    CHECK(life_of(get).error().message.find("WINDLASS_WITHOUT=rain") == 0);
    variables["WINDLASS_SEED"] = "seven";
    CHECK(life_of(get).error().message == "WINDLASS_SEED=seven: give a whole number");
}

}  // namespace windlass::simulation
