// One look at a daemon: what `windlass top` shows.
#pragma once

#include <windlass/client.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/device_json.h"
#include "cli/model_json.h"
#include "cli/status_json.h"
#include "cli/worker_json.h"

namespace windlass::cli {

// As the daemon sent them; nearly of one moment.
struct TopBodies {
    std::string health;
    std::string devices;
    std::string workers;
    std::string models;
};

struct TopLook {
    DaemonState daemon;
    DevicesState devices;
    std::vector<WorkerState> workers;
    std::vector<ModelState> models;
};

// Blocks as long as the client's query_timeout lets it, four times.
Outcome<TopBodies> ask_for_look(Client& client);

// data_corrupt when it is not what a daemon says.
base::Result<TopLook> parse_look(const TopBodies& bodies);

// A line of JSON: all fields of the four bodies, the daemon's own under "daemon".
std::string look_json(std::string_view time, std::string_view url, const TopBodies& bodies);
std::string trouble_json(std::string_view time, std::string_view url, const Failure& failure);

}  // namespace windlass::cli
