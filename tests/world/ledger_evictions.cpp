// Who had to make room, and for whom.
#include <algorithm>

#include "world/ledger.h"

namespace windlass::world {
namespace {

bool is_leaving(const Process& process) {
    return process.was_evicted || process.is_draining || process.had_limit || process.is_deaf ||
           process.is_poisoned || process.has_failed || process.stop_sent || process.term_sent ||
           process.kill_sent;
}

}  // namespace

// Somebody waits for it to be loaded, and no process of it will serve him. Of several things that
// are due at once, his own limit may be the last.
bool Ledger::wants_memory(ModelId id, Instant now) const {
    const auto waits = [&](RequestId asked) {
        const Request& request = requests_.at(asked);
        return request.model == id && request.kind != RequestKind::unload &&
               request.kind != RequestKind::offload && find_run(asked) == nullptr;
    };
    const bool was_wanted = heard_ == now && std::ranges::any_of(answered_now_, waits);
    const bool is_wanted = was_wanted || std::ranges::any_of(unanswered_, waits);
    const bool is_served = std::ranges::any_of(processes_, [&](const auto& entry) {
        const Process& process = entry.second;
        return process.model == id && !is_leaving(process) && process.weights != Weights::away;
    });
    return is_wanted && !is_served;
}

// No device has room for it; or it ran out of memory where there was some, and others leave.
bool Ledger::is_short(ModelId id, Instant now) const {
    const bool is_away = std::ranges::any_of(processes_, [&](const auto& entry) {
        return entry.second.model == id && entry.second.weights == Weights::away &&
               memory_.is_short_of(entry.first, now);
    });
    if (is_away || memory_.is_short(spec(id), now)) return true;
    const auto model = models_.find(id);
    if (model == models_.end() || !model->second.has_overrun) return false;
    if (spec(id).need.kind != core::NeedKind::unknown) return false;
    return memory_.has_departed() ||
           std::ranges::any_of(processes_, [](const auto& e) { return is_leaving(e.second); });
}

// Others that wait for memory may have begun to do so earlier, and have what is free kept for them.
bool Ledger::is_behind(ModelId id, Instant now) const {
    for (std::uint64_t number = 1; number <= specs_.size(); ++number) {
        const ModelId other{number};
        if (other != id && wants_memory(other, now) && is_short(other, now)) return true;
    }
    return false;
}

void Ledger::on_evicted(Generation generation) {
    const auto found = processes_.find(generation);
    if (found == processes_.end()) return fail("a process that is gone had to make room");
    Process& process = found->second;
    const bool has_made_room = process.was_evicted && process.weights != Weights::away;
    if (!process.is_loaded || has_made_room || process.stop_sent)
        fail("a process had to make room that loads, or leaves already");
    if (spec(process.model).is_pinned) fail("a pinned model had to make room");
    process.was_evicted = true;
    evicted_on_.insert(process.device);
}

// Nobody makes room unless that, with all that leaves already, is enough for one who waits.
void Ledger::check_evictions(Instant now) {
    for (const core::DeviceId device : evicted_on_) {
        std::set<Generation> leaving;
        for (const auto& [generation, process] : processes_) {
            if (process.was_evicted || process.is_draining || process.had_limit ||
                process.is_deaf || process.is_poisoned || process.stop_sent || process.term_sent ||
                process.kill_sent || process.weights == Weights::leaving ||
                memory_.has_left(generation))
                leaving.insert(generation);
        }
        bool is_enough = false;
        for (std::uint64_t number = 1; number <= specs_.size(); ++number) {
            const ModelId id{number};
            const bool waits = wants_memory(id, now) && (is_short(id, now) || is_behind(id, now));
            std::set<Generation> gone = leaving;  // what it kept itself is part of what it needs
            Generation returning;
            for (const auto& [generation, process] : processes_) {
                if (process.model != id || process.weights != Weights::away) continue;
                gone.insert(generation);
                if (process.device == device) returning = generation;
            }
            is_enough =
                is_enough || (waits && memory_.would_fit(spec(id), device, gone, returning));
        }
        if (!is_enough) fail("models made room that is too small for any that waits");
    }
    evicted_on_.clear();
}

}  // namespace windlass::world
