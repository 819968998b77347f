// The event loop: one thread, one turn after another. A turn drains every input that is ready, then
// delivers time, then carries out what was decided. Knows nothing of what it carries.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"

namespace windlass::io {

class Poller;
class Timers;

// Everything that is made with a Loop must be destroyed before it. Thread: the one that calls
// run().
class Loop {
  public:
    // Called once at the end of each turn. Returns the next instant at which it wants to be called
    // even if nothing happens; none: only after the next input.
    using EndOfTurn = std::function<std::optional<base::Instant>(base::Instant now)>;
    using Task = std::move_only_function<void()>;

    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    // CLOCK_MONOTONIC, read at each call. It stands still while the machine sleeps.
    base::Instant now() const;

    // Turns until stop(). A turn is
    //   1. all inputs that are ready, and what they post, in at most kRoundsPerTurn rounds, so that
    //      a source that never dries up cannot hold back time;
    //   2. on_turn_end(now);
    //   3. what defer() collected: the writes of the turn go out here, coalesced.
    // Then it sleeps until an input is ready or the deadline that on_turn_end returned has come (at
    // most 1 ms late: epoll counts milliseconds). May be called again after it returned.
    void run(const EndOfTurn& on_turn_end);

    // For on_turn_end: how long ago that was called last; and of that time, what was not spent
    // waiting for inputs, because this thread was busy, or stopped, or woken late.
    base::Duration turn_took() const;
    base::Duration deaf_for() const;

    // Lets run() return when the present turn is over; before a run() it does nothing.
    void stop();

    // Runs `task` as an input of the present or the next turn, never before post() returns. In
    // order. From the loop's thread, like everything here.
    void post(Task task);

    // Runs `task` in step 3 of the present turn; from within step 3, of the next, which then comes
    // without sleeping.
    void defer(Task task);

    // For Readiness and Timer, which are what others wait with.
    Poller& poller();
    Timers& timers();

    // One buffer for all streams of the loop to read into; its contents last until the reader's
    // callback returns.
    std::span<char> scratch();

    // A round is one report of epoll: up to 128 descriptors.
    static constexpr int kRoundsPerTurn = 8;

  private:
    void handle_inputs(base::Duration sleep);
    bool handle_some(base::Duration sleep);
    void run_all(std::vector<Task>& tasks);
    base::Duration idle_time(std::optional<base::Instant> deadline) const;

    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace windlass::io
