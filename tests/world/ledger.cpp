// What the oracle writes down: events as facts.
#include "world/ledger.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace windlass::world {

using base::Errc;

void Ledger::observe(const core::Event& event, Instant now) {
    facts_.happened = {};
    facts_.memory.begin_event();
    facts_.jobs.begin_event();
    if (std::exchange(facts_.heard, now) != now) facts_.answered_now.clear();
    std::visit([&](const auto& e) { on(e, now); }, event);
}

void Ledger::observe(const core::Commands& commands, Instant now) {
    for (const core::Command& command : commands) {
        std::visit([&](const auto& c) { on(c, now); }, command);
    }
    check_charges();
    look(Moment::decided, nullptr, now);
    if (!facts_.happened.is_time) return;
    facts_.memory.on_time(now);
    end_trouble(now);
    for (auto& [generation, process] : facts_.processes) {
        if (is_set_aside(process, now)) lose_runs(process);  // killed: what it held cannot run on
    }
}

void Ledger::check_rest(const core::Engine& engine, Instant now) {
    note_owed(engine, now);
    check_leases(engine, now);
    ask_why(engine);
    look(Moment::settled, &engine, now);
    note_forecasts(engine, now);
    facts_.memory.settle(engine);
}

// One of those who wait asks why, now and then.
void Ledger::ask_why(const core::Engine& engine) {
    constexpr std::uint64_t kEvery = 8;
    const std::uint64_t number = ++facts_.look_count;
    if (number % kEvery != 0 || facts_.unanswered.empty()) return;
    const std::size_t index = number / kEvery % facts_.unanswered.size();
    const RequestId id = *facts_.unanswered.nth(index);
    facts_.explained = engine.explain(id);
    if (!facts_.explained)
        fail(Invariant::explanations_are_true, "a request that waits is not explained");
}

// Of each kind the one that is due first is kept until then.
void Ledger::note_forecasts(const core::Engine& engine, Instant now) {
    auto& forecasts = facts_.forecasts;
    for (auto entry = forecasts.begin(); entry != forecasts.end();) {
        const bool is_open = facts_.judge(entry->second, engine, now) == Verdict::open;
        entry = is_open ? std::next(entry) : forecasts.erase(entry);
    }
    const std::optional<core::Explanation> told = std::exchange(facts_.explained, std::nullopt);
    if (!told || !told->next) return;
    const auto known = forecasts.find(told->next->step);
    if (known != forecasts.end() && known->second.change.at <= told->next->at) return;
    forecasts[told->next->step] = facts_.forecast_of(*told, *told->next);
}

// Who could make room for whom, and since when.
void Ledger::note_owed(const core::Engine& engine, Instant now) {
    for (auto& [id, model] : facts_.models) {
        if (model.awaits_memory_since == Instant{}) continue;
        for (const core::DeviceId device : facts_.memory.device_ids()) {
            if (!facts_.is_owed_room(engine, id, device, now)) {
                model.owed_since.erase(device);
            } else if (!model.owed_since.contains(device)) {
                model.owed_since[device] = now;
            }
        }
    }
}

void Ledger::check_quiet() { look(Moment::over, nullptr, facts_.heard); }

void Ledger::look(Moment moment, const core::Engine* engine, Instant now) {
    if (const auto& broken = facts_.memory.broken()) fail(broken->invariant, broken->sentence);
    look_at_promises(moment, {facts_, engine, now, broken_});
}

std::optional<std::string> Ledger::violation() const {
    if (!broken_) return std::nullopt;
    return broken_->sentence;
}

void Ledger::fail(Invariant invariant, const std::string& sentence) {
    if (!broken_) broken_ = Breach{invariant, sentence};
}

Request& Ledger::note_request(RequestId id, Request request) {
    facts_.unanswered.insert(id);
    if (request.model) ++facts_.models[request.model].touch_count;
    return facts_.requests[id] = std::move(request);
}

// --- clients

void Ledger::on(const core::CallArrived& event, Instant now) {
    note_request(event.request, {.model = event.model,
                                 .priority = event.priority,
                                 .deadline = now + event.timeout,
                                 .wait_deadline = now + std::min(event.wait, event.timeout),
                                 .is_idempotent = facts_.spec(event.model).idempotent});
}
void Ledger::on(const core::LoadAsked& event, Instant now) {
    note_request(event.request, {.kind = RequestKind::load,
                                 .model = event.model,
                                 .deadline = now + event.timeout,
                                 .wait_deadline = now + event.timeout});
    facts_.models[event.model].is_rest_over = true;
}
void Ledger::on(const core::RestartAsked& event, Instant now) {
    on(core::LoadAsked{event.request, event.model, event.timeout}, now);
    Request& request = facts_.requests.at(event.request);
    request.kind = RequestKind::restart;
    retire(event.model);
    for (const auto& [generation, process] : facts_.processes) {
        if (process.model == event.model) request.before.insert(generation);
    }
    for (const auto& [generation, process] : facts_.standbys) {
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
    for (auto& [generation, process] : facts_.processes) {
        if (process.model == event.model && event.is_forced) process.is_condemned = true;
    }
    note_request(event.request, {.kind = RequestKind::unload,
                                 .model = event.model,
                                 .deadline = now + event.timeout,
                                 .wait_deadline = now + event.timeout});
}
// Another process is to take the place of each that there is.
void Ledger::retire(ModelId id) {
    for (auto* processes : {&facts_.processes, &facts_.standbys}) {
        for (auto& [generation, process] : *processes) {
            process.is_retired = process.is_retired || process.model == id;
        }
    }
}
void Ledger::on(const core::ClientGone& event, Instant) {
    Request& request = facts_.requests.at(event.request);
    request.is_gone = true;
    if (request.model) ++facts_.models[request.model].touch_count;
    const auto lease = facts_.leases.find(event.request);
    if (lease != facts_.leases.end()) lease->second.is_unwanted = true;
}

void Ledger::on(const core::PauseAsked& event, Instant) {
    Model& model = facts_.models[event.model];
    ++model.touch_count;
    if (!facts_.shutting_down && !model.is_removed) model.is_paused = true;
}
void Ledger::on(const core::ResumeAsked& event, Instant) {
    Model& model = facts_.models[event.model];
    ++model.touch_count;
    model.is_paused = false;
}

void Ledger::on(const core::KillAsked& event, Instant) {
    if (Process* process = facts_.find_process(event.generation)) process->is_condemned = true;
}

void Ledger::on(const core::ModelConfigured& event, Instant) {
    if (facts_.shutting_down) return;
    Facts::Specs specs = *facts_.specs;
    const auto known = std::ranges::find(specs, event.spec.name, &core::ModelSpec::name);
    const ModelId id{static_cast<std::uint64_t>(known - specs.begin()) + 1};
    const bool is_new = known == specs.end();
    is_new ? specs.push_back(event.spec) : void(*known = event.spec);
    facts_.specs = std::make_shared<const Facts::Specs>(std::move(specs));
    if (is_new) return;
    for (auto& [generation, process] : facts_.processes) {
        if (process.model == id) note_rest(process);
    }
    Model& model = facts_.models[id];
    model.is_changed = true;
    ++model.touch_count;
    const bool is_fresh = std::exchange(model.is_removed, false) || event.needs_new_process;
    if (is_fresh || event.spec.breaker.deaths == 0) model.is_tripped = false;
    if (is_fresh) retire(id);
}
void Ledger::on(const core::ModelRemoved& event, Instant) {
    Model& model = facts_.models[event.model];
    if (model.is_removed) return;
    close_heads(event.model);
    model = {.is_removed = true, .touch_count = model.touch_count + 1, .cost = model.cost};
}

// --- workers

void Ledger::on(const core::WorkerHello& event, Instant) {
    Process* process = facts_.find_process(event.generation);
    if (process == nullptr) return;
    process->said_hello = true;
    process->can_offload = event.can_offload;
}
void Ledger::on(const core::WorkerLoaded& event, Instant now) {
    const auto process = facts_.processes.find(event.generation);
    if (process == facts_.processes.end()) return;
    process->second.is_loaded = true;
    process->second.last_end = process->second.ready_since = now;
    Cost& cost = facts_.models[process->second.model].cost;
    const core::ReplicaLimits& limits = facts_.spec(process->second.model).limits;
    cost.load_least = std::min(now - process->second.load_sent, limits.load_timeout);
    cost.load_most =
        std::min(now - process->second.placed, limits.start_timeout + limits.load_timeout);
    facts_.memory.on_loaded(event.generation);
}
void Ledger::on(const core::LoadFailed& event, Instant) {
    note_failed_load(event.generation);
    if (Process* process = facts_.find_process(event.generation)) process->has_failed = true;
    const auto process = facts_.processes.find(event.generation);
    if (process == facts_.processes.end()) return;
    facts_.happened.ended_models.insert(process->second.model);
    facts_.happened.failed = event.error;
}
void Ledger::on(const core::RunStarted& event, Instant now) {
    const auto process = facts_.processes.find(event.generation);
    if (process == facts_.processes.end()) return;
    const auto run = process->second.runs.find(event.request);
    if (run == process->second.runs.end() || run->second.begun) return;
    run->second.begun = true;
    run->second.started = run->second.progress = now;
    if (Job* job = facts_.jobs.find(event.request)) job->has_begun = true;
    ++facts_.requests.at(event.request).begun_count;
}
void Ledger::on(const core::RunProgressed& event, Instant now) {
    const auto process = facts_.processes.find(event.generation);
    if (process == facts_.processes.end()) return;
    const auto run = process->second.runs.find(event.request);
    if (run != process->second.runs.end() && run->second.begun) run->second.progress = now;
}
void Ledger::on(const core::RunAnswered& event, Instant now) {
    const auto process = facts_.processes.find(event.generation);
    if (process == facts_.processes.end() || !end_run(process->second, event.request)) return;
    process->second.last_end = now;
    end_job_run(event.request, {});
    facts_.happened.answered = event.request;
    facts_.models[process->second.model].is_tripped = false;
}
void Ledger::on(const core::RunFailed& event, Instant now) {
    const auto process = facts_.processes.find(event.generation);
    if (process == facts_.processes.end() || !end_run(process->second, event.request)) return;
    process->second.last_end = now;
    end_job_run(event.request, event.error);
    facts_.happened.failed = event.error;
    facts_.happened.failed_request = event.request;
    facts_.happened.device_lost = facts_.memory.is_lost(process->second.device);
    Request& request = facts_.requests.at(event.request);
    if (event.error.code != Errc::context_lost) facts_.models[request.model].is_tripped = false;
    if (event.error.code == Errc::transient) {
        ++request.transient_count;
        ++facts_.models[request.model].touch_count;  // it waits for its model again
    }
    if (event.error.code == Errc::context_lost) {
        process->second.is_poisoned = true;
        ++request.lost_count;
    }
}
void Ledger::on(const core::RunRecalled& event, Instant now) {
    const auto process = facts_.processes.find(event.generation);
    if (process == facts_.processes.end() || !event.recalled) return;
    const auto run = process->second.runs.find(event.request);
    if (run == process->second.runs.end() || run->second.begun) return;
    process->second.runs.erase(run);
    process->second.last_end = now;
    end_job_run(event.request, {});
    note_rest(process->second);
}
void Ledger::on(const core::ChannelLost& event, Instant) {
    note_failed_load(event.generation);
    if (Process* process = facts_.find_process(event.generation)) process->is_deaf = true;
    const auto process = facts_.processes.find(event.generation);
    if (process == facts_.processes.end()) return;
    facts_.happened.ended_models.insert(process->second.model);
    facts_.happened.failed = event.error;
}
void Ledger::on(const core::LaunchFailed& event, Instant now) {
    facts_.happened.failed = event.error;
    end_process(event.generation, now);
}
void Ledger::on(const core::WorkerExited& event, Instant now) {
    end_process(event.generation, now);
}

void Ledger::end_process(Generation generation, Instant now) {
    facts_.standbys.erase(generation);
    note_failed_load(generation);
    const auto process = facts_.processes.find(generation);
    if (process == facts_.processes.end()) return;
    facts_.happened.device_lost = facts_.memory.is_lost(process->second.device);
    lose_runs(process->second);
    if (!process->second.is_counted) facts_.models[process->second.model].ends.push_back(now);
    facts_.memory.on_exit(generation);
    facts_.processes.erase(process);
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
    facts_.happened.ended_models.insert(process.model);
    for (const auto& [request, run] : process.runs) {
        if (Job* job = facts_.jobs.find(request)) job->is_lost = !facts_.shutting_down;
        if (run.begun) {
            ++facts_.requests.at(request).lost_count;
        } else {
            facts_.happened.unbegun.insert(request);
        }
    }
    process.runs.clear();
}

// --- devices

void Ledger::on(const core::DeviceFound& event, Instant) { facts_.memory.on(event); }
void Ledger::on(const core::DeviceSampled& event, Instant now) {
    note_growth(event);
    facts_.memory.on(event, now);
}
void Ledger::on(const core::DeviceSilent& event, Instant now) { facts_.memory.on(event, now); }
void Ledger::on(const core::NeedRecalled& event, Instant) {
    facts_.memory.on(event, facts_.spec(event.model));
}

void Ledger::on(const core::DeviceLost& event, Instant) {
    facts_.memory.on(event);
    facts_.happened.device_lost = true;
    for (const auto& [generation, process] : facts_.processes) {
        if (process.device == event.device) facts_.happened.ended_models.insert(process.model);
    }
}
void Ledger::on(const core::SampleDevice& command, Instant now) { facts_.memory.on(command, now); }

// --- time and the end

void Ledger::on(const core::TimePassed&, Instant now) {
    facts_.happened.is_time = true;
    pass_job_time(now);
    note_late_loads(now);
    look(Moment::due, nullptr, now - std::exchange(facts_.late, {}));
    for (auto& [id, model] : facts_.models) model.is_changed = false;
    for (auto& [generation, process] : facts_.processes) {
        if (!is_set_aside(process, now)) continue;
        facts_.happened.ended_models.insert(process.model);
        if (!std::exchange(process.is_counted, true))
            facts_.models[process.model].ends.push_back(now);
    }
}
// What was heard in the late turn itself needs no excuse.
void Ledger::on(const core::LoopDelayed& event, Instant now) {
    facts_.late += event.by;
    for (auto& [generation, process] : facts_.processes) {
        process.last_end = std::min(process.last_end + event.by, now);
        for (auto& [request, run] : process.runs)
            run.progress = std::min(run.progress + event.by, now);
    }
}
void Ledger::on(const core::ShutdownAsked& event, Instant now) {
    if (facts_.shutting_down) return;
    close_heads({});
    facts_.shutting_down = true;
    facts_.grace = event.grace;
    facts_.shutdown_began = now;
}
void Ledger::on(const core::ShutdownForced&, Instant now) {
    close_heads({});
    facts_.shutting_down = true;
    facts_.grace = Duration{0};
    facts_.shutdown_began = now;
}

// Without what loads took and who is owed room since when: fairness in time is looked at in long
// lives, and would tell states of small worlds apart that are alike in all else.
void Ledger::encode(core::StateEncoder& encoder) const {
    facts_.memory.encode(encoder);
    encode_leases(encoder);
    encode_jobs(encoder);
    for (const auto& [id, request] : facts_.requests) {
        // An attempt that is over leaves nothing behind.
        if (request.kind == RequestKind::job && request.is_answered) continue;
        encoder.request(id);
        encoder.number((request.is_answered ? 1u : 0u) | (request.is_gone ? 2u : 0u) |
                       std::min(request.begun_count, 3u) << 2 |
                       std::min(request.lost_count, 3u) << 4 |
                       std::min(request.transient_count, 3u) << 6);
    }
    for (const auto& [id, model] : facts_.models) {
        encoder.number((model.is_paused ? 1u : 0u) | (model.is_removed ? 2u : 0u) |
                       (model.is_tripped ? 4u : 0u) | (model.is_rest_over ? 8u : 0u) |
                       (model.has_overrun ? 16u : 0u));
    }
    encoder.number(facts_.processes.size());
    for (const auto& [generation, process] : facts_.processes) {
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
        const std::uint64_t runs_max = facts_.spec(process.model).recycle_after;
        encoder.number(std::min(process.run_count, runs_max));
        if (process.level) encoder.number(process.level->count());
        for (const auto& [request, run] : process.runs) {
            encoder.request(request);
            encoder.number(run.begun ? 1 : 0);
        }
    }
    encoder.number(facts_.standbys.size());
    for (const auto& [generation, process] : facts_.standbys) {
        encoder.generation(generation);
        encoder.number((process.said_hello ? 1u : 0u) | (process.has_failed ? 2u : 0u) |
                       (process.is_deaf ? 4u : 0u) | (process.stop_sent ? 8u : 0u) |
                       (process.term_sent ? 16u : 0u) | (process.kill_sent ? 32u : 0u));
    }
}

}  // namespace windlass::world
