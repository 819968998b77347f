// Jobs: what the engine commands of their store, and where their attempts run.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "daemon/switchboard.h"
#include "http/workers_json.h"

namespace windlass::daemon {

JobLinks Switchboard::job_links() {
    return {.handle = [this](const core::Event& event) { handle(event); },
            .find_model =
                [this](const std::string& model, const std::optional<std::string>& variant) {
                    return find_called({.model = model, .variant = variant});
                },
            .find_name = [this](const std::string& name) { return engine_.find_model(name); },
            .configuration = [this](core::ModelId id) -> const ModelConfiguration& {
                return configuration_of(id);
            },
            .would_claim = [this](core::ModelId id) { return engine_.would_claim(id); },
            .new_request = [this] { return core::RequestId{++last_request_}; },
            .place = [this](core::RequestId request) { return place_of(request); },
            .worker = [this](core::Generation generation) { return worker_of(generation); },
            .paused =
                [this] {
                    std::vector<std::string> paused;
                    for (const ModelConfiguration& model : models_) {
                        const auto id = engine_.find_model(model.name);
                        if (id && engine_.view(*id).is_paused) paused.push_back(model.name);
                    }
                    return paused;
                }};
}

JobWorker Switchboard::worker_of(core::Generation generation) const {
    return {.worker = generation.value,
            .pid = pid_of(generation).value_or(0),
            .device = device_of(generation)};
}

std::optional<JobPlace> Switchboard::place_of(core::RequestId request) const {
    const auto told = engine_.explain(request);
    if (!told || !told->started || !told->generation) return std::nullopt;
    const core::Instant now = loop_.now();
    http::RunStatus run = measures_.show(told->generation.value, request.value, now);
    return JobPlace{.worker = worker_of(told->generation),
                    .progress = std::move(run.progress),
                    .running_for = now - *told->started};
}

// All that this process may hold of its device now: what is free there, and what is its own.
std::optional<base::Bytes> Switchboard::room_of(core::Generation generation) const {
    const auto device = bridge_.find(device_of(generation));
    if (!device) return std::nullopt;
    const core::DeviceLedger& ledger = engine_.devices().find_device(*device)->ledger;
    if (ledger.find_claim(generation) == nullptr) return ledger.free();
    return ledger.free_without(generation);
}

void Switchboard::on(const core::FetchHead& command) { jobs_->on(command); }
void Switchboard::on(const core::ClaimJob& command) { jobs_->on(command); }
void Switchboard::on(const core::StopJob& command) { jobs_->on(command); }

void Switchboard::on(const core::SettleJob& command) {
    JobDesk::Answer answer;
    if (command.end == core::JobEnd::succeeded) {
        // The answer came with the event that this settles.
        const auto found = answers_.find({command.generation, command.request});
        WL_ASSERT(found != answers_.end());
        answer = {.content_type = std::move(found->second.content_type),
                  .body = std::move(found->second.body)};
    }
    std::string evidence;
    const bool is_memory = command.error && command.error->code == base::Errc::host_out_of_memory;
    if (command.charge == core::JobCharge::crash || is_memory) {
        if (const auto incident = incidents_.incident_of(command.generation))
            evidence = to_evidence(*incident);
    }
    jobs_->on(command, std::move(answer), std::move(evidence));
}

// As much of it as the store takes: who ended it, when, and what it did then in Python.
std::string Switchboard::to_evidence(http::IncidentStatus incident) {
    std::string json = http::to_json(incident);
    if (json.size() <= store::JobStore::kTextMax || !incident.evidence) return json;
    incident.evidence->threads.clear();
    incident.evidence->missing.emplace_back("stacks of threads: too long to be kept");
    return http::to_json(incident);
}

}  // namespace windlass::daemon
