// What the daemon's log says of its keeper, the process that clears up behind it.
#pragma once

#include "worker/keeper_link.h"

namespace windlass::daemon {

void log_keeper(const worker::KeeperEvent& event);

}  // namespace windlass::daemon
