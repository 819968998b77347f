// Tells when a descriptor can be read or written; streams, processes and signals stand on it.
// Thread: the loop's.
#pragma once

#include <functional>
#include <memory>

#include "io/file_descriptor.h"
#include "io/loop.h"

namespace windlass::io {

struct Watch;

// Owns a descriptor that epoll can watch (a socket, pipe, pidfd, signalfd or eventfd) and makes it
// non-blocking. Each callback comes once for each wait, from the loop and never after the object
// was destroyed, which is allowed within a callback.
class Readiness {
  public:
    using Callback = std::move_only_function<void()>;

    Readiness(Loop& loop, FileDescriptor descriptor);
    ~Readiness();
    Readiness(const Readiness&) = delete;
    Readiness& operator=(const Readiness&) = delete;

    // Calls back as soon as the descriptor is readable, at its end, or in error; at once if it is
    // so already. At most one wait of each kind at a time.
    void when_readable(Callback callback);
    void when_writable(Callback callback);

    // Calls back at the end of the present turn, like Loop::defer.
    void at_turn_end(Callback callback);

    int descriptor() const;

    // Gives the descriptor back to the system; waits that are left never call back.
    void close();

  private:
    Loop* loop_;
    std::shared_ptr<Watch> watch_;  // shared with what was deferred
};

}  // namespace windlass::io
