// The daemon as a whole: configuration, loop, workers, HTTP, signals. Thread: main.
#pragma once

#include <string>

#include "daemon/configuration.h"
#include "daemon/recorder.h"

namespace windlass::daemon {

struct ServeOptions {
    std::string configuration_path;
    Overrides overrides;
    std::string emulate = {};     // GPUs to emulate, such as "2x24GiB"; empty: none
    RecorderOptions record = {};  // no path: nothing is recorded
};

// Runs until SIGTERM, SIGINT or SIGQUIT; a second one ends everything at once. Returns the exit
// code of design section 6: 0 after a shutdown, 2 for a configuration that cannot be used.
int serve(const ServeOptions& options);

}  // namespace windlass::daemon
