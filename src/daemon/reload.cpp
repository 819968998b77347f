// Comparing two configurations.
#include "daemon/reload.h"

#include <algorithm>

namespace windlass::daemon {
namespace {

const ModelConfiguration* find_model(const Configuration& configuration, const std::string& name) {
    const auto found = std::ranges::find(configuration.models, name, &ModelConfiguration::name);
    return found == configuration.models.end() ? nullptr : &*found;
}

// Everything that reaches a worker when it starts or loads.
bool starts_alike(const ModelConfiguration& a, const ModelConfiguration& b) {
    return a.python == b.python && a.command == b.command && a.ready == b.ready &&
           a.offload == b.offload && a.restore == b.restore && a.path == b.path &&
           a.interpreter == b.interpreter && a.env == b.env && a.devices == b.devices &&
           a.device_uuids == b.device_uuids && a.concurrency == b.concurrency &&
           a.host_memory == b.host_memory;
}

std::vector<std::string> find_ignored(const Configuration& a, const Configuration& b) {
    std::vector<std::string> keys;
    const auto note = [&](const char* key, bool is_equal) {
        if (!is_equal) keys.emplace_back(key);
    };
    note("daemon.listen", a.daemon.listen == b.daemon.listen);
    note("daemon.socket", a.daemon.socket == b.daemon.socket);
    note("daemon.state_dir", a.daemon.state_dir == b.daemon.state_dir);
    note("daemon.disk_reserve", a.daemon.disk_reserve == b.daemon.disk_reserve);
    note("daemon.log", a.daemon.log == b.daemon.log);
    note("daemon.allowed_hosts", a.daemon.allowed_hosts == b.daemon.allowed_hosts);
    note("daemon.body_limit", a.daemon.body_limit == b.daemon.body_limit);
    note("daemon.bodies_limit", a.daemon.bodies_limit == b.daemon.bodies_limit);
    note("daemon.access_log", a.daemon.access_log == b.daemon.access_log);
    note("daemon.cgroups", a.daemon.cgroups == b.daemon.cgroups);
    note("devices", a.devices == b.devices);
    return keys;
}

}  // namespace

Reload compare(const Configuration& before, const Configuration& after) {
    Reload reload{.changed = {}, .removed = {}, .ignored = find_ignored(before, after)};
    for (const ModelConfiguration& model : after.models) {
        const ModelConfiguration* known = find_model(before, model.name);
        if (known != nullptr && *known == model) {
            ++reload.unchanged;
        } else {
            reload.changed.push_back({model, known != nullptr && !starts_alike(*known, model)});
        }
    }
    for (const ModelConfiguration& model : before.models) {
        if (find_model(after, model.name) == nullptr) reload.removed.push_back(model.name);
    }
    return reload;
}

}  // namespace windlass::daemon
