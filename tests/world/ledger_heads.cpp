// What the oracle writes down of jobs that the engine is told of by their heads: it holds them from
// then on, or has them fetched.
#include <algorithm>
#include <vector>

#include "world/ledger.h"

namespace windlass::world {

void Ledger::on(const core::JobsReady& event, Instant now) {
    if (event.head && !is_closing(event.model))
        facts_.jobs.told.push_back({event.model, *event.head, now});
}

void Ledger::open_head(ModelId model, const core::JobHead& head, Instant since) {
    const bool is_first = std::ranges::none_of(facts_.jobs.open, [&](const auto& entry) {
        return entry.second.model == model && entry.second.attempt == 0;
    });
    if (is_first) facts_.jobs.turns[model] = since;
    const Instant deadline = head.deadline ? since + *head.deadline : Instant::max();
    facts_.jobs.open[head.request] = {
        .model = model, .head = head, .arrived = since, .deadline = deadline};
    facts_.requests[head.request] = {.kind = RequestKind::job,
                                     .model = model,
                                     .deadline = Instant::max(),
                                     .wait_deadline = Instant::max()};
    facts_.unanswered.insert(head.request);
    ++facts_.models[model].touch_count;
}

// In place of the same job, if that was fetched meanwhile.
void Ledger::open_told(const ToldJob& told) {
    const RequestId other = facts_.jobs.find(told.head.job);
    const Job* const known = facts_.jobs.find(other);
    if (known != nullptr && known->attempt > 0) return;  // that one is the job
    if (known != nullptr) let_go(other);
    open_head(told.model, told.head, told.at);
}

void Ledger::note_held(const core::Engine& engine) {
    std::erase_if(facts_.jobs.told, [&](const ToldJob& told) {
        const bool is_held = engine.wait_reason(told.head.request).has_value();
        if (is_held) open_told(told);
        return is_held || !facts_.jobs.fetched.contains(told.model);
    });
}

}  // namespace windlass::world
