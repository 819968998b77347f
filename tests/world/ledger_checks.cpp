// What the oracle demands: commands against the facts. Each message is a law of the design, broken.
#include <fmt/core.h>

#include <algorithm>

#include "world/ledger.h"

namespace windlass::world {

using base::Errc;
using core::WaitReason;

namespace {
constexpr std::size_t kPrefetchMax = 15;
constexpr std::ptrdiff_t kUnkillableMax = 3;
}  // namespace

bool Ledger::is_loading(const Process& process, Instant now) const {
    const bool takes_memory = !process.is_loaded || process.weights == Weights::returning;
    return takes_memory && !is_set_aside(process, now);
}

// It claims all there is: for a load or a first run whose need nobody knows.
bool Ledger::is_alone(const Process& process, Instant now) const {
    return process.is_untried && (is_loading(process, now) || !process.runs.empty()) &&
           !is_set_aside(process, now);
}

// What begins now on this device takes what nobody else may be taking. `is_known`: its need.
void Ledger::check_alone(core::DeviceId device, Generation generation, bool is_known, Instant now) {
    if (memory_.admits_unknown() || !memory_.is_known(device, now, true)) return;
    for (const auto& [other, process] : processes_) {
        if (process.device != device || other == generation) continue;
        if (is_alone(process, now)) fail("something began beside one that claims all there is");
        if (!is_known && is_loading(process, now)) fail("an unknown need began beside a load");
    }
}

// Loaded, and something stands in the way of its first run.
bool Ledger::waits_for_run(Generation generation, const Process& waiting, Instant now) const {
    if (!waiting.may_be_untried || !waiting.is_loaded || !waiting.runs.empty()) return false;
    if (memory_.is_unsure(waiting.device, now)) return true;
    return std::ranges::any_of(processes_, [&](const auto& entry) {
        const auto& [other, process] = entry;
        // What gives memory back disturbs nobody, but whoever takes all waits for it.
        const bool is_leaving = process.weights == Weights::leaving && !is_set_aside(process, now);
        return process.device == waiting.device && other != generation &&
               (is_alone(process, now) || is_loading(process, now) || is_leaving);
    });
}

void Ledger::on(const core::Launch& command, Instant now) {
    if (find_process(command.generation) != nullptr) fail("a generation was used twice");
    if (!command.device) return on_standby(command, now);
    check_placed(command, now);
    processes_[command.generation] = new_process(command, now);
}

Process Ledger::new_process(const core::Launch& command, Instant now) const {
    const core::ModelSpec& model = spec(command.model);
    const bool has_need = memory_.is_need_known(model, command.device);
    return {.model = command.model,
            .device = command.device,
            .limits = model.limits,
            .concurrency = model.concurrency,
            .is_untried = !has_need && memory_.is_known(command.device, now, true),
            .may_be_untried = !has_need && memory_.is_known(command.device, now, false),
            .launched = now};
}

// It is to load on a device: somebody waits for it, and there is room.
void Ledger::check_placed(const core::Launch& command, Instant now) {
    std::uint32_t living_count = 0;
    for (const auto& [generation, process] : processes_) {
        if (process.model == command.model && !is_set_aside(process, now)) ++living_count;
    }
    if (living_count >= spec(command.model).copies.count_max) {
        fail(fmt::format("one copy of model {} too many was launched", command.model.value));
    }
    const bool has_need = memory_.is_need_known(spec(command.model), command.device);
    check_alone(command.device, command.generation, has_need, now);
    // After so long, what was learned of others counts no more.
    const Duration doubt =
        std::max(spec(command.model).max_wait, Duration{std::chrono::minutes{1}});
    const bool is_doubted = models_[command.model].awaits_memory_since + doubt <= now;
    memory_.on(command, spec(command.model), is_doubted, now);
    if (const auto& broken = memory_.violation()) fail(*broken);
    if (shutting_down_) fail("a process was launched during shutdown");
    Model& model = models_[command.model];
    if (model.is_removed) fail("a process was launched for a model that was removed");
    if (must_rest(command.model, now)) fail("a process was launched while the breaker was open");
    model.is_rest_over = true;
    const bool is_wanted = std::ranges::any_of(unanswered_, [&](RequestId id) {
        const Request& request = requests_.at(id);
        return request.model == command.model &&
               (request.kind == RequestKind::call ? !model.is_paused
                                                  : request.kind != RequestKind::unload);
    });
    if (!is_wanted) fail("a process was launched that nobody asked for");
}

void Ledger::on(const core::Load& command, Instant now) {
    const auto process = processes_.find(command.generation);
    if (process == processes_.end()) return fail("load for a process that is gone");
    if (!process->second.said_hello) fail("load before hello");
    process->second.load_sent = now;
}

void Ledger::on(const core::Dispatch& command, Instant now) {
    const auto found = processes_.find(command.generation);
    if (found == processes_.end()) return fail("a run was sent to a process that is gone");
    Process& process = found->second;
    const Request& request = requests_.at(command.request);
    const core::ModelSpec& model = spec(process.model);
    if (request.is_answered) fail("a run was sent for a request that has its answer");
    if (find_run(command.request) != nullptr) fail("a request was sent to two places");
    if (!process.is_loaded || process.is_deaf || process.is_poisoned) {
        fail("a run was sent to a worker that is not ready");
    }
    if (process.weights != Weights::there) fail("a run overlaps an offload or a restore");
    if (process.stop_sent || process.term_sent || process.kill_sent || process.had_limit) {
        fail("a run was sent to a worker that must go");
    }
    if (process.is_retired) fail("a run was sent to a process that was to be replaced");
    if (models_[process.model].is_paused) fail("a run was sent to a paused model");
    if (models_[process.model].is_tripped && !process.runs.empty()) fail("a probe is one run");
    if (process.is_untried) {
        if (!process.runs.empty()) fail("a run was sent before the first one was over");
        check_alone(process.device, command.generation, false, now);
    }
    if (request.begun_count > 0) {
        const bool is_excused = request.is_idempotent && request.lost_count <= 1 &&
                                request.transient_count <= 2 &&
                                request.begun_count <= request.lost_count + request.transient_count;
        if (!is_excused) fail("a run that had begun was run again without leave");
    }
    if (process.runs.size() >= process.concurrency + model.prefetch.value_or(kPrefetchMax)) {
        fail("more runs were sent than the window allows");
    }
    if (!has_runs_left(process)) fail("a process was sent more runs than it may make");
    process.runs[command.request] = {.sent = now};
}

void Ledger::on(const core::Recall& command, Instant) {
    if (!processes_.contains(command.generation)) fail("recall for a process that is gone");
}

void Ledger::on(const core::Cancel& command, Instant now) {
    const Request& request = requests_.at(command.request);
    const auto process = processes_.find(command.generation);
    if (process == processes_.end()) return fail("cancel for a process that is gone");
    if (!request.is_answered && !request.is_gone && request.deadline > now && !shutting_down_ &&
        !has_broken_limit(process->second, now)) {
        fail("a run was cancelled that nobody wished to end");
    }
}

void Ledger::on(const core::Stop& command, Instant now) {
    Process* found = find_process(command.generation);
    if (found == nullptr) return fail("stop for a process that is gone");
    Process& process = *found;
    const bool has_begun =
        std::ranges::any_of(process.runs, [](const auto& run) { return run.second.begun; });
    if (has_begun && !process.is_poisoned) fail("a worker was told to stop while a run used it");
    process.stop_sent = now;
    // It claimed all that it wanted, and it may have taken some of that: it must prove all of it.
    if (happened_.restore_failed != command.generation) return;
    process.weights = Weights::returning;
    memory_.on_came_back(command.generation);
}

void Ledger::check_death_cause(const Process& process, Instant now, const char* what) {
    const core::ReplicaLimits& limits = process.limits;
    const bool start_is_over =
        !process.said_hello && process.launched + limits.start_timeout <= now;
    const bool load_is_over =
        process.said_hello && !process.is_loaded && process.load_sent + limits.load_timeout <= now;
    const bool stop_is_over = process.stop_sent && *process.stop_sent + limits.stop_grace <= now;
    const bool is_device_lost = process.device && memory_.is_lost(process.device);
    const bool end_is_near = shutting_down_ && shutdown_began_ + grace_ * 4 / 5 <= now;
    if (is_move_over(process, now)) return;
    if (!is_device_lost && !start_is_over && !load_is_over && !stop_is_over && !end_is_near &&
        !process.had_limit && !process.is_deaf && !process.has_failed && !process.is_poisoned &&
        !process.is_condemned) {
        fail(
            fmt::format("a worker got {} without a limit of its model, a lost channel or an "
                        "administrator behind it",
                        what));
    }
}

void Ledger::on(const core::Terminate& command, Instant now) {
    Process* process = find_process(command.generation);
    if (process == nullptr) return fail("SIGTERM for a process that is gone");
    check_death_cause(*process, now, "SIGTERM");
    process->term_sent = now;
}

void Ledger::on(const core::Kill& command, Instant now) {
    Process* process = find_process(command.generation);
    if (process == nullptr) return fail("SIGKILL for a process that is gone");
    if (!process->term_sent) check_death_cause(*process, now, "SIGKILL");
    const bool is_forced =
        process->is_condemned || (shutting_down_ && shutdown_began_ + grace_ <= now);
    const auto& term_sent = process->term_sent;
    const Duration grace = process->limits.term_grace;
    if (!is_forced && (!term_sent || *term_sent + grace > now))
        fail("SIGKILL before its grace was over");
    process->kill_sent = now;
}

// Only who has run can tell what a run takes.
void Ledger::on(const core::RememberPeak& command, Instant) {
    const auto process = processes_.find(command.generation);
    if (process != processes_.end() && process->second.is_untried) {
        fail("a peak was remembered before the first run was over");
    }
    memory_.on(command, spec(command.model));
}

void Ledger::on(const core::ForgetPeaks& command, Instant) {
    memory_.on(command, spec(command.model));
}

void Ledger::on(const core::Respond& command, Instant now) {
    const auto found = requests_.find(command.request);
    if (found == requests_.end()) return fail("an answer to a request that was never made");
    Request& request = found->second;
    if (request.is_answered) return fail("a request was answered twice");
    if (command.error) {
        check_refusal(command.request, *command.error, now);
    } else if (request.kind == RequestKind::call && happened_.answered != command.request) {
        fail("a request was answered with a result that no worker gave");
    } else if (request.kind != RequestKind::call) {
        bool is_ready = false;
        bool is_alive = false;
        bool is_there = false;
        for (const auto& [generation, process] : processes_) {
            if (process.model != request.model || is_set_aside(process, now)) continue;
            is_alive = true;
            const bool is_new = !request.before.contains(generation);
            const bool has_weights = process.weights == Weights::there;
            is_ready = is_ready || (process.is_loaded && is_new && has_weights);
            is_there = is_there || process.weights != Weights::away;
        }
        const bool is_false = request.kind == RequestKind::unload    ? is_alive
                              : request.kind == RequestKind::offload ? is_there
                                                                     : !is_ready;
        if (is_false) {
            fail("an administrator was told of a state that is not");
        }
    }
    request.is_answered = true;
    unanswered_.erase(command.request);
    answered_now_.insert(command.request);
}

void Ledger::check_refusal(core::RequestId id, const core::Error& error, Instant now) {
    const Request& request = requests_.at(id);
    if (error.message.empty()) fail("an error without a message");
    const bool is_loss = error.code == Errc::worker_lost || error.code == Errc::device_lost;
    if (is_loss && happened_.unbegun.contains(id)) fail("a run was lost that had not begun");
    if (happened_.failed == error) return;  // what the worker itself said
    if (error.code == Errc::cancelled) {
        if (!request.is_gone) fail("a request was cancelled whose client is there");
    } else if (error.code == Errc::queue_full) {
        // The request itself counts as waiting by now.
        if (waiting_count(request.model) <= spec(request.model).queue_limit) {
            fail("queue_full with room in the queue");
        }
    } else if (error.memory || error.reason == "device") {
        const bool is_over = request.deadline <= now || request.wait_deadline <= now;
        if (!is_over && !memory_.is_hopeless(spec(request.model), now)) {
            fail("a request was refused for memory that it could have waited for");
        }
    } else if (error.code == Errc::unavailable) {
        const bool is_shutdown = error.reason == "shutting_down" && shutting_down_;
        const bool is_backoff = error.reason == "backoff" && error.retry_after;
        const bool is_open = error.reason == "breaker_open" && error.retry_after &&
                             models_[request.model].is_tripped;
        const auto hangs = [&](const auto& entry) {
            return entry.second.model == request.model && is_set_aside(entry.second, now);
        };
        const auto hanging =
            std::ranges::count_if(processes_, hangs) + std::ranges::count_if(standbys_, hangs);
        const bool is_hung = error.reason == "unkillable" && hanging >= kUnkillableMax;
        if (!is_shutdown && !is_backoff && !is_open && !is_hung) {
            fail("unavailable without a true reason");
        }
    } else if (error.code == Errc::not_found) {
        if (!models_[request.model].is_removed) fail("a model was called removed that is not");
    } else if (error.code == Errc::worker_lost || error.code == Errc::internal) {
        if (!happened_.ended_models.contains(request.model))
            fail("a worker was called lost that lives");
    } else if (error.code == Errc::unsupported || error.code == Errc::host_out_of_memory) {
        if (request.kind != RequestKind::offload) fail("only an offload can be refused like that");
    } else if (error.code == Errc::device_lost) {
        if (!happened_.device_lost) fail("a device was called lost that is there");
    } else if (error.code == Errc::timeout || error.code == Errc::stalled) {
        check_timeout(id, error, now);
    } else {
        fail(fmt::format("an error from nowhere: {}", to_text(error)));
    }
}

// The client's own limits, those of the load, or those of the run: one must have been reached.
void Ledger::check_timeout(core::RequestId id, const core::Error& error, Instant now) {
    const Request& request = requests_.at(id);
    if (request.deadline <= now) return;
    if (request.wait_deadline <= now && find_run(id) == nullptr) return;
    for (auto& [generation, process] : processes_) {
        if (process.model != request.model) continue;
        const core::ReplicaLimits& limits = process.limits;
        if (process.launched + limits.start_timeout <= now && !process.is_loaded) return;
        if (process.said_hello && !process.is_loaded &&
            process.load_sent + limits.load_timeout <= now) {
            return;
        }
        if (request.kind == RequestKind::offload && is_move_over(process, now)) return;
        const auto run = process.runs.find(id);
        if (run == process.runs.end()) continue;
        if (!run->second.begun && request.wait_deadline <= now) return;
        if (has_broken_limit(process, now)) {
            process.had_limit = true;
            return;
        }
    }
    fail(fmt::format("a time-out before any limit was reached: {}", to_text(error)));
}

// Between its opening and the end of the cool-down, unless an administrator wants it loaded.
bool Ledger::must_rest(ModelId id, Instant now) const {
    const Model& model = models_.at(id);
    const bool is_wanted = std::ranges::any_of(unanswered_, [&](RequestId asked) {
        const Request& request = requests_.at(asked);
        return request.model == id &&
               (request.kind == RequestKind::load || request.kind == RequestKind::restart);
    });
    if (is_wanted) return false;
    return model.is_tripped && !model.is_rest_over && now < model.rest_end;
}

void Ledger::check_breaker(ModelId id, Instant now) {
    Model& model = models_[id];
    const core::BreakerSettings& settings = spec(id).breaker;
    const auto count =
        std::ranges::count_if(model.ends, [&](Instant end) { return end + settings.window > now; });
    if (settings.deaths == 0) fail("a breaker opened that is switched off");
    if (!model.is_tripped && count < static_cast<std::ptrdiff_t>(settings.deaths)) {
        fail("a breaker opened after too few deaths");
    }
    model.is_tripped = true;
    model.is_rest_over = false;
    model.rest_end = now + settings.cooldown;
}

void Ledger::on(const core::Report& command, Instant now) {
    if (command.code == core::EventCode::model_breaker_opened) check_breaker(command.model, now);
    if (command.code == core::EventCode::model_draining)
        processes_[command.generation].is_draining = true;
    if (command.code == core::EventCode::model_memory_awaited)
        models_[command.model].awaits_memory_since = now;
    if (command.code == core::EventCode::model_recycled) on_recycled(command);
    if (command.code == core::EventCode::model_evicted) on_evicted(command.generation);
    if (command.code == core::EventCode::model_load_retried) {
        memory_.on_load_retried(command.generation);
        models_[command.model].has_overrun = true;
    }
    if (command.code == core::EventCode::worker_memory_returned)
        memory_.on_returned(command.generation);
    const auto aside = processes_.find(command.generation);
    const bool is_aside = command.code == core::EventCode::worker_unkillable;
    // What had not begun there may go to another copy at once.
    if (is_aside)
        if (Process* process = find_process(command.generation)) process->is_aside = true;
    if (is_aside && aside != processes_.end() && is_set_aside(aside->second, now)) {
        lose_runs(aside->second);
        memory_.on_set_aside(command.generation);
    }
    // Rightly ended; the launch itself may have to wait for memory.
    const bool is_over = command.code == core::EventCode::model_backoff_over;
    if (is_over && models_.contains(command.model) && !must_rest(command.model, now)) {
        models_[command.model].is_rest_over = true;
    }
    if (command.code != core::EventCode::run_limit_reached) return;
    const auto process = processes_.find(command.generation);
    if (process != processes_.end()) process->second.had_limit = true;
}

void Ledger::check_rest(const core::Engine& engine, Instant now) {
    memory_.check(engine);
    check_recycling(now);
    for (const RequestId id : unanswered_) {
        const Request& request = requests_.at(id);
        if (request.is_gone) fail("a request outlived its client");
        if (request.deadline <= now) fail("a request is past its deadline and has no answer");
        if (request.kind == RequestKind::call) check_wait(engine, id, request, now);
    }
    if (const auto& broken = memory_.violation()) fail(*broken);
}

// No ready copy stands idle. (Places beside a run prove nothing: its copy may be draining, and one
// that drains without a run goes at once.)
bool Ledger::has_idle(ModelId id, Instant now) const {
    return std::ranges::any_of(processes_, [&](const auto& entry) {
        const auto& [generation, p] = entry;
        const bool is_leaving = p.stop_sent || p.term_sent || p.kill_sent || p.had_limit;
        const bool is_ready = p.is_loaded && p.weights == Weights::there && !p.is_deaf &&
                              !p.is_poisoned && !is_leaving;
        return p.model == id && is_ready && p.runs.empty() && !waits_for_run(generation, p, now);
    });
}

// Every wait has a reason, and the reason is true.
void Ledger::check_wait(const core::Engine& engine, RequestId id, const Request& request,
                        Instant now) {
    const auto reason = engine.wait_reason(id);
    const Run* run = find_run(id);
    if (run != nullptr && run->begun) {
        if (reason) fail("a request that runs is said to wait");
        return;
    }
    if (!reason) return fail("a request waits without a reason");
    const auto any = [&](auto is_so) {
        return std::ranges::any_of(processes_, [&](const auto& entry) {
            return entry.second.model == request.model && is_so(entry.second);
        });
    };
    const auto is_leaving = [](const Process& process) {
        return process.stop_sent || process.term_sent || process.kill_sent || process.had_limit;
    };
    // While a breaker probes there is one place for all copies, and a copy that leaves may still
    // hold it.
    const bool is_probing = models_[request.model].is_tripped;
    const auto has_runs = [](const Process& p) { return !p.runs.empty(); };
    const bool has_living = any([](const Process& process) { return !process.kill_sent; });
    const bool has_waiting_run = std::ranges::any_of(processes_, [&](const auto& entry) {
        return entry.second.model == request.model && waits_for_run(entry.first, entry.second, now);
    });
    const auto is = [](Weights weights) {
        return [weights](const Process& process) { return process.weights == weights; };
    };
    const bool is_parked = waits_for_return(request.model, now);
    bool is_true = false;
    switch (*reason) {
        case WaitReason::starting:
            is_true = any([](const Process& p) { return !p.said_hello; });
            break;
        case WaitReason::loading:
            is_true = any([](const Process& p) { return p.said_hello && !p.is_loaded; });
            break;
        case WaitReason::restoring: is_true = any(is(Weights::returning)); break;
        case WaitReason::offloading: is_true = any(is(Weights::leaving)); break;
        case WaitReason::busy:
            is_true =
                run != nullptr || !has_idle(request.model, now) || (is_probing && any(has_runs));
            break;
        case WaitReason::draining:
            is_true = any([](const Process& p) { return !p.runs.empty(); });
            break;
        case WaitReason::stopping: is_true = any(is_leaving); break;
        case WaitReason::backoff: is_true = !has_living; break;  // or all were set aside
        case WaitReason::retrying: is_true = request.transient_count > 0; break;
        case WaitReason::paused:
            is_true = run == nullptr && models_[request.model].is_paused;
            break;
        case WaitReason::memory:
            is_true =
                has_waiting_run || is_parked ||
                (!has_living && (is_short(request.model, now) || is_behind(request.model, now)));
            break;
        case WaitReason::device:
            is_true = (is_parked || !has_living) && !memory_.has_answering(spec(request.model));
            is_true = is_true || (has_waiting_run &&
                                  any([&](const Process& p) { return memory_.is_mute(p.device); }));
            break;
    }
    if (!is_true) fail(fmt::format("a wait is explained as {}, which is not so", to_text(*reason)));
}

void Ledger::check_quiet() {
    if (unanswered_count() > 0) fail("a request was never answered");
    for (const auto& [generation, process] : processes_) {
        if (!process.runs.empty()) fail("a run never ended");
    }
}

}  // namespace windlass::world
