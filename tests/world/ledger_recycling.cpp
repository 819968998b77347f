// Processes that are replaced before they do harm.
#include "world/ledger.h"

namespace windlass::world {

// It has run, and holds no run now.
void Ledger::note_rest(Process& process) {
    if (!facts_.spec(process.model).max_growth) {
        process.rested_after.reset();
        process.level.reset();
    } else if (process.runs.empty() && process.claims.empty() && process.run_count > 0) {
        process.rested_after = facts_.memory.last_question(process.device);
    }
}

// What it has at rest, by an answer that was asked for at rest.
void Ledger::note_growth(const core::DeviceSampled& event) {
    const bool is_late = event.sequence != facts_.memory.last_question(event.device);
    if (is_late || !event.own_known || !facts_.memory.is_asked(event.device)) return;
    for (auto& [generation, process] : facts_.processes) {
        if (process.device != event.device || process.weights != Weights::there) continue;
        const bool is_at_rest = process.runs.empty() && process.claims.empty();
        if (!is_at_rest || !process.rested_after) continue;
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
    const auto process = facts_.processes.find(command.generation);
    if (process == facts_.processes.end())
        return fail(Invariant::orders_make_sense, "a process was recycled that is gone");
    const bool has_cause =
        command.bytes ? facts_.has_grown(process->second) : facts_.is_spent(process->second);
    if (!has_cause) {
        fail(Invariant::wishes_are_obeyed,
             "a process was recycled that may make more runs, and has not grown");
    }
    if (command.bytes && command.bytes != process->second.growth) {
        fail(Invariant::wishes_are_obeyed, "a process was recycled by a wrong growth");
    }
    if (command.runs != process->second.run_count)
        fail(Invariant::wishes_are_obeyed, "a process was recycled by a wrong count");
    process->second.is_recycled = true;
}

}  // namespace windlass::world
