// What may go wrong in a simulated world, and how often, as drawn from the seed: a swarm. Each seed
// switches most faults off and some up, so that rare combinations meet.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "simulation/random.h"

namespace windlass::simulation {

enum class Fault : std::uint8_t {
    launch_fails,
    start_silent,
    start_fails,
    start_uses_driver,
    load_silent,
    load_fails,
    load_dies,
    run_dies,
    run_silent,
    run_late,
    run_without_progress,
    run_not_begun,
    answers_twice,
    error_internal,
    error_transient,
    error_context_lost,
    recall_ignored,
    cancel_ignored,
    stop_ignored,
    sigterm_ignored,
    reaped_late,
    channel_lost,
    dies_idle,
    client_vanishes,
    loop_late,
    memory_late,
    memory_never,
    stranger,
    device_silent,
    device_mute,
    memory_unknown,
    processes_hidden,
    move_fails,
    move_silent,
    move_late,
    move_dies,
    daemon_dies,
    clock_leaps,
    store_slow,
    store_refuses,
};
inline constexpr std::size_t kFaultCount = 40;
inline constexpr std::array<std::string_view, kFaultCount> kFaultNames = {
    "launch fails",
    "start silent",
    "start fails",
    "start uses driver",
    "load silent",
    "load fails",
    "load dies",
    "run dies",
    "run silent",
    "run late",
    "run without progress",
    "run not begun",
    "answers twice",
    "error internal",
    "error transient",
    "error context lost",
    "recall ignored",
    "cancel ignored",
    "stop ignored",
    "SIGTERM ignored",
    "reaped late",
    "channel lost",
    "dies idle",
    "client vanishes",
    "loop late",
    "memory late",
    "memory never",
    "stranger",
    "device silent",
    "device mute",
    "memory unknown",
    "processes hidden",
    "move fails",
    "move silent",
    "move late",
    "move dies",
    "daemon dies",
    "clock leaps",
    "store slow",
    "store refuses",
};

class FaultOdds {
  public:
    // Leaps, many deaths and the store of jobs are drawn by themselves: worlds without them stay as
    // they are.
    FaultOdds(Random& random, Random& own_random, Random& job_random) {
        for (std::uint32_t& odds : permille_) {
            if (&odds >= &at(Fault::clock_leaps)) continue;
            odds = random.chance(400) ? static_cast<std::uint32_t>(random.below(150)) + 10 : 0;
        }
        at(Fault::clock_leaps) = own_random.chance(150) ? 10 : 0;
        at(Fault::daemon_dies) /= 8;  // what ends everything, seldom
        // Ladders need two of these at once; on their own they would never meet.
        if (random.chance(200)) {
            at(Fault::run_silent) = at(Fault::sigterm_ignored) = at(Fault::reaped_late) = 400;
        }
        if (random.chance(330)) at(Fault::stranger) = 500;           // copies make room for it
        if (random.chance(100)) at(Fault::processes_hidden) = 1000;  // as in many containers
        if (random.chance(100)) at(Fault::run_not_begun) = at(Fault::recall_ignored) = 300;
        if (random.chance(440)) {  // most worlds have few moves of weights, or none
            at(Fault::move_fails) = 300;
            at(Fault::move_silent) = 240;
            at(Fault::move_late) = 210;
            at(Fault::dies_idle) = 200;
            at(Fault::move_dies) = 140;
        }
        if (own_random.chance(60)) at(Fault::run_dies) = 300;  // also while processes drain
        if (job_random.chance(300)) at(Fault::store_slow) = 60;
        if (job_random.chance(300)) at(Fault::store_refuses) = 100;
    }
    void heal() { permille_.fill(0); }
    void spare(Fault fault) { at(fault) = 0; }
    bool strikes(Fault fault, Random& random) { return random.chance(at(fault)); }

  private:
    std::uint32_t& at(Fault fault) { return permille_[static_cast<std::size_t>(fault)]; }
    std::array<std::uint32_t, kFaultCount> permille_{};
};

}  // namespace windlass::simulation
