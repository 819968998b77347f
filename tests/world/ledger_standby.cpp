// Processes that were started ahead of their load: how many there may be, and who takes one.
#include <algorithm>
#include <utility>

#include "world/ledger.h"

namespace windlass::world {

Process* Ledger::find_process(Generation generation) {
    for (auto* processes : {&processes_, &standbys_}) {
        const auto found = processes->find(generation);
        if (found != processes->end()) return &found->second;
    }
    return nullptr;
}

void Ledger::on_standby(const core::Launch& command, Instant now) {
    const auto count = std::ranges::count_if(standbys_, [&](const auto& entry) {
        return entry.second.model == command.model && !is_set_aside(entry.second, now);
    });
    const core::ModelSpec& model = spec(command.model);
    if (count >= static_cast<std::ptrdiff_t>(model.standby)) fail("too many processes stand by");
    if (shutting_down_) fail("a process stands by during shutdown");
    if (models_[command.model].is_removed) fail("a process stands by for a model that was removed");
    standbys_[command.generation] = {.model = command.model,
                                     .device = {},
                                     .limits = model.limits,
                                     .concurrency = model.concurrency,
                                     .launched = now};
}

void Ledger::on(const core::Assign& command, Instant now) {
    const auto found = standbys_.find(command.generation);
    if (found == standbys_.end()) return fail("a load took a process that does not stand by");
    const Process before = found->second;
    standbys_.erase(found);
    if (before.is_retired) fail("a load took a process that was to be replaced");
    if (before.has_failed || before.is_deaf || before.stop_sent || before.term_sent ||
        before.kill_sent) {
        fail("a load took a process that must go");
    }
    const core::Launch placed{command.model, command.generation, command.device};
    check_placed(placed, now);
    Process process = new_process(placed, now);
    process.said_hello = before.said_hello;
    process.can_offload = before.can_offload;
    process.is_condemned = before.is_condemned;
    process.launched = before.launched;
    process.concurrency = before.concurrency;
    processes_[command.generation] = process;
}

}  // namespace windlass::world
