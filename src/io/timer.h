// Calls back once after a while. For the shell's own short waits; the limits of requests, loads and
// workers belong to the engine. Thread: the loop's.
#pragma once

#include <functional>
#include <memory>

#include "base/time.h"

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
    struct State;
    std::shared_ptr<State> state_;  // shared with the handlers that Asio still holds
};

}  // namespace windlass::io
