// Processes that are replaced before they do harm.
#include "world/ledger.h"

namespace windlass::world {

bool Ledger::is_spent(const Process& process) const {
    const std::uint32_t runs_max = spec(process.model).recycle_after;
    return runs_max > 0 && process.run_count >= runs_max;
}

bool Ledger::has_runs_left(const Process& process) const {
    const std::uint32_t runs_max = spec(process.model).recycle_after;
    return runs_max == 0 || process.run_count + process.runs.size() < runs_max;
}

bool Ledger::has_grown(const Process& process) const {
    const auto& growth_max = spec(process.model).max_growth;
    return growth_max && process.growth > *growth_max;
}

// It has run, and holds no run now.
void Ledger::note_rest(Process& process) {
    if (!spec(process.model).max_growth) {
        process.rested_after.reset();
        process.level.reset();
    } else if (process.runs.empty() && process.run_count > 0) {
        process.rested_after = memory_.last_question(process.device);
    }
}

// What it has at rest, by an answer that was asked for at rest.
void Ledger::note_growth(const core::DeviceSampled& event) {
    const bool is_late = event.sequence != memory_.last_question(event.device);
    if (is_late || !event.own_known || !memory_.is_asked(event.device)) return;
    for (auto& [generation, process] : processes_) {
        if (process.device != event.device || process.weights != Weights::there) continue;
        if (!process.runs.empty() || !process.rested_after) continue;
        if (*process.rested_after >= event.sequence) continue;
        core::Bytes bytes;
        for (const core::OwnMemory& own : event.own) {
            if (own.generation == generation) bytes = own.bytes;
        }
        if (!process.level) process.level = bytes;
        process.growth = bytes > *process.level ? bytes - *process.level : core::Bytes{};
    }
}

void Ledger::on_recycled(const core::Report& command) {
    const auto process = processes_.find(command.generation);
    if (process == processes_.end()) return fail("a process was recycled that is gone");
    const bool has_cause = command.bytes ? has_grown(process->second) : is_spent(process->second);
    if (!has_cause) fail("a process was recycled that may make more runs, and has not grown");
    if (command.bytes && command.bytes != process->second.growth) {
        fail("a process was recycled by a wrong growth");
    }
    if (command.runs != process->second.run_count) fail("a process was recycled by a wrong count");
    process->second.is_recycled = true;
}

// One that has loaded and may make no more runs does not stay.
void Ledger::check_recycling(Instant now) {
    for (const auto& [generation, process] : processes_) {
        const bool is_leaving = process.stop_sent || process.term_sent || process.kill_sent ||
                                process.had_limit || process.is_deaf || process.is_poisoned ||
                                is_set_aside(process, now);
        const bool is_told = process.is_recycled || process.is_draining;
        if (!is_leaving && !is_told && is_spent(process)) {
            fail("a process that has made all its runs was left");
        }
        const bool is_at_rest = process.runs.empty() && process.weights == Weights::there;
        if (!is_leaving && !is_told && is_at_rest && has_grown(process)) {
            fail("a process that has grown was left");
        }
        if (!is_leaving && is_told && process.runs.empty()) {
            fail("a process that was recycled was left without a run");
        }
    }
}

}  // namespace windlass::world
