// What the oracle writes down of commands. What a command would break at once it says here; what
// is promised besides is looked at in invariants.cpp.
#include <fmt/core.h>

#include <algorithm>

#include "world/ledger.h"

namespace windlass::world {

namespace {
constexpr std::size_t kPrefetchMax = 15;
}  // namespace

// What begins now on this device takes what nobody else may be taking. `is_known`: its need.
void Ledger::check_alone(core::DeviceId device, Generation generation, bool is_known, Instant now) {
    if (facts_.memory.admits_unknown() || !facts_.memory.is_known(device, now, true)) return;
    for (const auto& [other, process] : facts_.processes) {
        if (process.device != device || other == generation) continue;
        if (facts_.is_alone(process, now))
            fail(Invariant::claims_fit, "something began beside one that claims all there is");
        if (!is_known && facts_.is_loading(process, now))
            fail(Invariant::claims_fit, "an unknown need began beside a load");
    }
}

void Ledger::on(const core::Launch& command, Instant now) {
    if (facts_.find_process(command.generation) != nullptr)
        fail(Invariant::orders_make_sense, "a generation was used twice");
    if (!command.device) return on_standby(command, now);
    check_placed(command, now);
    facts_.processes[command.generation] = new_process(command, now);
}

Process Ledger::new_process(const core::Launch& command, Instant now) const {
    const core::ModelSpec& model = facts_.spec(command.model);
    const bool has_need = facts_.memory.is_need_known(model, command.device);
    return {.model = command.model,
            .device = command.device,
            .limits = model.limits,
            .concurrency = model.concurrency,
            .is_untried = !has_need && facts_.memory.is_known(command.device, now, true),
            .may_be_untried = !has_need && facts_.memory.is_known(command.device, now, false),
            .launched = now,
            .placed = now};
}

// It is to load on a device: somebody waits for it, and there is room.
void Ledger::check_placed(const core::Launch& command, Instant now) {
    std::uint32_t living_count = 0;
    for (const auto& [generation, process] : facts_.processes) {
        if (process.model == command.model && !is_set_aside(process, now)) ++living_count;
    }
    if (living_count >= facts_.spec(command.model).copies.count_max) {
        fail(Invariant::wishes_are_obeyed,
             fmt::format("one copy of model {} too many was launched", command.model.value));
    }
    const bool has_need = facts_.memory.is_need_known(facts_.spec(command.model), command.device);
    check_alone(command.device, command.generation, has_need, now);
    // After so long, what was learned of others counts no more.
    const Duration doubt =
        std::max(facts_.spec(command.model).max_wait, Duration{std::chrono::minutes{1}});
    const bool is_doubted = facts_.models[command.model].awaits_memory_since + doubt <= now;
    facts_.memory.on(command, facts_.spec(command.model), is_doubted, now);
    if (facts_.shutting_down)
        fail(Invariant::wishes_are_obeyed, "a process was launched during shutdown");
    Model& model = facts_.models[command.model];
    if (model.is_removed)
        fail(Invariant::wishes_are_obeyed, "a process was launched for a model that was removed");
    if (facts_.must_rest(command.model, now))
        fail(Invariant::wishes_are_obeyed, "a process was launched while the breaker was open");
    model.is_rest_over = true;
    const bool is_wanted = std::ranges::any_of(facts_.unanswered, [&](RequestId id) {
        const Request& request = facts_.requests.at(id);
        return request.model == command.model &&
               (request.kind == RequestKind::call || request.kind == RequestKind::job
                    ? !model.is_paused
                    : request.kind != RequestKind::unload);
    });
    if (!is_wanted && !facts_.jobs.given_up.contains(command.model))
        fail(Invariant::orders_make_sense, "a process was launched that nobody asked for");
}

void Ledger::on(const core::Load& command, Instant now) {
    const auto process = facts_.processes.find(command.generation);
    if (process == facts_.processes.end())
        return fail(Invariant::orders_make_sense, "load for a process that is gone");
    if (!process->second.said_hello) fail(Invariant::orders_make_sense, "load before hello");
    process->second.load_sent = now;
}

void Ledger::on(const core::Dispatch& command, Instant now) {
    const auto found = facts_.processes.find(command.generation);
    if (found == facts_.processes.end())
        return fail(Invariant::orders_make_sense, "a run was sent to a process that is gone");
    Process& process = found->second;
    const Request& request = facts_.requests.at(command.request);
    if (request.is_answered)
        fail(Invariant::orders_make_sense, "a run was sent for a request that has its answer");
    if (!process.is_loaded || process.is_deaf || process.is_poisoned) {
        fail(Invariant::orders_make_sense, "a run was sent to a worker that is not ready");
    }
    if (must_go(process) || process.had_limit) {
        fail(Invariant::orders_make_sense, "a run was sent to a worker that must go");
    }
    if (process.is_retired)
        fail(Invariant::wishes_are_obeyed, "a run was sent to a process that was to be replaced");
    if (facts_.models[process.model].is_paused)
        fail(Invariant::wishes_are_obeyed, "a run was sent to a paused model");
    if (facts_.models[process.model].is_tripped && !process.runs.empty())
        fail(Invariant::wishes_are_obeyed, "a probe is one run");
    check_job_sent(command, process);
    if (request.kind == RequestKind::call) check_job_turn(process.model, now);
    if (process.is_untried) {
        if (!process.runs.empty())
            fail(Invariant::claims_fit, "a run was sent before the first one was over");
        check_alone(process.device, command.generation, false, now);
    }
    if (request.begun_count > 0) {
        const bool is_excused = request.is_idempotent && request.lost_count <= 1 &&
                                request.transient_count <= 2 &&
                                request.begun_count <= request.lost_count + request.transient_count;
        if (!is_excused) {
            fail(Invariant::clients_harm_nobody,
                 "a run that had begun was run again without leave");
        }
    }
    // A job's place was taken when it was claimed, and the limit may be another now.
    if (request.kind == RequestKind::call) check_window(process);
    if (!facts_.has_runs_left(process))
        fail(Invariant::wishes_are_obeyed, "a process was sent more runs than it may make");
    Run run{.started = {}, .progress = now};
    if (const Job* job = facts_.jobs.find(command.request)) run.job = job->head;
    process.runs[command.request] = run;
}

void Ledger::check_window(const Process& process) {
    const std::size_t most =
        process.concurrency + facts_.spec(process.model).prefetch.value_or(kPrefetchMax);
    if (process.runs.size() + process.claims.size() >= most)
        fail(Invariant::wishes_are_obeyed, "more runs were sent than the window allows");
}

void Ledger::on(const core::Recall& command, Instant) {
    if (!facts_.processes.contains(command.generation))
        fail(Invariant::orders_make_sense, "recall for a process that is gone");
}

void Ledger::on(const core::Cancel& command, Instant now) {
    const Request& request = facts_.requests.at(command.request);
    const auto process = facts_.processes.find(command.generation);
    if (process == facts_.processes.end())
        return fail(Invariant::orders_make_sense, "cancel for a process that is gone");
    const Job* job = facts_.jobs.find(command.request);
    const bool is_stopped = job != nullptr && job->stop;
    if (!is_stopped && !request.is_answered && !request.is_gone && request.deadline > now &&
        !facts_.shutting_down && !facts_.has_broken_limit(process->second, now)) {
        fail(Invariant::clients_harm_nobody, "a run was cancelled that nobody wished to end");
    }
}

void Ledger::on(const core::Stop& command, Instant now) {
    Process* found = facts_.find_process(command.generation);
    if (found == nullptr)
        return fail(Invariant::orders_make_sense, "stop for a process that is gone");
    Process& process = *found;
    const bool has_begun =
        std::ranges::any_of(process.runs, [](const auto& run) { return run.second.begun; });
    process.stopped_a_run = has_begun && !process.is_poisoned;
    process.stop_sent = now;
    // It claimed all that it wanted, and it may have taken some of that: it must prove all of it.
    if (facts_.happened.restore_failed != command.generation) return;
    process.weights = Weights::returning;
    facts_.memory.on_came_back(command.generation);
}

void Ledger::on(const core::Terminate& command, Instant now) {
    Process* process = facts_.find_process(command.generation);
    if (process == nullptr)
        return fail(Invariant::orders_make_sense, "SIGTERM for a process that is gone");
    facts_.happened.signals.push_back({.generation = command.generation, .name = "SIGTERM"});
    process->term_sent = now;
}

void Ledger::on(const core::Kill& command, Instant now) {
    Process* process = facts_.find_process(command.generation);
    if (process == nullptr)
        return fail(Invariant::orders_make_sense, "SIGKILL for a process that is gone");
    const bool is_forced = process->is_condemned ||
                           (facts_.shutting_down && facts_.shutdown_began + facts_.grace <= now);
    const auto& term_sent = process->term_sent;
    const Duration grace = process->limits.term_grace;
    facts_.happened.signals.push_back(
        {.generation = command.generation,
         .name = "SIGKILL",
         .is_next_step = term_sent.has_value(),
         .is_early = !is_forced && (!term_sent || *term_sent + grace > now)});
    process->kill_sent = now;
}

// Only who has run can tell what a run takes.
void Ledger::on(const core::RememberPeak& command, Instant) {
    const auto process = facts_.processes.find(command.generation);
    if (process != facts_.processes.end() && process->second.is_untried) {
        fail(Invariant::books_are_right, "a peak was remembered before the first run was over");
    }
    facts_.memory.on(command, facts_.spec(command.model));
}

void Ledger::on(const core::ForgetPeaks& command, Instant) {
    facts_.memory.on(command, facts_.spec(command.model));
}

void Ledger::check_breaker(ModelId id, Instant now) {
    Model& model = facts_.models[id];
    const core::BreakerSettings& settings = facts_.spec(id).breaker;
    const auto count =
        std::ranges::count_if(model.ends, [&](Instant end) { return end + settings.window > now; });
    if (settings.deaths == 0)
        fail(Invariant::wishes_are_obeyed, "a breaker opened that is switched off");
    if (!model.is_tripped && count < static_cast<std::ptrdiff_t>(settings.deaths)) {
        fail(Invariant::wishes_are_obeyed, "a breaker opened after too few deaths");
    }
    model.is_tripped = true;
    model.is_rest_over = false;
    model.rest_end = now + settings.cooldown;
}

void Ledger::on(const core::Report& command, Instant now) {
    if (command.code == core::EventCode::model_breaker_opened) check_breaker(command.model, now);
    if (command.code == core::EventCode::model_draining)
        facts_.processes[command.generation].is_draining = true;
    if (command.code == core::EventCode::model_memory_awaited)
        facts_.models[command.model].awaits_memory_since = now;
    if (command.code == core::EventCode::lease_ended) on_lease_ended(command, now);
    if (command.code == core::EventCode::model_recycled) on_recycled(command);
    if (command.code == core::EventCode::model_load_failed) on_load_failed(command, now);
    if (command.code == core::EventCode::model_evicted) note_eviction(command.generation, now);
    if (command.code == core::EventCode::model_load_retried) {
        facts_.memory.on_load_retried(command.generation);
        facts_.models[command.model].has_overrun = true;
    }
    if (command.code == core::EventCode::worker_memory_returned)
        facts_.memory.on_returned(command.generation);
    const auto aside = facts_.processes.find(command.generation);
    const bool is_aside = command.code == core::EventCode::worker_unkillable;
    // What had not begun there may go to another copy at once.
    if (is_aside)
        if (Process* process = facts_.find_process(command.generation)) process->is_aside = true;
    if (is_aside && aside != facts_.processes.end() && is_set_aside(aside->second, now)) {
        lose_runs(aside->second);
        facts_.memory.on_set_aside(command.generation);
    }
    // Rightly ended; the launch itself may have to wait for memory.
    const bool is_over = command.code == core::EventCode::model_backoff_over;
    if (is_over && facts_.models.contains(command.model) && !facts_.must_rest(command.model, now)) {
        facts_.models[command.model].is_rest_over = true;
    }
    if (command.code != core::EventCode::run_limit_reached) return;
    const auto process = facts_.processes.find(command.generation);
    if (process == facts_.processes.end()) return;
    process->second.had_limit = true;
    process->second.limit_at = now;
}

void Ledger::note_eviction(Generation generation, Instant now) {
    const auto found = facts_.processes.find(generation);
    if (found == facts_.processes.end()) {
        facts_.happened.evictions.push_back({.is_gone = true});
        return;
    }
    Process& process = found->second;
    const bool has_made_room = process.was_evicted && process.weights != Weights::away;
    facts_.happened.evictions.push_back(
        {.device = process.device,
         .is_busy = !process.is_loaded || has_made_room || process.stop_sent,
         .is_pinned = facts_.spec(process.model).is_pinned,
         .is_early = !facts_.is_turn_over(process, now),
         .is_needless = !process.runs.empty() && !facts_.is_anybody_starved(process.model, now)});
    process.was_evicted = true;
}

}  // namespace windlass::world
