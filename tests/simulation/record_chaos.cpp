// Records an hour of a simulated daemon's life with all its faults: wl_record_chaos SEED FILE. What
// it writes is replayed by the real `windlass replay` of the same build. It is no file of the
// repository, because every honest change of the engine is a difference from an old recording.
//
// A life that breaks a law is told, and the next seed is taken: to judge lives is the business of
// the simulation test, which leads 20,000 of them.
#include <fmt/core.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "simulation/simulation.h"

namespace {

constexpr std::uint64_t kTries = 20;

// Whether it lived its hour.
bool record(std::uint64_t seed, const char* path) {
    using namespace windlass;
    world::Coverage not_counted;
    simulation::Simulation world{{.seed = seed, .lasts = std::chrono::hours{1}}, not_counted};
    world.record();
    world.run();
    if (const auto& violation = world.violation()) {
        fmt::print("seed {} is left out: {}\n", seed, *violation);
        return false;
    }
    const std::string recording = world.take_recording();
    std::ofstream file{path, std::ios::binary};
    file << recording << std::flush;
    fmt::print("seed {}: {} events in {} bytes\n", seed, world.event_count(), recording.size());
    return file.good();
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 3) {
        fmt::print(stderr, "usage: wl_record_chaos SEED FILE\n");
        return EXIT_FAILURE;
    }
    const std::uint64_t first = std::strtoull(arguments[1], nullptr, 10);
    for (std::uint64_t seed = first; seed < first + kTries; ++seed) {
        if (record(seed, arguments[2])) return EXIT_SUCCESS;
    }
    return EXIT_FAILURE;
}
