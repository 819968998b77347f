// What a service manager such as systemd hears of this process: sd_notify(3), without its library.
// It starts what waits for us once we are ready, and ends and restarts us when the loop no longer
// turns. Thread: the loop's.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "io/timer.h"

namespace windlass::io {

struct ServiceOrder {
    // Path of a datagram socket; with '@' in front an abstract one; empty: nobody listens.
    std::string socket = {};
    base::Duration watchdog{};  // it ends us when it has heard nothing for so long; 0: it does not
};

// What NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID say. They are taken out of the environment, so
// that nothing that we start speaks in our name. Before the first thread.
ServiceOrder take_service_order();

class ServiceManager {
  public:
    // Where nobody listens nothing is said. `loop` outlives it.
    ServiceManager(Loop& loop, ServiceOrder order);

    // From now on it also hears, twice in the time that it allows, that the loop turns.
    base::Result<void> say_ready();
    // For the last time: from now on it waits as long as it has been told to.
    base::Result<void> say_stopping() const { return say("STOPPING=1"); }

  private:
    base::Result<void> say(std::string_view what) const;
    void beat();

    const ServiceOrder order_;
    Timer beat_;
};

}  // namespace windlass::io
