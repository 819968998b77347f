// The turns, on top of epoll.
#include "io/loop.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "io/poller.h"
#include "io/timers.h"

namespace windlass::io {
namespace {

// The capacity of a socket pair is 208 KiB by default (net.core.wmem_default of Linux), so that one
// read can empty it.
constexpr std::size_t kScratchSize = 256 << 10;
// An upper bound for one sleep, so that no deadline overflows what epoll counts in.
constexpr base::Duration kSleepMax = std::chrono::minutes{1};

}  // namespace

struct Loop::State {
    Poller poller;
    Timers timers;
    std::vector<Task> posted;
    std::vector<Task> deferred;
    std::vector<Task> running;  // of these two, while they run; kept for its capacity
    std::vector<char> scratch = std::vector<char>(kScratchSize);
    bool stopping = false;
    base::Duration listened{};  // waiting for inputs in this turn
    base::Duration took{};
    base::Duration deaf{};
};

Loop::Loop() : state_(std::make_unique<State>()) {}
Loop::~Loop() = default;

base::Instant Loop::now() const {
    // libstdc++'s steady_clock is CLOCK_MONOTONIC.
    return base::Instant{std::chrono::steady_clock::now().time_since_epoch()};
}

void Loop::run(const EndOfTurn& on_turn_end) {
    State& state = *state_;
    state.stopping = false;
    std::optional<base::Instant> deadline;
    base::Duration sleep{};
    base::Instant last_end = now();
    while (true) {
        handle_inputs(sleep);
        // What arrived while the others were handled is in time for a deadline that has come.
        if (deadline && now() >= *deadline) handle_some({});
        const base::Instant end = now();
        state.took = end - std::exchange(last_end, end);
        state.deaf = state.took - std::exchange(state.listened, {});
        deadline = on_turn_end(end);
        run_all(state.deferred);
        if (state.stopping) return;
        sleep = idle_time(deadline);
    }
}

void Loop::handle_inputs(base::Duration sleep) {
    bool may_have_more = handle_some(sleep);
    for (int round = 1; may_have_more && round < kRoundsPerTurn && !state_->stopping; ++round) {
        may_have_more = handle_some({});
    }
}

// True when there may be more to handle at once.
bool Loop::handle_some(base::Duration sleep) {
    State& state = *state_;
    const base::Instant asleep = now();
    state.poller.wait(sleep);
    state.listened += std::min(now() - asleep, sleep);
    const bool was_full = state.poller.call_back();
    if (state.timers.next()) state.timers.run_due(now());
    run_all(state.posted);
    return was_full || !state.posted.empty();
}

// What the tasks add to `tasks` is left there.
void Loop::run_all(std::vector<Task>& tasks) {
    std::swap(state_->running, tasks);
    for (Task& task : state_->running) task();
    state_->running.clear();
}

base::Duration Loop::idle_time(std::optional<base::Instant> deadline) const {
    const State& state = *state_;
    if (!state.posted.empty() || !state.deferred.empty()) return {};
    const base::Instant wake = std::min(deadline.value_or(base::Instant::max()),
                                        state.timers.next().value_or(base::Instant::max()));
    // Compared before it is subtracted: a deadline may be as far off as an Instant can be.
    const base::Instant begin = now();
    return std::clamp(wake, begin, begin + kSleepMax) - begin;
}

base::Duration Loop::turn_took() const { return state_->took; }

base::Duration Loop::deaf_for() const { return state_->deaf; }

void Loop::stop() { state_->stopping = true; }

void Loop::post(Task task) { state_->posted.push_back(std::move(task)); }

void Loop::defer(Task task) { state_->deferred.push_back(std::move(task)); }

Poller& Loop::poller() { return state_->poller; }

Timers& Loop::timers() { return state_->timers; }

std::span<char> Loop::scratch() { return state_->scratch; }

}  // namespace windlass::io
