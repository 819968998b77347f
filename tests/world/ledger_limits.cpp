// No command without a deadline: what was not answered within its limit is followed by the next
// step, in the turn in which the limit is reached.
#include <fmt/core.h>
#include <algorithm>

#include "world/ledger.h"

namespace windlass::world {

bool Ledger::has_broken_limit(const Process& process, Instant now) const {
    const core::ModelSpec& model = spec(process.model);
    std::size_t begun = 0;
    Instant oldest_sent = Instant::max();
    for (const auto& [request, run] : process.runs) {
        if (run.begun && run.started + model.run_timeout <= now) return true;
        if (run.begun && run.progress + model.stall_timeout <= now) return true;
        if (run.begun) ++begun;
        if (!run.begun) oldest_sent = std::min(oldest_sent, run.sent);
    }
    return oldest_sent != Instant::max() && begun < process.concurrency &&
           std::max(oldest_sent, process.last_end) + model.stall_timeout <= now;
}

bool Ledger::is_set_aside(const Process& process, Instant now) const {
    return process.kill_sent && *process.kill_sent + process.limits.reap_timeout <= now;
}

// Before time is delivered: whatever was due earlier ought to have been done by now.
void Ledger::check_limits(Instant now) {
    for (const auto* processes : {&processes_, &standbys_}) {
        for (const auto& [generation, process] : *processes) check_limits(process, now);
    }
    for (auto& [id, model] : models_) model.is_changed = false;
}

void Ledger::check_limits(const Process& process, Instant now) {
    const core::ReplicaLimits& limits = process.limits;
    const auto is_over = [now](const std::optional<Instant>& sent, Duration limit) {
        return sent && *sent + limit < now;
    };
    if (process.kill_sent) {
        if (is_over(process.kill_sent, limits.reap_timeout) && !process.is_aside)
            fail("a process outlived SIGKILL, and nobody gave it up");
        return;
    }
    if (process.term_sent) {
        if (is_over(process.term_sent, limits.term_grace))
            fail("a process outlived SIGTERM, and nobody killed it");
        return;
    }
    if (process.stop_sent) {
        if (is_over(process.stop_sent, limits.stop_grace))
            fail("a process was told to stop and did not, and nobody ended it");
        return;
    }
    if (process.had_limit) return;
    if (!process.said_hello && is_over(process.launched, limits.start_timeout))
        fail("a process did not come up within its limit, and nobody ended it");
    const bool is_ordered = process.said_hello && process.load_sent > Instant{};
    if (is_ordered && !process.is_loaded && is_over(process.load_sent, limits.load_timeout))
        fail("a model did not load within its limit, and nobody ended its process");
    const Instant before = now - Duration{1};
    if (is_move_over(process, before))
        fail("weights did not move within their limit, and nobody ended their process");
    if (!models_[process.model].is_changed && has_broken_limit(process, before))
        fail("a run broke a limit of its model, and nobody ended it");
}

}  // namespace windlass::world
