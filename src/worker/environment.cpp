// Builds the environment of a worker.
#include "worker/environment.h"

#include <fmt/core.h>
#include <unistd.h>

#include <string_view>

#include "wire/device_uuid.h"
#include "worker/exec_shim.h"

namespace windlass::worker {

std::string_view name_inside(std::string_view device) { return device == "cpu" ? "cpu" : "cuda"; }

std::vector<std::string> make_environment(const std::vector<std::string>& inherited,
                                          const EnvironmentOrder& order) {
    std::map<std::string, std::string> table;
    for (const std::string_view entry : inherited) {
        const std::size_t equals = entry.find('=');
        if (equals == std::string_view::npos) continue;
        table[std::string{entry.substr(0, equals)}] = entry.substr(equals + 1);
    }
    for (const auto& [name, value] : order.model_table) table[name] = value;
    table["WINDLASS_CHANNEL"] = std::to_string(kChannelDescriptor);
    table["WINDLASS_WORKER"] = fmt::format("{}/{}", order.daemon_id, order.generation);
    // That of the daemon's own environment would be another's.
    table.erase("WINDLASS_VARIANT");
    if (!order.variant.empty()) table["WINDLASS_VARIANT"] = order.variant;
    table["TMPDIR"] = order.temporary_dir;
    if (order.is_standby) {
        table["WINDLASS_STANDBY"] = "1";
    } else {
        table.erase("WINDLASS_STANDBY");
    }
    // One UUID, so that the worker sees that device and no other; for the CPU none, so that it
    // cannot stray onto a GPU.
    const wire::VisibleDevices visible = wire::divide(order.device == "cpu" ? "" : order.device);
    table["CUDA_VISIBLE_DEVICES"] = visible.cuda;
    table["ROCR_VISIBLE_DEVICES"] = visible.rocr;
    std::vector<std::string> environment;
    environment.reserve(table.size());
    for (const auto& [name, value] : table)
        environment.push_back(fmt::format("{}={}", name, value));
    return environment;
}

std::vector<std::string> own_environment() {
    std::vector<std::string> entries;
    for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
        entries.emplace_back(*entry);
    }
    return entries;
}

}  // namespace windlass::worker
