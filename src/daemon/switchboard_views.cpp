// What the switchboard knows by name, and what it shows of models, of the daemon and of what waits.
// Changes nothing.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/version.h"
#include "daemon/switchboard.h"
#include "daemon/translate.h"

namespace windlass::daemon {

using base::Errc;

namespace {

constexpr std::size_t kWaitingShown = 100;

core::Duration until(core::Instant instant, core::Instant now) {
    return std::max(core::Duration{0}, instant - now);
}

std::string_view to_text(core::NextStep step) {
    switch (step) {
        case core::NextStep::offload: return "offload";
        case core::NextStep::unload: return "unload";
        case core::NextStep::limit: return "limit";
    }
    return "";
}

base::Error too_long_wait(const ModelConfiguration& model, core::Duration waited) {
    base::Error error = base::fail(
        Errc::unavailable,
        fmt::format("a request has waited {} for the model {}, longer than its max_wait of {}, and "
                    "the model is neither being loaded nor paused; GET /api/models/{} says what it "
                    "waits for",
                    base::to_text(waited), model.name, base::to_text(model.max_wait), model.name));
    error.reason = "max_wait";
    return error;
}

}  // namespace

// --- names

base::Result<core::ModelId> Switchboard::find_model(std::string_view name) const {
    if (const auto id = engine_.find_model(name)) return *id;
    const std::size_t colon = name.find(':');
    if (colon != name.npos && engine_.find_model(name.substr(0, colon))) {
        return unknown_variant(name.substr(0, colon), name.substr(colon + 1));
    }
    std::string known;
    for (const ModelConfiguration& model : models_) {
        if (engine_.find_model(model.name)) known += (known.empty() ? "" : ", ") + model.name;
    }
    return base::fail(Errc::not_found,
                      fmt::format("there is no model {}; the configuration {} has: {}", name,
                                  options_.configuration_path, known.empty() ? "none" : known));
}

// "fp16, int8"; empty: it has none.
std::string Switchboard::variants_of(std::string_view model) const {
    std::string variants;
    for (const ModelConfiguration& known : models_) {
        if (known.variant.empty() || model_of(known) != model) continue;
        if (!engine_.find_model(known.name)) continue;  // a reload took it away
        variants += (variants.empty() ? "" : ", ") + known.variant;
    }
    return variants;
}

base::Error Switchboard::unknown_variant(std::string_view model, std::string_view variant) const {
    const std::string known = variants_of(model);
    return base::fail(
        Errc::not_found,
        fmt::format("the model {} has no variant {}; the configuration {} has: {}", model, variant,
                    options_.configuration_path, known.empty() ? "none" : known));
}

// The model, or the variant of it that the client asks for.
base::Result<core::ModelId> Switchboard::find_called(const http::CallRequest& request) const {
    const core::ModelId id = WL_TRY(find_model(request.model));
    if (!request.variant) return id;
    const ModelConfiguration& model = configuration_of(id);
    if (model.variant == *request.variant) return id;
    if (!model.variant.empty()) {
        return base::fail(Errc::invalid_input,
                          fmt::format("the path names the variant {} of the model {}, and the "
                                      "header X-Windlass-Variant names {}; name one",
                                      model.variant, model_of(model), *request.variant));
    }
    if (const auto variant = engine_.find_model(variant_name(model.name, *request.variant))) {
        return *variant;
    }
    // What a model without variants makes of the word is its own affair.
    if (variants_of(model.name).empty()) return id;
    return unknown_variant(model.name, *request.variant);
}

// --- models

http::ModelStatus Switchboard::status(core::ModelId id) const {
    const core::ModelView view = engine_.view(id);
    const auto pid = pids_.find(view.generation);
    http::ModelStatus status =
        to_status(configuration_of(id), view,
                  pid == pids_.end() ? std::nullopt : std::optional{pid->second}, loop_.now());
    if (view.generation) status.device = device_of(view.generation);
    set_need(status, configuration_of(id).need, view);
    status.memory = tally_.of(id);
    for (const core::ProcessView& process : view.processes) {
        const auto known = pids_.find(process.generation);
        if (known == pids_.end()) continue;  // it is just being launched, or could not be
        status.processes.push_back({.worker = process.generation.value,
                                    .pid = known->second,
                                    .device = device_of(process.generation),
                                    .state = core::to_text(process.residency)});
    }
    for (const core::WaitingView& waiting : engine_.waiting(id, kWaitingShown)) {
        status.waiting_requests.push_back(to_waiting(waiting, loop_.now()));
    }
    return status;
}

base::Result<http::ModelStatus> Switchboard::model(std::string_view name) const {
    return status(WL_TRY(find_model(name)));
}

std::vector<http::ModelStatus> Switchboard::models() const {
    std::vector<http::ModelStatus> models;
    for (std::uint64_t number = 1; number <= models_.size(); ++number) {
        const core::ModelId id{number};
        const core::ModelView view = engine_.view(id);
        // A removed one is shown as long as its process is there.
        if (!view.is_removed || view.generation) models.push_back(status(id));
    }
    // A reload adds at the end.
    std::ranges::sort(models, {}, [](const http::ModelStatus& status) {
        return std::pair{std::string_view{status.model}, std::string_view{status.variant}};
    });
    return models;
}

std::vector<WorkerProcess> Switchboard::workers() const {
    std::vector<WorkerProcess> workers;
    workers.reserve(pids_.size());
    for (const auto& [generation, pid] : pids_) {
        workers.push_back({.pid = pid,
                           .model = name_of(models_of_.at(generation)),
                           .generation = generation.value});
    }
    return workers;
}

http::WorkerStatus Switchboard::status(const core::WorkerView& worker) const {
    const core::Instant now = loop_.now();
    const auto since = since_.find(worker.generation);
    http::WorkerStatus status{
        .id = worker.generation.value,
        .pid = subject_of(worker.generation, worker.model).pid,
        .model = name_of(worker.model),
        .device = device_of(worker.generation),
        .state = core::to_text(worker.residency),
        .since = since == since_.end() ? core::Duration{0} : now - since->second,
        .memory = tally_.of(worker.generation),
        .progress = incidents_.progress_of(worker.generation, now)};
    if (const auto device = bridge_.find(status.device)) {
        const core::DeviceLedger& ledger = engine_.devices().find_device(*device)->ledger;
        if (const core::Claim* const claim = ledger.find_claim(worker.generation)) {
            http::Amount& claimed = status.memory.claimed;
            claimed.now = claim->bytes;
            claimed.peak = std::max(claimed.peak.value_or(base::Bytes{}), claim->bytes);
        }
    }
    if (worker.next) {
        status.next = {.step = to_text(worker.next->step), .in = until(worker.next->at, now)};
    }
    for (const core::RunView& run : worker.running) {
        status.runs.push_back(measures_.show(worker.generation.value, run.request.value, now));
        status.runs.back().since = now - run.started;
        if (run.limit != core::Instant::max()) {
            status.runs.back().limit_in = until(run.limit, now);
        }
    }
    const auto heartbeat = supervisor_.find_last_heartbeat(worker.generation.value);
    if (heartbeat) status.heartbeat_age = now - *heartbeat;
    return status;
}

std::vector<http::WorkerStatus> Switchboard::worker_statuses() const {
    std::vector<http::WorkerStatus> statuses;
    for (const core::WorkerView& worker : engine_.workers()) {
        // One that is just being launched, or could not be, has no process.
        if (pids_.contains(worker.generation)) statuses.push_back(status(worker));
    }
    return statuses;
}

Incidents::Subject Switchboard::subject_of(core::Generation generation, core::ModelId model) const {
    const auto pid = pids_.find(generation);
    return {.model = name_of(model),
            .pid = pid == pids_.end() ? 0 : pid->second,
            .last_heartbeat = supervisor_.find_last_heartbeat(generation.value),
            .device = device_of(generation)};
}

http::DeviceActivityHistory Switchboard::activity_of(core::Generation generation) const {
    const auto pid = pids_.find(generation);
    if (devices_ == nullptr || pid == pids_.end()) return {};
    return devices_->activity(device_of(generation), pid->second);
}

void Switchboard::use_devices(DeviceFloor& devices) {
    devices_ = &devices;
    bridge_.use(devices.devices());
}

std::string Switchboard::device_of(core::Generation generation) const {
    const auto device = devices_of_.find(generation);
    return device == devices_of_.end() ? "cpu" : device->second;
}

LedgerNumbers Switchboard::ledger(const std::string& uuid) const {
    const auto id = bridge_.find(uuid);
    if (!id) return {};
    const core::DeviceLedger& ledger = engine_.devices().find_device(*id)->ledger;
    return {.claimed = ledger.claimed(),
            .foreign = ledger.foreign(),
            .fenced = ledger.fenced(),
            .is_empty = ledger.claims().empty() && ledger.fences().empty()};
}

http::DevicesStatus Switchboard::devices() const {
    if (devices_ == nullptr) return {};
    http::DevicesStatus status = devices_->status();
    tally_.add_to(status, loop_.now());
    return status;
}

// All that is kept is in one file, and one reason is enough.
std::optional<http::Trouble> Switchboard::store_trouble() const {
    if (const auto trouble = needs_ == nullptr ? std::nullopt : needs_->trouble()) return trouble;
    if (const auto trouble = events_ == nullptr ? std::nullopt : events_->trouble()) return trouble;
    return jobs_->trouble();
}

http::Health Switchboard::health() const {
    std::vector<http::Trouble> troubles;
    if (devices_ != nullptr) troubles = devices_->troubles();
    if (const auto trouble = store_trouble()) troubles.push_back(*trouble);
    for (std::uint64_t number = 1; number <= models_.size(); ++number) {
        const core::ModelId id{number};
        if (engine_.view(id).breaker == core::BreakerState::closed) continue;
        const std::string& model = configuration_of(id).name;
        troubles.push_back({.reason = "breaker_open",
                            .device = {},
                            .message = fmt::format("the workers of {0} kept dying, so it rests; "
                                                   "`windlass explain {0}` says until when, and "
                                                   "`windlass events --model {0}` why",
                                                   model)});
    }
    return {.stopping = engine_.is_shutting_down(),
            .troubles = std::move(troubles),
            .version = std::string{base::version()},
            .commit = std::string{base::commit()},
            .daemon_id = options_.daemon_id,
            .configuration = options_.configuration_path,
            .uptime = loop_.now() - started_};
}

std::optional<http::Unready> Switchboard::unready() const {
    if (engine_.is_shutting_down()) {
        base::Error error =
            base::fail(Errc::unavailable, "the daemon is shutting down; ask its successor");
        error.reason = "shutting_down";
        return http::Unready{std::move(error)};
    }
    if (held_until_ && loop_.now() < *held_until_) {
        base::Error error = base::fail(
            Errc::unavailable,
            "the devices have not all said yet how big they are, and so whether there is room for "
            "all models that are `pinned`; GET /api/devices shows them");
        error.reason = "devices";
        return http::Unready{std::move(error)};
    }
    if (auto unready = preloads_.unready()) return unready;
    // calls_ is in order of arrival: the walk ends at the first call that no model's limit covers.
    const core::Instant now = loop_.now();
    for (const auto& [request, call] : calls_) {
        const core::Duration waited = now - call.arrived;
        if (waited < shortest_max_wait_) break;
        const ModelConfiguration& model = configuration_of(call.model);
        const auto reason = engine_.wait_reason(request);
        if (waited < model.max_wait || !reason || !core::is_stuck(*reason)) continue;
        return http::Unready{too_long_wait(model, waited), model.name};
    }
    return std::nullopt;
}

ModelGauges Switchboard::gauges(core::ModelId id) const {
    const core::ModelView view = engine_.view(id);
    http::ModelStatus need;
    set_need(need, configuration_of(id).need, view);
    return {.name = configuration_of(id).name,
            .residency = core::to_text(view.residency),
            .copies = view.copies,
            .waiting = view.waiting,
            .running = view.running,
            .oldest_wait = view.oldest ? loop_.now() - *view.oldest : core::Duration{},
            .is_paused = view.is_paused,
            .is_breaker_open = view.breaker != core::BreakerState::closed,
            .need = need.need_bytes,
            .loads = view.load_count,
            .failures = view.failure_count};
}

std::string Switchboard::metrics(const http::ConnectionCounters& connections) {
    MetricsSnapshot snapshot{.jobs = jobs_->gauges(),
                             .is_ready = !unready(),
                             .is_store_failing = store_trouble().has_value(),
                             .uptime = loop_.now() - started_,
                             .connections = connections};
    http::DevicesStatus status = devices();
    snapshot.devices = std::move(status.devices);
    if (status.cpu) snapshot.devices.push_back(std::move(*status.cpu));
    std::map<core::ModelId, std::map<std::string, base::Bytes>> claimed;
    std::map<core::ModelId, std::map<std::string, std::optional<base::Bytes>>> used;
    for (const auto& [generation, holding] : engine_.devices().holdings()) {
        const core::Claim* const claim =
            engine_.devices().device(holding.device).ledger.find_claim(generation);
        if (claim == nullptr || !holding.model) continue;  // a fence, or a lease
        base::Bytes& sum = claimed[holding.model][bridge_.uuid_of(holding.device)];
        sum = sum + claim->bytes;
    }
    for (const core::WorkerView& worker : engine_.workers()) {
        if (!pids_.contains(worker.generation)) continue;
        ++snapshot.workers[core::to_text(worker.residency)];
        const std::string device = device_of(worker.generation);
        if (device.empty()) continue;  // it stands by
        auto& sum = used[worker.model].try_emplace(device, base::Bytes{}).first->second;
        const std::optional<base::Bytes> part = tally_.of(worker.generation).used.now;
        sum = sum && part ? std::optional{*sum + *part} : std::nullopt;  // a part is no sum
    }
    for (std::uint64_t number = 1; number <= models_.size(); ++number) {
        const core::ModelId id{number};
        ModelGauges model = gauges(id);
        // Of one that a reload took away nothing is told but what was counted.
        if (model.residency == core::to_text(core::Residency::cold) &&
            !engine_.find_model(model.name)) {
            continue;
        }
        model.claimed = std::move(claimed[id]);
        model.used = std::move(used[id]);
        model.used_peak = tally_.of(id).used.peak;
        snapshot.models.push_back(std::move(model));
    }
    return journal_.metrics(std::move(snapshot));
}

}  // namespace windlass::daemon
