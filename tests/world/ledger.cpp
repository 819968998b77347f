// What the oracle writes down: events as facts.
#include "world/ledger.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace windlass::world {

using base::Errc;

void Ledger::observe(const core::Event& event, Instant now) {
    happened_ = {};
    if (std::exchange(heard_, now) != now) answered_now_.clear();
    std::visit([&](const auto& e) { on(e, now); }, event);
}

void Ledger::observe(const core::Commands& commands, Instant now) {
    for (const core::Command& command : commands) {
        std::visit([&](const auto& c) { on(c, now); }, command);
    }
    check_evictions(now);
    if (!happened_.is_time) return;
    memory_.on_time(now);
    for (auto& [generation, process] : processes_) {
        if (is_set_aside(process, now)) lose_runs(process);  // killed: what it held cannot run on
    }
}

void Ledger::fail(const std::string& sentence) {
    if (!violation_) violation_ = sentence;
}

const Run* Ledger::find_run(RequestId request) const {
    for (const auto& [generation, process] : processes_) {
        const auto run = process.runs.find(request);
        if (run != process.runs.end()) return &run->second;
    }
    return nullptr;
}

Request& Ledger::note_request(RequestId id, Request request) {
    unanswered_.insert(id);
    return requests_[id] = std::move(request);
}

std::size_t Ledger::waiting_count(ModelId model) const {
    return static_cast<std::size_t>(std::ranges::count_if(unanswered_, [&](RequestId id) {
        const Request& request = requests_.at(id);
        return request.model == model && request.kind == RequestKind::call &&
               find_run(id) == nullptr;
    }));
}

// --- clients

void Ledger::on(const core::CallArrived& event, Instant now) {
    note_request(event.request, {.model = event.model,
                                 .deadline = now + event.timeout,
                                 .wait_deadline = now + std::min(event.wait, event.timeout),
                                 .is_idempotent = spec(event.model).idempotent});
}
void Ledger::on(const core::LoadAsked& event, Instant now) {
    note_request(event.request, {.kind = RequestKind::load,
                                 .model = event.model,
                                 .deadline = now + event.timeout,
                                 .wait_deadline = now + event.timeout});
    models_[event.model].is_rest_over = true;
}
void Ledger::on(const core::RestartAsked& event, Instant now) {
    on(core::LoadAsked{event.request, event.model, event.timeout}, now);
    Request& request = requests_.at(event.request);
    request.kind = RequestKind::restart;
    retire(event.model);
    for (const auto& [generation, process] : processes_) {
        if (process.model == event.model) request.before.insert(generation);
    }
    for (const auto& [generation, process] : standbys_) {
        if (process.model == event.model) request.before.insert(generation);
    }
}
void Ledger::on(const core::OffloadAsked& event, Instant now) {
    note_request(event.request, {.kind = RequestKind::offload,
                                 .model = event.model,
                                 .deadline = now + event.timeout,
                                 .wait_deadline = now + event.timeout});
}
void Ledger::on(const core::UnloadAsked& event, Instant now) {
    for (auto& [generation, process] : processes_) {
        if (process.model == event.model && event.is_forced) process.is_condemned = true;
    }
    note_request(event.request, {.kind = RequestKind::unload,
                                 .model = event.model,
                                 .deadline = now + event.timeout,
                                 .wait_deadline = now + event.timeout});
}
// Another process is to take the place of each that there is.
void Ledger::retire(ModelId id) {
    for (auto* processes : {&processes_, &standbys_}) {
        for (auto& [generation, process] : *processes) {
            process.is_retired = process.is_retired || process.model == id;
        }
    }
}
void Ledger::on(const core::ClientGone& event, Instant) {
    requests_.at(event.request).is_gone = true;
}

void Ledger::on(const core::PauseAsked& event, Instant) {
    Model& model = models_[event.model];
    if (!shutting_down_ && !model.is_removed) model.is_paused = true;
}
void Ledger::on(const core::ResumeAsked& event, Instant) { models_[event.model].is_paused = false; }

void Ledger::on(const core::KillAsked& event, Instant) {
    if (Process* process = find_process(event.generation)) process->is_condemned = true;
}

void Ledger::on(const core::ModelConfigured& event, Instant) {
    if (shutting_down_) return;
    const auto known = std::ranges::find(specs_, event.spec.name, &core::ModelSpec::name);
    if (known == specs_.end()) return specs_.push_back(event.spec);
    *known = event.spec;
    const ModelId id{static_cast<std::uint64_t>(known - specs_.begin()) + 1};
    for (auto& [generation, process] : processes_) {
        if (process.model == id) note_rest(process);
    }
    Model& model = models_[id];
    model.is_changed = true;
    const bool is_fresh = std::exchange(model.is_removed, false) || event.needs_new_process;
    if (is_fresh || event.spec.breaker.deaths == 0) model.is_tripped = false;
    if (is_fresh) retire(id);
}
void Ledger::on(const core::ModelRemoved& event, Instant) {
    if (!models_[event.model].is_removed) models_[event.model] = {.is_removed = true};
}

// --- workers

void Ledger::on(const core::WorkerHello& event, Instant) {
    Process* process = find_process(event.generation);
    if (process == nullptr) return;
    process->said_hello = true;
    process->can_offload = event.can_offload;
}
void Ledger::on(const core::WorkerLoaded& event, Instant now) {
    const auto process = processes_.find(event.generation);
    if (process == processes_.end()) return;
    process->second.is_loaded = true;
    process->second.last_end = now;
    memory_.on_loaded(event.generation);
}
void Ledger::on(const core::LoadFailed& event, Instant) {
    if (Process* process = find_process(event.generation)) process->has_failed = true;
    const auto process = processes_.find(event.generation);
    if (process == processes_.end()) return;
    happened_.ended_models.insert(process->second.model);
    happened_.failed = event.error;
}
void Ledger::on(const core::RunStarted& event, Instant now) {
    const auto process = processes_.find(event.generation);
    if (process == processes_.end()) return;
    const auto run = process->second.runs.find(event.request);
    if (run == process->second.runs.end() || run->second.begun) return;
    run->second = {.begun = true, .sent = run->second.sent, .started = now, .progress = now};
    ++requests_.at(event.request).begun_count;
}
void Ledger::on(const core::RunProgressed& event, Instant now) {
    const auto process = processes_.find(event.generation);
    if (process == processes_.end()) return;
    const auto run = process->second.runs.find(event.request);
    if (run != process->second.runs.end() && run->second.begun) run->second.progress = now;
}
void Ledger::on(const core::RunAnswered& event, Instant now) {
    const auto process = processes_.find(event.generation);
    if (process == processes_.end() || !end_run(process->second, event.request)) return;
    process->second.last_end = now;
    happened_.answered = event.request;
    models_[process->second.model].is_tripped = false;
}
void Ledger::on(const core::RunFailed& event, Instant now) {
    const auto process = processes_.find(event.generation);
    if (process == processes_.end() || !end_run(process->second, event.request)) return;
    process->second.last_end = now;
    happened_.failed = event.error;
    happened_.failed_request = event.request;
    happened_.device_lost = memory_.is_lost(process->second.device);
    Request& request = requests_.at(event.request);
    if (event.error.code != Errc::context_lost) models_[request.model].is_tripped = false;
    if (event.error.code == Errc::transient) ++request.transient_count;
    if (event.error.code == Errc::context_lost) {
        process->second.is_poisoned = true;
        ++request.lost_count;
    }
}
void Ledger::on(const core::RunRecalled& event, Instant now) {
    const auto process = processes_.find(event.generation);
    if (process == processes_.end() || !event.recalled) return;
    const auto run = process->second.runs.find(event.request);
    if (run == process->second.runs.end() || run->second.begun) return;
    process->second.runs.erase(run);
    process->second.last_end = now;
    note_rest(process->second);
}
void Ledger::on(const core::ChannelLost& event, Instant) {
    if (Process* process = find_process(event.generation)) process->is_deaf = true;
    const auto process = processes_.find(event.generation);
    if (process == processes_.end()) return;
    happened_.ended_models.insert(process->second.model);
    happened_.failed = event.error;
}
void Ledger::on(const core::LaunchFailed& event, Instant now) {
    happened_.failed = event.error;
    end_process(event.generation, now);
}
void Ledger::on(const core::WorkerExited& event, Instant now) {
    end_process(event.generation, now);
}

void Ledger::end_process(Generation generation, Instant now) {
    standbys_.erase(generation);
    const auto process = processes_.find(generation);
    if (process == processes_.end()) return;
    happened_.device_lost = memory_.is_lost(process->second.device);
    lose_runs(process->second);
    if (!process->second.is_counted) models_[process->second.model].ends.push_back(now);
    memory_.on_exit(generation);
    processes_.erase(process);
}

// False: it was not there.
bool Ledger::end_run(Process& process, RequestId request) {
    const auto run = process.runs.find(request);
    if (run == process.runs.end()) return false;
    if (run->second.begun) {
        process.is_untried = process.may_be_untried = false;
        ++process.run_count;
    }
    process.runs.erase(run);
    note_rest(process);
    return true;
}

void Ledger::lose_runs(Process& process) {
    happened_.ended_models.insert(process.model);
    for (const auto& [request, run] : process.runs) {
        run.begun ? void(++requests_.at(request).lost_count)
                  : void(happened_.unbegun.insert(request));
    }
    process.runs.clear();
}

// --- devices

void Ledger::on(const core::DeviceFound& event, Instant) { memory_.on(event); }
void Ledger::on(const core::DeviceSampled& event, Instant now) {
    note_growth(event);
    memory_.on(event, now);
}
void Ledger::on(const core::DeviceSilent& event, Instant now) { memory_.on(event, now); }
void Ledger::on(const core::NeedRecalled& event, Instant) { memory_.on(event, spec(event.model)); }

void Ledger::on(const core::DeviceLost& event, Instant) {
    memory_.on(event);
    happened_.device_lost = true;
    for (const auto& [generation, process] : processes_) {
        if (process.device == event.device) happened_.ended_models.insert(process.model);
    }
}
void Ledger::on(const core::SampleDevice& command, Instant now) { memory_.on(command, now); }

// --- time and the end

void Ledger::on(const core::TimePassed&, Instant now) {
    happened_.is_time = true;
    check_limits(now - std::exchange(late_, {}));
    for (auto& [generation, process] : processes_) {
        if (!is_set_aside(process, now)) continue;
        happened_.ended_models.insert(process.model);
        if (!std::exchange(process.is_counted, true)) models_[process.model].ends.push_back(now);
    }
}
void Ledger::on(const core::LoopDelayed& event, Instant) {
    late_ += event.by;
    for (auto& [generation, process] : processes_) {
        process.last_end += event.by;
        for (auto& [request, run] : process.runs) run.progress += event.by;
    }
}
void Ledger::on(const core::ShutdownAsked& event, Instant now) {
    if (shutting_down_) return;
    shutting_down_ = true;
    grace_ = event.grace;
    shutdown_began_ = now;
}
void Ledger::on(const core::ShutdownForced&, Instant now) {
    shutting_down_ = true;
    grace_ = Duration{0};
    shutdown_began_ = now;
}

void Ledger::encode(core::StateEncoder& encoder) const {
    memory_.encode(encoder);
    for (const auto& [id, request] : requests_) {
        encoder.request(id);
        encoder.number((request.is_answered ? 1u : 0u) | (request.is_gone ? 2u : 0u) |
                       std::min(request.begun_count, 3u) << 2 |
                       std::min(request.lost_count, 3u) << 4 |
                       std::min(request.transient_count, 3u) << 6);
    }
    for (const auto& [id, model] : models_) {
        encoder.number((model.is_paused ? 1u : 0u) | (model.is_removed ? 2u : 0u) |
                       (model.is_tripped ? 4u : 0u) | (model.is_rest_over ? 8u : 0u) |
                       (model.has_overrun ? 16u : 0u));
    }
    encoder.number(processes_.size());
    for (const auto& [generation, process] : processes_) {
        encoder.generation(generation);
        encoder.number((process.said_hello ? 1u : 0u) | (process.is_loaded ? 2u : 0u) |
                       (process.has_failed ? 4u : 0u) | (process.is_deaf ? 8u : 0u) |
                       (process.is_poisoned ? 16u : 0u) | (process.had_limit ? 32u : 0u) |
                       (process.stop_sent ? 64u : 0u) | (process.term_sent ? 128u : 0u) |
                       (process.kill_sent ? 256u : 0u) | (process.is_untried ? 512u : 0u) |
                       (process.may_be_untried ? 1024u : 0u) | (process.was_evicted ? 2048u : 0u) |
                       (process.is_draining ? 4096u : 0u) | (process.can_offload ? 8192u : 0u) |
                       (process.is_recycled ? 1u << 16 : 0u) |
                       static_cast<unsigned>(process.weights) << 14);
        const std::uint64_t runs_max = spec(process.model).recycle_after;
        encoder.number(std::min(process.run_count, runs_max));
        if (process.level) encoder.number(process.level->count());
        for (const auto& [request, run] : process.runs) {
            encoder.request(request);
            encoder.number(run.begun ? 1 : 0);
        }
    }
    encoder.number(standbys_.size());
    for (const auto& [generation, process] : standbys_) {
        encoder.generation(generation);
        encoder.number((process.said_hello ? 1u : 0u) | (process.has_failed ? 2u : 0u) |
                       (process.is_deaf ? 4u : 0u) | (process.stop_sent ? 8u : 0u) |
                       (process.term_sent ? 16u : 0u) | (process.kill_sent ? 32u : 0u));
    }
}

}  // namespace windlass::world
