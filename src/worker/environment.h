// The environment that a worker starts with. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace windlass::worker {

struct EnvironmentOrder {
    std::map<std::string, std::string> model_table;  // set on top of what is inherited
    std::string daemon_id;
    std::uint64_t generation = 0;
    std::string variant;        // which setting of its model it is; empty: none
    std::string device;         // "cpu" or the UUID of a GPU; several UUIDs with commas between
    bool is_standby = false;    // which of them it is for is told by its load
    std::string temporary_dir;  // path of the private TMPDIR
};

// How `device`, "cpu" or a UUID, is named inside the worker: "cpu" or "cuda", of which it sees one.
// Those are PyTorch's names, for AMD's GPUs too; a UUID would mean nothing to it.
std::string_view name_inside(std::string_view device);

// NAME=value, sorted by name: `inherited` (NAME=value, as in environ), then the model's table, then
// what Windlass itself sets, each overriding the former.
std::vector<std::string> make_environment(const std::vector<std::string>& inherited,
                                          const EnvironmentOrder& order);

// The environment of this process.
std::vector<std::string> own_environment();

}  // namespace windlass::worker
