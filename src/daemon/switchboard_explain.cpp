// Why something waits, as people are shown it: the engine's explanation with names, pids and what
// the drivers know of strangers. Changes nothing.
#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "daemon/explain_text.h"
#include "daemon/job_translate.h"
#include "daemon/switchboard.h"
#include "daemon/translate.h"

namespace windlass::daemon {

using base::Errc;

namespace {

// "r17"; empty: it is not the id of a request.
std::optional<core::RequestId> read_request(std::string_view text) {
    if (!text.starts_with('r')) return std::nullopt;
    std::uint64_t number = 0;
    const auto read = std::from_chars(text.data() + 1, text.data() + text.size(), number);
    if (read.ec != std::errc{} || read.ptr != text.data() + text.size()) return std::nullopt;
    return core::RequestId{number};
}

std::string_view to_text(core::Asked asked) {
    switch (asked) {
        case core::Asked::call: return "call";
        case core::Asked::load: return "load";
        case core::Asked::offload: return "offload";
        case core::Asked::unload: return "unload";
        case core::Asked::lease: return "lease";
    }
    return "";
}

std::string_view to_text(core::NeedSource source) {
    switch (source) {
        case core::NeedSource::unknown: return "unknown";
        case core::NeedSource::configured: return "configured";
        case core::NeedSource::learned: return "learned";
        case core::NeedSource::returning: return "returning";
        case core::NeedSource::lease: return "lease";
    }
    return "";
}

std::string_view holder_kind(const core::Holder& holder) {
    switch (holder.doing) {
        case core::Doing::lent: return "lease";
        case core::Doing::returning: return "returning";
        case core::Doing::fenced: return "fenced";
        case core::Doing::foreign: return "foreign";
        case core::Doing::idle:
        case core::Doing::running:
        case core::Doing::starting:
        case core::Doing::loading:
        case core::Doing::offloading:
        case core::Doing::offloaded:
        case core::Doing::restoring:
        case core::Doing::draining:
        case core::Doing::stopping:
        case core::Doing::unkillable:
        case core::Doing::standby:
        case core::Doing::resting: return "model";
    }
    return "model";
}

core::Duration time_to(core::Instant at, core::Instant now) {
    return at > now ? at - now : core::Duration{0};
}

std::optional<core::Duration> time_to(const std::optional<core::Instant>& at, core::Instant now) {
    return at ? std::optional{time_to(*at, now)} : std::nullopt;
}

std::optional<core::Duration> age_of(const std::optional<core::Instant>& since, core::Instant now) {
    return since ? std::optional{time_to(now, *since)} : std::nullopt;
}

}  // namespace

base::Result<http::ExplanationStatus> Switchboard::explain(std::string_view subject) const {
    const auto request = read_request(subject);
    if (request) {
        if (const auto told = engine_.explain(*request)) return explain(*told);
    }
    const auto model = find_model(subject);
    if (model) return explain(engine_.explain(*model));
    if (const auto job = read_job_id(subject)) return explain_job(*job);
    if (!request) return model.error();
    return base::fail(Errc::not_found,
                      fmt::format("no request {} waits or runs: it has its answer, or there never "
                                  "was one; `windlass events` tells what happened, and `windlass "
                                  "explain` without a name what waits now",
                                  subject));
}

base::Result<http::ExplanationStatus> Switchboard::explain_job(store::JobId job) const {
    const auto request = engine_.find_job({job.value});
    if (const auto told = request ? engine_.explain(*request) : std::nullopt) return explain(*told);
    return base::fail(
        Errc::not_found,
        fmt::format("the job {0} is not ready to begin; `windlass jobs show {0}` tells its state",
                    daemon::to_text(job)));
}

std::vector<http::ExplanationStatus> Switchboard::explanations() const {
    std::vector<http::ExplanationStatus> all;
    for (std::uint64_t number = 1; number <= models_.size(); ++number) {
        http::ExplanationStatus told = explain(engine_.explain(core::ModelId{number}));
        const bool is_troubled =
            told.is_stuck || told.is_paused || told.breaker != "closed" || told.unkillable > 0;
        if (told.waiting > 0 || !told.reason.empty() || is_troubled) all.push_back(std::move(told));
    }
    std::ranges::stable_sort(all, {}, [](const http::ExplanationStatus& told) {
        return std::tuple{!told.is_stuck, told.waiting == 0,
                          -told.since.value_or(core::Duration{0}).count()};
    });
    return all;
}

http::ExplanationStatus Switchboard::explain(const core::Explanation& told) const {
    const core::Instant now = loop_.now();
    const bool is_running = !told.reason && told.started.has_value();
    http::ExplanationStatus status{.subject = told.job
                                                  ? daemon::to_text(store::JobId{told.job.value})
                                                  : daemon::to_text(told.request),
                                   .kind = "request",
                                   .model = name_of(told.model),
                                   .asked = to_text(told.asked),
                                   .state = is_running ? "running" : "waiting",
                                   .reason = told.reason ? core::to_text(*told.reason) : "",
                                   .since = age_of(is_running ? told.started : told.arrived, now),
                                   .priority = told.priority,
                                   .waiting = told.wait_count,
                                   .wait_limit_in = time_to(told.wait_limit, now),
                                   .deadline_in = time_to(told.deadline, now),
                                   .failed_tries = told.failed_tries,
                                   .worker = told.generation.value,
                                   .progress_age = age_of(told.last_progress, now),
                                   .error = told.error,
                                   .next = show(told.next),
                                   .is_stuck = told.reason && core::is_stuck(*told.reason)};
    if (told.asked == core::Asked::call && told.reason) status.position = told.ahead + 1;
    for (const core::Holder& process : told.processes)
        status.processes.push_back(show(process, ""));
    if (told.memory) status.memory = show(*told.memory);
    status.sentence = explain_sentence(status);
    status.advice = explain_advice(status);
    if (told.job) status.asked = "job";
    return status;
}

http::ExplanationStatus Switchboard::explain(const core::ModelExplanation& told) const {
    const core::Instant now = loop_.now();
    http::ExplanationStatus status{.subject = name_of(told.model),
                                   .kind = "model",
                                   .model = name_of(told.model),
                                   .state = core::to_text(told.residency),
                                   .reason = told.reason ? core::to_text(*told.reason) : "",
                                   .error = told.last_error,
                                   .next = show(told.next),
                                   .running = told.running,
                                   .ready = told.ready_count,
                                   .copies_max = told.copies_max,
                                   .unkillable = told.unkillable_count,
                                   .failures = told.failure_count,
                                   .is_paused = told.is_paused,
                                   .breaker = core::to_text(told.breaker)};
    for (const auto& [reason, count] : told.waits) {
        status.waits.emplace_back(core::to_text(reason), count);
        status.waiting += count;
        status.is_stuck = status.is_stuck || core::is_stuck(reason);
    }
    status.is_stuck = status.is_stuck || told.unkillable_count > 0 ||
                      told.breaker != core::BreakerState::closed ||
                      (told.reason && core::is_stuck(*told.reason) && status.waiting == 0);
    if (told.first) {
        status.first = daemon::to_text(told.first);
        if (const auto first = engine_.explain(told.first))
            status.since = age_of(first->arrived, now);
    }
    for (const core::Holder& process : told.processes)
        status.processes.push_back(show(process, ""));
    if (told.memory) status.memory = show(*told.memory);
    status.incident = incidents_.find_latest(status.model);
    status.sentence = explain_sentence(status);
    status.advice = explain_advice(status);
    return status;
}

http::ExplainedMemory Switchboard::show(const core::MemoryWait& wait) const {
    const core::Instant now = loop_.now();
    const core::Device* device = engine_.devices().find_device(wait.device);
    http::ExplainedMemory memory{.device = device == nullptr ? "" : device->spec.uuid,
                                 .need_source = to_text(wait.source),
                                 .required = wait.required,
                                 .needs_all = wait.needs_all,
                                 .capacity = wait.capacity,
                                 .headroom = wait.headroom,
                                 .free = wait.free,
                                 .missing = wait.missing(),
                                 .promised = wait.promised,
                                 .kept = wait.kept,
                                 .is_asked = wait.is_asked,
                                 .is_for_run = wait.is_for_run,
                                 .is_reserved = wait.is_reserved,
                                 .failed_loads = wait.failed_loads,
                                 .since = age_of(wait.since, now),
                                 .patience_in = time_to(wait.patience_end, now)};
    for (const core::ModelId id : wait.before) memory.before.push_back(name_of(id));
    for (const core::Holder& holder : wait.holders)
        memory.holders.push_back(show(holder, memory.device));
    return memory;
}

http::ExplainedHolder Switchboard::show(const core::Holder& holder,
                                        const std::string& device) const {
    const core::Instant now = loop_.now();
    const auto pid = pids_.find(holder.generation);
    http::ExplainedHolder status{.kind = holder_kind(holder),
                                 .model = name_of(holder.model),
                                 .worker = holder.generation.value,
                                 .pid = pid == pids_.end() ? 0 : pid->second,
                                 .doing = core::to_text(holder.doing),
                                 .bytes = holder.bytes,
                                 .measured = holder.measured,
                                 .is_parked = holder.is_parked,
                                 .is_pinned = holder.is_pinned,
                                 .is_provisional = holder.is_provisional,
                                 .since = age_of(holder.since, now),
                                 .until = show(holder.until),
                                 .makes_room_in = time_to(holder.leaves_at, now),
                                 .progress = incidents_.progress_of(holder.generation, now)};
    if (!status.since) {
        const auto since = since_.find(holder.generation);
        if (since != since_.end()) status.since = now - since->second;
    }
    for (const core::RequestId request : holder.runs)
        status.requests.push_back(daemon::to_text(request));
    for (const core::RequestId request : holder.sent_ahead)
        status.sent_ahead.push_back(daemon::to_text(request));
    if (holder.doing != core::Doing::foreign || devices_ == nullptr) return status;
    for (const http::DeviceStatus& known : devices_->status().devices) {
        if (known.uuid != device) continue;
        for (const http::DeviceHolder& process : known.holders) {
            if (!process.model.empty()) continue;
            status.strangers.push_back(
                {.pid = process.pid,
                 .name = process.name.value_or(""),
                 .bytes = process.bytes ? std::optional{process.bytes->bytes} : std::nullopt});
        }
    }
    return status;
}

std::optional<http::NextChange> Switchboard::show(const std::optional<core::Change>& change) const {
    if (!change || change->at == core::Instant::max()) return std::nullopt;
    http::NextChange status{.step = core::to_text(change->step),
                            .in = time_to(change->at, loop_.now()),
                            .worker = change->generation.value,
                            .request = change->request ? daemon::to_text(change->request) : ""};
    const auto holding = engine_.devices().holdings().find(change->generation);
    if (holding != engine_.devices().holdings().end())
        status.model = name_of(holding->second.model);
    return status;
}

}  // namespace windlass::daemon
