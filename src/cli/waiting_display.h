// Shows on a terminal what a command waits for, while the command itself is blocked in its request.
#pragma once

#include <memory>
#include <string>

namespace windlass::cli {

// Asks the daemon about twice a second on a connection and a thread of its own, and rewrites one
// line of stderr. Does nothing where stderr is no terminal. Its end clears the line and waits for a
// question under way: a moment with a daemon that answers, at most 2 s with one that does not.
class WaitingDisplay {
  public:
    WaitingDisplay(std::string url, std::string model);
    ~WaitingDisplay();
    WaitingDisplay(const WaitingDisplay&) = delete;
    WaitingDisplay& operator=(const WaitingDisplay&) = delete;

  private:
    class Watcher;
    std::unique_ptr<Watcher> watcher_;
};

}  // namespace windlass::cli
