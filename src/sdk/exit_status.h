// The exit statuses of a worker.
#pragma once

#include <csignal>

namespace windlass::sdk {

inline constexpr int kExitOk = 0;      // after `stop`, or when the daemon is gone
inline constexpr int kExitFailed = 1;  // start or load failed, or the channel broke
inline constexpr int kExitUsage = 2;
inline constexpr int kExitTerminated = 128 + SIGTERM;

}  // namespace windlass::sdk
