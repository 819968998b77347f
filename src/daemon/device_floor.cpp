// Devices as log lines, as JSON's structs and as gauges.
#include "daemon/device_floor.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/overloaded.h"
#include "io/loop.h"

namespace windlass::daemon {
namespace {

namespace log = base::log;
using device::Condition;

constexpr const char* kLedger = "ledger";
// Of the CPU, where nothing waits for a sample of the machine's own memory and every look reads all
// of /proc; and of GPUs on which nothing happens.
constexpr int kRestIntervals = 5;
constexpr base::Duration kFirstAnswerMax = std::chrono::seconds{60};

device::FloorOptions to_options(const DevicesConfiguration& configuration,
                                const Environment& environment,
                                const std::function<std::vector<WorkerProcess>()>& workers) {
    device::FloorOptions options{.use = configuration.use,
                                 .answer_limit = configuration.answer_timeout,
                                 .first_answer_limit = first_answer_limit(configuration),
                                 .sample_interval = configuration.sample_interval,
                                 .rest_interval = kRestIntervals * configuration.sample_interval,
                                 .list_interval = configuration.list_interval,
                                 .restart_pause = configuration.restart_pause};
    for (const auto& [name, value] : environment) {
        options.environment.push_back(fmt::format("{}={}", name, value));
    }
    options.worker_pids = [workers] {
        std::vector<int> pids;
        for (const WorkerProcess& worker : workers()) pids.push_back(worker.pid);
        return pids;
    };
    return options;
}

std::string_view to_text(device::Driver::State state) {
    switch (state) {
        case device::Driver::State::usable: return "usable";
        case device::Driver::State::absent: return "absent";
        case device::Driver::State::broken: return "broken";
    }
    return "";
}

std::string_view to_text(device::Kind kind) { return kind == device::Kind::cpu ? "cpu" : "gpu"; }

bool is_in_trouble(Condition condition) {
    return condition != Condition::unknown && condition != Condition::sound;
}

http::DeviceActivityStatus activity_in(const device::Sample& sample, int worker,
                                       base::Instant now) {
    std::optional<base::Bytes> held;
    if (sample.processes_known) held = base::Bytes{};
    for (const device::Process& process : sample.processes) {
        const auto candidates = device::worker_candidates(process);
        if (std::ranges::find(candidates, worker) == candidates.end()) continue;
        if (!process.bytes) {
            held.reset();
            break;
        }
        held = held.value_or(base::Bytes{}) + *process.bytes;
    }
    return {.worker_bytes = held,
            .used = sample.used,
            .busy_percent = sample.busy_percent,
            .age = now - sample.taken_at};
}

void log_driver(const device::Driver& driver) {
    const std::vector<log::Field> fields{{"library", driver.name},
                                         {"state", to_text(driver.state)},
                                         {"version", driver.version.value_or("")},
                                         {"message", driver.message}};
    const bool is_broken = driver.state == device::Driver::State::broken;
    log::write(is_broken ? log::Level::warning : log::Level::info, "device.driver", fields);
}

void log_listing(const device::ListingChanged& changed) {
    if (changed.trouble.empty()) return log::info("device.listing_recovered");
    log::warning("device.listing_failed", {{"message", changed.trouble}});
}

}  // namespace

base::Duration first_answer_limit(const DevicesConfiguration& configuration) {
    // Nobody waits for another host any sooner.
    return std::max(configuration.answer_timeout,
                    std::min(configuration.restart_pause, kFirstAnswerMax));
}

DeviceFloor::DeviceFloor(io::Loop& loop, const DevicesConfiguration& configuration,
                         const Environment& environment, DeviceFloorHooks hooks)
    : loop_(loop),
      hooks_(std::move(hooks)),
      floor_(loop, to_options(configuration, environment, hooks_.workers),
             [this](const device::Event& event) {
                 log(event);
                 keep(event);
                 if (hooks_.on_event) hooks_.on_event(event);
             }) {}

void DeviceFloor::log(const device::Event& event) const {
    std::visit(base::Overloaded{
                   [this](const device::DeviceFound& e) {
                       const wire::HostDevice& found = floor_.find(e.uuid)->description;
                       std::vector<log::Field> fields{{"device", e.uuid}};
                       if (found.name) fields.emplace_back("name", *found.name);
                       if (found.capacity) fields.emplace_back("capacity", *found.capacity);
                       log::write(log::Level::info, "device.found", fields);
                   },
                   [](const device::DeviceMissing& e) {
                       log::warning("device.missing",
                                    {{"device", e.uuid},
                                     {"message",
                                      "no driver lists it, although `use` in [devices] does; "
                                      "`windlass devices` shows those that are there"}});
                   },
                   [](const device::DeviceSampled&) {},
                   [this](const device::ConditionChanged& e) { log(e); },
                   [](const device::DriverChanged& e) { log_driver(e.driver); },
                   [](const device::ListingChanged& e) { log_listing(e); },
               },
               event);
}

void DeviceFloor::log(const device::ConditionChanged& changed) const {
    switch (changed.now) {
        case Condition::unknown: return;
        case Condition::sound:
            if (!is_in_trouble(changed.before)) return;
            return log::info("device.recovered", {{"device", changed.uuid},
                                                  {"was", device::to_text(changed.before)},
                                                  {"after", changed.lasted}});
        case Condition::failing:
            return log::warning("device.failing",
                                {{"device", changed.uuid}, {"message", changed.trouble}});
        case Condition::unresponsive:
            return log::warning("device.unresponsive",
                                {{"device", changed.uuid}, {"message", changed.trouble}});
        case Condition::lost:
            return log::warning("device.lost",
                                {{"device", changed.uuid}, {"message", changed.trouble}});
    }
}

// --- what clients see

http::DevicesStatus DeviceFloor::status() const {
    http::DevicesStatus status{.listing_trouble = floor_.listing_trouble()};
    std::vector<WorkerProcess> found = hooks_.workers();
    std::map<int, WorkerProcess> workers;  // by pid
    for (WorkerProcess& worker : found) {
        const int pid = worker.pid;
        workers.emplace(pid, std::move(worker));
    }
    for (const device::Device* device : floor_.devices()) {
        http::DeviceStatus shown = status_of(*device, workers);
        if (device->kind == device::Kind::cpu) {
            status.cpu = std::move(shown);
        } else {
            status.devices.push_back(std::move(shown));
        }
    }
    for (const device::Driver& driver : floor_.drivers()) {
        status.drivers.push_back({.name = driver.name,
                                  .state = std::string{to_text(driver.state)},
                                  .version = driver.version,
                                  .message = driver.message});
    }
    if (const auto listed = floor_.listed_at()) status.listed = loop_.now() - *listed;
    return status;
}

http::DeviceStatus DeviceFloor::status_of(const device::Device& device,
                                          const std::map<int, WorkerProcess>& workers) const {
    const base::Instant now = loop_.now();
    const wire::HostDevice& known = device.description;
    http::DeviceStatus status{.uuid = device.uuid,
                              .kind = std::string{to_text(device.kind)},
                              .driver = std::string{device::driver_of(device.uuid)},
                              .state = std::string{device::to_text(device.condition)},
                              .state_since = now - device.condition_since,
                              .trouble = device.trouble,
                              .name = known.name,
                              .bus_id = known.bus_id,
                              .compute_capability = known.compute_capability,
                              .driver_version = known.driver_version,
                              .cuda_version = known.cuda_version,
                              .host_pid = device.host_pid};
    const LedgerNumbers numbers = hooks_.ledger ? hooks_.ledger(device.uuid) : LedgerNumbers{};
    const auto shown = [](const std::optional<base::Bytes>& bytes) {
        return bytes ? std::optional{http::Measured{*bytes, kLedger, {}}} : std::nullopt;
    };
    status.claimed = shown(numbers.claimed);
    status.foreign = shown(numbers.foreign);
    status.fenced = shown(numbers.fenced);
    if (!device.last) {
        const std::optional<base::Instant> listed = floor_.listed_at();
        if (known.capacity && listed) {
            status.capacity = http::Measured{*known.capacity, status.driver, now - *listed};
        }
        return status;
    }
    const device::Sample& last = *device.last;
    const auto measured = [&](const std::optional<base::Bytes>& bytes, const std::string& source) {
        return bytes ? std::optional{http::Measured{*bytes, source, now - last.taken_at}}
                     : std::nullopt;
    };
    status.capacity = measured(last.capacity, last.source);
    status.used = measured(last.used, last.source);
    status.free = measured(last.free, last.source);
    if (numbers.is_empty) status.foreign = status.used;
    status.busy_percent = last.busy_percent;
    status.holders_known = last.processes_known;
    for (const device::Process& process : last.processes) {
        http::DeviceHolder holder{.pid = process.pid,
                                  .name = process.name,
                                  .bytes = measured(process.bytes, last.processes_source)};
        if (const WorkerProcess* const owner = device::find_worker(process, workers)) {
            holder.model = owner->model;
            holder.generation = owner->generation;
        }
        status.holders.push_back(std::move(holder));
    }
    return status;
}

void DeviceFloor::keep(const device::Event& event) {
    const auto* const sampled = std::get_if<device::DeviceSampled>(&event);
    if (sampled == nullptr) return;
    std::deque<device::Sample>& recent = recent_[sampled->sample.uuid];
    recent.push_front(sampled->sample);
    if (recent.size() > kRecentMax) recent.pop_back();
}

http::DeviceActivityHistory DeviceFloor::activity(const std::string& uuid, int worker) const {
    const auto recent = recent_.find(uuid);
    if (recent == recent_.end()) return {};
    http::DeviceActivityHistory history;
    for (const device::Sample& sample : recent->second) {
        const bool is_last = &sample == &recent->second.front();
        (is_last ? history.last : history.earlier.emplace_back()) =
            activity_in(sample, worker, loop_.now());
    }
    return history;
}

std::vector<http::Trouble> DeviceFloor::troubles() const {
    std::vector<http::Trouble> troubles;
    if (!floor_.listing_trouble().empty()) {
        troubles.push_back(
            {.reason = "no_listing", .device = "", .message = floor_.listing_trouble()});
    }
    for (const device::Device* device : floor_.devices()) {
        if (!is_in_trouble(device->condition)) continue;
        troubles.push_back({.reason = fmt::format("device_{}", device::to_text(device->condition)),
                            .device = device->uuid,
                            .message = device->trouble});
    }
    for (const device::Device* device : floor_.devices()) {
        if (!hooks_.ledger) break;
        const base::Bytes fenced = hooks_.ledger(device->uuid).fenced.value_or(base::Bytes{});
        if (fenced == base::Bytes{}) continue;
        troubles.push_back(
            {.reason = "device_fenced",
             .device = device->uuid,
             .message = fmt::format("{} of workers that ended did not come back; they stay closed "
                                    "until the driver shows them free, or the device is reset",
                                    base::to_text(fenced))});
    }
    return troubles;
}

}  // namespace windlass::daemon
