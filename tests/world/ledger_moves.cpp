// Weights that leave their device and come back: what is told of them, and what may be ordered.
#include <algorithm>

#include "world/ledger.h"

namespace windlass::world {

using base::Errc;

// Its answer to that order is awaited; of one that must go it comes too late.
bool Ledger::is_moving(Generation generation, Weights weights) const {
    const auto process = processes_.find(generation);
    if (process == processes_.end() || process->second.weights != weights) return false;
    return !process->second.stop_sent && !process->second.term_sent && !process->second.kill_sent;
}
void Ledger::on(const core::WorkerOffloaded& event, Instant) {
    if (!is_moving(event.generation, Weights::leaving)) return;
    const auto process = processes_.find(event.generation);
    process->second.weights = Weights::away;
    memory_.on_away(event.generation);
}
void Ledger::on(const core::OffloadFailed& event, Instant now) {
    if (!is_moving(event.generation, Weights::leaving)) return;
    const auto process = processes_.find(event.generation);
    process->second.weights = Weights::there;
    process->second.was_evicted = false;
    process->second.last_end = now;
    note_rest(process->second);
    happened_.failed = event.error;
    memory_.on_came_back(event.generation);
}
void Ledger::on(const core::WorkerRestored& event, Instant now) {
    if (!is_moving(event.generation, Weights::returning)) return;
    const auto process = processes_.find(event.generation);
    process->second.weights = Weights::there;
    process->second.last_end = now;
    note_rest(process->second);
    memory_.on_came_back(event.generation);
}
void Ledger::on(const core::RestoreFailed& event, Instant) {
    if (!is_moving(event.generation, Weights::returning)) return;
    const auto process = processes_.find(event.generation);
    process->second.weights = Weights::away;
    memory_.on_away(event.generation);
    // Its device is asked before the next try, or before anybody else's.
    const bool is_misjudged = event.error.code == Errc::out_of_memory;
    if (is_misjudged) memory_.on_load_retried(event.generation);
    happened_.restore_failed = event.generation;
}

// No run overlaps an offload or a restore.
void Ledger::on(const core::Offload& command, Instant now) {
    const auto found = processes_.find(command.generation);
    if (found == processes_.end()) return fail("offload for a process that is gone");
    Process& process = found->second;
    if (!process.is_loaded || !process.can_offload || process.weights != Weights::there) {
        fail("a model was offloaded that cannot be, or is not there");
    }
    if (!process.runs.empty()) fail("an offload overlaps a lease");
    if (process.stop_sent || process.term_sent || process.kill_sent || process.is_deaf) {
        fail("a worker was told to offload that must go");
    }
    if (memory_.is_cpu(process.device)) fail("an offload on the CPU");
    process.weights = Weights::leaving;
    process.move_sent = now;
    memory_.on_offload(command.generation, now);
    if (const auto& broken = memory_.violation()) fail(*broken);
}

void Ledger::on(const core::Restore& command, Instant now) {
    const auto found = processes_.find(command.generation);
    if (found == processes_.end()) return fail("restore for a process that is gone");
    Process& process = found->second;
    if (process.weights != Weights::away) fail("a model was restored that is not away");
    if (process.stop_sent || process.term_sent || process.kill_sent || process.is_deaf) {
        fail("a worker was told to restore that must go");
    }
    if (shutting_down_) fail("a model was restored during shutdown");
    process.weights = Weights::returning;
    process.was_evicted = false;
    process.move_sent = now;
    memory_.on_restore(command.generation, now);
    if (const auto& broken = memory_.violation()) fail(*broken);
}

bool Ledger::is_move_over(const Process& process, Instant now) {
    const core::ReplicaLimits& limits = process.limits;
    return (process.weights == Weights::leaving &&
            process.move_sent + limits.offload_timeout <= now) ||
           (process.weights == Weights::returning &&
            process.move_sent + limits.restore_timeout <= now);
}

// Weights that are away wait for their own device, or for those who wait for longer.
bool Ledger::waits_for_return(ModelId id, Instant now) const {
    return std::ranges::any_of(processes_, [&](const auto& entry) {
        const bool is_away = entry.second.model == id && entry.second.weights == Weights::away;
        return is_away && (memory_.is_short_of(entry.first, now) || is_behind(id, now));
    });
}

}  // namespace windlass::world
