// Processes that were started ahead of their load: how many there may be, and who takes one.
#include <algorithm>
#include <utility>

#include "world/ledger.h"

namespace windlass::world {

void Ledger::on_standby(const core::Launch& command, Instant now) {
    const auto count = std::ranges::count_if(facts_.standbys, [&](const auto& entry) {
        return entry.second.model == command.model && !is_set_aside(entry.second, now);
    });
    const core::ModelSpec& model = facts_.spec(command.model);
    if (count >= static_cast<std::ptrdiff_t>(model.standby))
        fail(Invariant::wishes_are_obeyed, "too many processes stand by");
    if (facts_.shutting_down)
        fail(Invariant::wishes_are_obeyed, "a process stands by during shutdown");
    if (facts_.models[command.model].is_removed)
        fail(Invariant::wishes_are_obeyed, "a process stands by for a model that was removed");
    facts_.standbys[command.generation] = {.model = command.model,
                                           .device = {},
                                           .limits = model.limits,
                                           .concurrency = model.concurrency,
                                           .launched = now};
}

void Ledger::on(const core::Assign& command, Instant now) {
    const auto found = facts_.standbys.find(command.generation);
    if (found == facts_.standbys.end())
        return fail(Invariant::orders_make_sense, "a load took a process that does not stand by");
    const Process before = found->second;
    facts_.standbys.erase(found);
    if (before.is_retired)
        fail(Invariant::wishes_are_obeyed, "a load took a process that was to be replaced");
    if (before.has_failed || before.is_deaf || before.stop_sent || before.term_sent ||
        before.kill_sent) {
        fail(Invariant::orders_make_sense, "a load took a process that must go");
    }
    const core::Launch placed{command.model, command.generation, command.device};
    check_placed(placed, now);
    Process process = new_process(placed, now);
    process.said_hello = before.said_hello;
    process.can_offload = before.can_offload;
    process.is_condemned = before.is_condemned;
    process.launched = before.launched;
    process.concurrency = before.concurrency;
    facts_.processes[command.generation] = process;
}

}  // namespace windlass::world
