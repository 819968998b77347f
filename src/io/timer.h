// Calls back once after a while. For the shell's own short waits; the limits of requests, loads and
// workers belong to the engine. Thread: the loop's.
#pragma once

#include <functional>
#include <optional>

#include "base/time.h"
#include "io/timers.h"

namespace windlass::io {

class Loop;

class Timer {
  public:
    // `callback` comes from the loop, never after the timer was destroyed, which is allowed within
    // the callback.
    Timer(Loop& loop, std::function<void()> callback);
    ~Timer();
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    // Calls back once, `delay` from now; replaces what was set before.
    void start(base::Duration delay);
    void stop();

  private:
    Loop& loop_;
    Timers::Callback callback_;
    Timers::Place place_ = {};  // of the latest start
};

}  // namespace windlass::io
