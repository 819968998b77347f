// Reports and workers' events as incidents.
#include "daemon/incidents.h"

#include <algorithm>
#include <array>
#include <ranges>
#include <utility>

#include "base/overloaded.h"
#include "base/wall_time.h"
#include "daemon/translate.h"
#include "io/wall_clock.h"

namespace windlass::daemon {

using core::EventCode;

namespace {

// The step that a report stands for, and whether it tells of something that went wrong. What only
// continues an incident opens none: most workers end in peace. Signals are steps when they are
// sent.
struct Meaning {
    EventCode code;
    std::string_view step;
    bool opens = true;
};
constexpr auto kMeanings = std::to_array<Meaning>({
    {EventCode::run_limit_reached, "detected"},
    {EventCode::model_load_failed, "detected"},
    {EventCode::model_standby_failed, "detected"},
    {EventCode::model_offload_failed, "detected"},  // see is_failed_try()
    {EventCode::model_restore_failed, "detected"},
    {EventCode::worker_lost, "detected"},
    {EventCode::worker_poisoned, "detected"},
    {EventCode::worker_terminated, ""},
    {EventCode::worker_killed, ""},
    {EventCode::worker_unkillable, "unkillable"},
    {EventCode::worker_reaped, "reaped", false},
});

constexpr std::array kMemory = {EventCode::worker_memory_returned, EventCode::device_fenced,
                                EventCode::device_fence_lifted};
constexpr std::string_view kCpu = "cpu";

// Of what a worker prints; the log has all of it.
constexpr std::size_t kOutputLines = 20;
constexpr std::size_t kOutputLineMax = 500;

// A hook that failed leaves a worker that goes on; one that hangs leaves none.
bool is_failed_try(const core::Report& report) {
    const bool is_move = report.code == EventCode::model_offload_failed ||
                         report.code == EventCode::model_restore_failed;
    return is_move && report.error && report.error->code != base::Errc::timeout;
}

http::EvidenceStatus to_evidence_status(const worker::Evidence& evidence) {
    http::EvidenceStatus status{.took = evidence.took,
                                .is_complete = evidence.is_complete,
                                .threads = {},
                                .python_stacks = evidence.python_stacks,
                                .missing = evidence.missing,
                                .activity = {}};
    for (const worker::ThreadEvidence& thread : evidence.threads) {
        status.threads.push_back({.process = thread.process,
                                  .thread = thread.thread,
                                  .name = thread.name,
                                  .state = thread.state,
                                  .wait_channel = thread.wait_channel,
                                  .kernel_stack = thread.kernel_stack,
                                  .native_stack = thread.native_stack});
    }
    return status;
}

}  // namespace

Incidents::Incident* Incidents::find(core::Generation generation) {
    for (Incident& incident : std::views::reverse(incidents_)) {
        if (incident.status.worker == generation.value) return &incident;
    }
    return nullptr;
}

Incidents::Incident& Incidents::open(core::Generation generation, const Subject& subject,
                                     base::Instant now) {
    if (Incident* const known = find(generation)) return *known;
    if (incidents_.size() == kKept) incidents_.pop_front();
    Incident& incident = incidents_.emplace_back();
    incident.detected = now;
    incident.status = {.id = ++last_id_,
                       .detected_at = base::utc_text(io::wall_clock_ms()),
                       .worker = generation.value,
                       .pid = subject.pid,
                       .model = subject.model,
                       .device = subject.device,
                       .progress = progress_of(generation, now)};
    if (subject.last_heartbeat) incident.status.heartbeat_age = now - *subject.last_heartbeat;
    add_step(incident, {"detected", {}}, now);
    return incident;
}

void Incidents::add_step(Incident& incident, http::IncidentStep step, base::Instant now) {
    std::vector<http::IncidentStep>& steps = incident.status.steps;
    if (std::ranges::find(steps, step.name, &http::IncidentStep::name) != steps.end()) return;
    step.after = now - incident.detected;
    steps.push_back(step);
}

// The bytes of one that was reaped came back, or did not.
void Incidents::note_memory(const core::Report& report, base::Instant now) {
    Incident* const incident = find(report.generation);
    if (incident == nullptr || incident->status.device == kCpu) return;
    const bool is_fenced = report.code == EventCode::device_fenced;
    add_step(*incident,
             {.name = is_fenced ? "fenced" : "proved",
              .after = {},
              .bytes = report.bytes,
              .by = is_fenced ? "" : "driver"},
             now);
}

void Incidents::note(const core::Report& report, const Subject& subject, base::Instant now) {
    const bool is_serving =
        report.code == EventCode::model_ready || report.code == EventCode::model_restored;
    if (is_serving) return resume(report.model, now);
    if (std::ranges::find(kMemory, report.code) != kMemory.end()) return note_memory(report, now);
    const auto* const meaning = std::ranges::find(kMeanings, report.code, &Meaning::code);
    if (meaning == kMeanings.end() || !report.generation || is_failed_try(report)) return;
    Incident* const incident =
        meaning->opens ? &open(report.generation, subject, now) : find(report.generation);
    const auto end = ends_.find(report.generation);
    if (report.code == EventCode::worker_reaped && end != ends_.end()) end->second.is_reaped = true;
    if (incident == nullptr) return;
    incident->model_id = report.model;
    if (report.error && !incident->status.cause) incident->status.cause = report.error;
    if (incident->status.cause) tell_cause(*incident);
    if (report.request && incident->status.request.empty()) {
        incident->status.request = to_text(report.request);
    }
    if (meaning->opens && !meaning->step.empty()) add_step(*incident, {meaning->step, {}}, now);
    // Another takes its place without waiting for its end.
    if (report.code == EventCode::worker_unkillable) {
        incident->is_over = true;
        tell_cause(*incident);
    }
    if (end != ends_.end() && end->second.is_reaped) finish(*incident, end->second, now);
}

void Incidents::tell_cause(Incident& incident) {
    if (std::exchange(incident.is_told, true) || !on_cause_) return;
    const auto& cause = incident.status.cause;
    on_cause_(incident.status.model, cause ? base::traits(cause->code).name : "forced");
}

void Incidents::finish(Incident& incident, const End& end, base::Instant now) {
    incident.is_over = true;
    tell_cause(incident);
    add_output(incident);
    incident.status.how = end.how;
    incident.status.leftovers = end.leftovers;
    add_step(incident, {"reaped", {}}, now);
    // On a CPU the reap is the proof that the memory is back.
    if (incident.status.device == kCpu) {
        add_step(incident, {.name = "proved", .after = {}, .bytes = {}, .by = "reap"}, now);
    }
}

void Incidents::keep(const worker::Printed& printed) {
    std::deque<std::string>& lines = outputs_[core::Generation{printed.generation}];
    lines.push_back(printed.line.substr(0, kOutputLineMax));
    if (lines.size() > kOutputLines) lines.pop_front();
}

void Incidents::add_output(Incident& incident) const {
    const auto lines = outputs_.find(core::Generation{incident.status.worker});
    if (lines == outputs_.end()) return;
    incident.status.output.assign(lines->second.begin(), lines->second.end());
}

void Incidents::forget(core::Generation generation) {
    outputs_.erase(generation);
    progress_.erase(generation);
    ends_.erase(generation);
}

void Incidents::note_order(core::Generation generation, const Subject& subject, base::Instant now) {
    Incident& incident = open(generation, subject, now);
    add_step(incident, {"ordered", {}}, now);
    if (incident.status.cause) return;
    incident.status.cause =
        base::fail(base::Errc::cancelled, "an administrator had the worker killed");
    tell_cause(incident);
}

void Incidents::note_exceeded(core::Generation generation, const Subject& subject,
                              const base::Error& error, base::Instant now) {
    Incident& incident = open(generation, subject, now);
    if (!incident.status.cause) incident.status.cause = error;
    tell_cause(incident);
}

void Incidents::note_signal(core::Generation generation, core::EventCode code, base::Instant now) {
    Incident* const incident = find(generation);
    if (incident == nullptr) return;
    add_step(*incident, {code == EventCode::worker_killed ? "killed" : "terminated", {}}, now);
}

void Incidents::note(const worker::Event& event, base::Instant now) {
    std::visit(
        base::Overloaded{
            [&](const worker::EvidenceTaken& e) {
                Incident* const incident = find(core::Generation{e.generation});
                if (incident == nullptr) return;
                incident->status.evidence = to_evidence_status(e.evidence);
                add_step(*incident, {"looked_at", {}}, now);
            },
            [&](const worker::Progressed& e) {
                progress_[core::Generation{e.generation}] = {
                    .status = {.request = e.request == 0 ? "" : to_text(core::RequestId{e.request}),
                               .step = e.step,
                               .total = e.total,
                               .phase = e.phase},
                    .at = now};
            },
            [&](const worker::Printed& e) { keep(e); },
            [&](const worker::Exited& e) {
                ends_[core::Generation{e.generation}] = {.how = to_text(e),
                                                         .leftovers = e.leftover_count};
            },
            [](const auto&) {}},
        event);
}

void Incidents::note_activity(core::Generation generation, http::DeviceActivityHistory activity) {
    Incident* const incident = find(generation);
    if (incident == nullptr || !incident->status.evidence) return;
    incident->status.evidence->activity = std::move(activity);
}

// The next copy is ready: whoever waited is served again.
void Incidents::resume(core::ModelId model, base::Instant now) {
    for (Incident& incident : incidents_) {
        if (incident.model_id != model || !incident.is_over || incident.is_resumed) continue;
        incident.is_resumed = true;
        add_step(incident, {"resumed", {}}, now);
    }
}

std::optional<http::ProgressStatus> Incidents::progress_of(core::Generation generation,
                                                           base::Instant now) const {
    const auto known = progress_.find(generation);
    if (known == progress_.end()) return std::nullopt;
    http::ProgressStatus status = known->second.status;
    status.age = now - known->second.at;
    return status;
}

std::uint64_t Incidents::find_latest(std::string_view model) const {
    for (const Incident& incident : std::views::reverse(incidents_)) {
        if (incident.status.model == model) return incident.status.id;
    }
    return 0;
}

std::optional<http::IncidentStatus> Incidents::incident_of(core::Generation generation) const {
    for (const Incident& incident : std::views::reverse(incidents_)) {
        if (incident.status.worker == generation.value) return incident.status;
    }
    return std::nullopt;
}

std::vector<http::IncidentStatus> Incidents::list() const {
    std::vector<http::IncidentStatus> all;
    for (const Incident& incident : std::views::reverse(incidents_)) all.push_back(incident.status);
    return all;
}

}  // namespace windlass::daemon
