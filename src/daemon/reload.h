// What a configuration that was read again changes: which models, and whether their processes can
// stay. Compares only; the switchboard applies it.
#pragma once

#include <string>
#include <vector>

#include "daemon/configuration.h"

namespace windlass::daemon {

struct Reload {
    struct Model {
        ModelConfiguration model;
        bool needs_new_process = false;  // what its worker was started with has changed
    };
    std::vector<Model> changed;        // new models too
    std::vector<std::string> removed;  // names
    std::size_t unchanged = 0;
    std::vector<std::string> ignored;  // "daemon.listen", ...: only a restart can change these
};

Reload compare(const Configuration& before, const Configuration& after);

}  // namespace windlass::daemon
