// Weights that leave their device and come back: what is told of them, and what may be ordered.
#include <algorithm>

#include "world/ledger.h"

namespace windlass::world {

using base::Errc;

// Its answer to that order is awaited; of one that must go it comes too late.
bool Ledger::is_moving(Generation generation, Weights weights) const {
    const auto process = facts_.processes.find(generation);
    if (process == facts_.processes.end() || process->second.weights != weights) return false;
    return !must_go(process->second);
}
void Ledger::on(const core::WorkerOffloaded& event, Instant) {
    if (!is_moving(event.generation, Weights::leaving)) return;
    const auto process = facts_.processes.find(event.generation);
    process->second.weights = Weights::away;
    facts_.memory.on_away(event.generation);
}
void Ledger::on(const core::OffloadFailed& event, Instant now) {
    if (!is_moving(event.generation, Weights::leaving)) return;
    const auto process = facts_.processes.find(event.generation);
    process->second.weights = Weights::there;
    process->second.was_evicted = false;
    process->second.last_end = now;
    note_rest(process->second);
    facts_.happened.failed = event.error;
    facts_.memory.on_came_back(event.generation);
}
void Ledger::on(const core::WorkerRestored& event, Instant now) {
    if (!is_moving(event.generation, Weights::returning)) return;
    const auto process = facts_.processes.find(event.generation);
    process->second.weights = Weights::there;
    process->second.last_end = process->second.ready_since = now;
    const ModelId model = process->second.model;
    facts_.models[model].cost.restore =
        std::min(now - process->second.move_sent, facts_.spec(model).limits.restore_timeout);
    note_rest(process->second);
    facts_.memory.on_came_back(event.generation);
}
void Ledger::on(const core::RestoreFailed& event, Instant) {
    if (!is_moving(event.generation, Weights::returning)) return;
    const auto process = facts_.processes.find(event.generation);
    process->second.weights = Weights::away;
    facts_.memory.on_away(event.generation);
    // Its device is asked before the next try, or before anybody else's.
    const bool is_misjudged = event.error.code == Errc::out_of_memory;
    if (is_misjudged) facts_.memory.on_load_retried(event.generation);
    facts_.happened.restore_failed = event.generation;
}

void Ledger::on(const core::Offload& command, Instant now) {
    const auto found = facts_.processes.find(command.generation);
    if (found == facts_.processes.end())
        return fail(Invariant::orders_make_sense, "offload for a process that is gone");
    Process& process = found->second;
    if (!process.is_loaded || !process.can_offload || process.weights != Weights::there) {
        fail(Invariant::orders_make_sense, "a model was offloaded that cannot be, or is not there");
    }
    if (must_go(process) || process.is_deaf) {
        fail(Invariant::orders_make_sense, "a worker was told to offload that must go");
    }
    if (facts_.memory.is_cpu(process.device))
        fail(Invariant::orders_make_sense, "an offload on the CPU");
    process.weights = Weights::leaving;
    process.move_sent = now;
    process.moved_a_run = !process.runs.empty();
    facts_.memory.on_offload(command.generation, now);
}

void Ledger::on(const core::Restore& command, Instant now) {
    const auto found = facts_.processes.find(command.generation);
    if (found == facts_.processes.end())
        return fail(Invariant::orders_make_sense, "restore for a process that is gone");
    Process& process = found->second;
    if (process.weights != Weights::away)
        fail(Invariant::orders_make_sense, "a model was restored that is not away");
    if (must_go(process) || process.is_deaf) {
        fail(Invariant::orders_make_sense, "a worker was told to restore that must go");
    }
    if (facts_.shutting_down)
        fail(Invariant::wishes_are_obeyed, "a model was restored during shutdown");
    process.weights = Weights::returning;
    process.was_evicted = false;
    process.move_sent = now;
    process.moved_a_run = !process.runs.empty();
    facts_.memory.on_restore(command.generation, now);
}

}  // namespace windlass::world
