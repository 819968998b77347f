// What a request waits for: whether a reason that people are told is true.
#include <algorithm>

#include "world/facts.h"

namespace windlass::world {

using core::WaitReason;

bool Facts::waits_for_run(Generation generation, const Process& waiting, Instant now) const {
    const bool is_used = !waiting.runs.empty() || keeps_places(waiting);
    if (!waiting.may_be_untried || !waiting.is_loaded || is_used) return false;
    if (memory.is_unsure(waiting.device, now)) return true;
    return std::ranges::any_of(processes, [&](const auto& entry) {
        const auto& [other, process] = entry;
        // What gives memory back disturbs nobody, but whoever takes all waits for it.
        const bool is_leaving = process.weights == Weights::leaving && !is_set_aside(process, now);
        return process.device == waiting.device && other != generation &&
               (is_alone(process, now) || is_loading(process, now) || is_leaving);
    });
}

bool Facts::waits_for_return(ModelId id, Instant now) const {
    return std::ranges::any_of(processes, [&](const auto& entry) {
        const bool is_away = entry.second.model == id && entry.second.weights == Weights::away;
        return is_away && (memory.is_short_of(entry.first, now) || is_behind(id, now));
    });
}

// No ready copy stands idle. (Places beside a run prove nothing: its copy may be draining, and one
// that drains without a run goes at once.)
bool Facts::has_idle(ModelId id, Instant now) const {
    return std::ranges::any_of(processes, [&](const auto& entry) {
        const auto& [generation, p] = entry;
        const bool must_leave = must_go(p) || p.had_limit;
        const bool is_ready = p.is_loaded && p.weights == Weights::there && !p.is_deaf &&
                              !p.is_poisoned && !must_leave;
        return p.model == id && is_ready && p.runs.empty() && p.claims.empty() &&
               !waits_for_run(generation, p, now);
    });
}

// Of several things that are due at once, the limit of who waits may be the last.
bool Facts::wants_memory(ModelId id, Instant now) const {
    const auto waits = [&](RequestId asked) {
        const Request& request = requests.at(asked);
        return request.model == id && request.kind != RequestKind::unload &&
               request.kind != RequestKind::offload && find_run(asked) == nullptr;
    };
    const bool was_wanted = heard == now && std::ranges::any_of(answered_now, waits);
    const bool is_wanted = was_wanted || std::ranges::any_of(unanswered, waits);
    const bool is_served = std::ranges::any_of(processes, [&](const auto& entry) {
        const Process& process = entry.second;
        return process.model == id && !is_leaving(process) && process.weights != Weights::away;
    });
    return is_wanted && !is_served;
}

std::set<core::DeviceId> Facts::reserved(Instant now) const {
    std::set<core::DeviceId> devices;
    for (const auto& [generation, process] : processes) {
        const auto waits = [&](RequestId asked) {
            const Request& request = requests.at(asked);
            return request.model == process.model &&
                   (request.kind == RequestKind::call || request.kind == RequestKind::job);
        };
        if (!waits_for_run(generation, process, now)) continue;
        if (std::ranges::any_of(unanswered, waits)) devices.insert(process.device);
    }
    return devices;
}

// No device has room for it; or it ran out of memory where there was some, and others leave.
bool Facts::is_short(ModelId id, Instant now) const {
    const bool is_away = std::ranges::any_of(processes, [&](const auto& entry) {
        return entry.second.model == id && entry.second.weights == Weights::away &&
               memory.is_short_of(entry.first, now);
    });
    if (is_away || memory.is_short(spec(id), reserved(now), now)) return true;
    const auto model = models.find(id);
    if (model == models.end() || !model->second.has_overrun) return false;
    if (spec(id).need.kind != core::NeedKind::unknown) return false;
    return memory.has_departed() ||
           std::ranges::any_of(processes, [](const auto& e) { return is_leaving(e.second); });
}

bool Facts::is_behind(ModelId id, Instant now) const {
    for (std::uint64_t number = 1; number <= specs->size(); ++number) {
        const ModelId other{number};
        if (other != id && wants_memory(other, now) && is_short(other, now)) return true;
    }
    return false;
}

bool Facts::is_enough_leaving(core::DeviceId device, Instant now) const {
    std::set<Generation> leaving;
    for (const auto& [generation, process] : processes) {
        if (process.was_evicted || process.is_draining || process.had_limit || process.is_deaf ||
            process.is_poisoned || must_go(process) || process.weights == Weights::leaving ||
            memory.has_left(generation))
            leaving.insert(generation);
    }
    for (std::uint64_t number = 1; number <= specs->size(); ++number) {
        const ModelId id{number};
        if (!wants_memory(id, now) || !(is_short(id, now) || is_behind(id, now))) continue;
        std::set<Generation> gone = leaving;  // what it kept itself is part of what it needs
        Generation returning;
        for (const auto& [generation, process] : processes) {
            if (process.model != id || process.weights != Weights::away) continue;
            gone.insert(generation);
            if (process.device == device) returning = generation;
        }
        if (memory.would_fit(spec(id), device, gone, returning)) return true;
    }
    return false;
}

// A claim of it is under way; or the store is slow with another, or was in trouble a moment ago.
bool Facts::is_store_behind(RequestId id, Instant now) const {
    constexpr Duration kTroubleMax = std::chrono::seconds{61};
    if (jobs.trouble > Instant{} && jobs.trouble + kTroubleMax >= now) return true;
    return std::ranges::any_of(jobs.open, [&](const auto& entry) {
        const Job& job = entry.second;
        const bool is_asked = job.attempt > 0 && !job.is_granted;
        return is_asked && (entry.first == id || job.claimed + kClaimPatience <= now);
    });
}

// Those on standby, too.
std::size_t Facts::count_set_aside(ModelId id, Instant now) const {
    std::size_t count = 0;
    for (const auto* kind : {&processes, &standbys}) {
        count += static_cast<std::size_t>(std::ranges::count_if(*kind, [&](const auto& entry) {
            return entry.second.model == id && is_set_aside(entry.second, now);
        }));
    }
    return count;
}

bool Facts::is_true(WaitReason reason, RequestId id, Instant now) const {
    const Request& request = requests.at(id);
    const Run* run = find_run(id);
    const auto any = [&](auto is_so) {
        return std::ranges::any_of(processes, [&](const auto& entry) {
            return entry.second.model == request.model && is_so(entry.second);
        });
    };
    const auto must_leave = [](const Process& p) { return must_go(p) || p.had_limit; };
    // While a breaker probes there is one place for all copies, and a copy that leaves may still
    // hold it.
    const bool is_probing = model(request.model).is_tripped;
    const auto has_runs = [](const Process& p) { return !p.runs.empty() || !p.claims.empty(); };
    const bool has_living = any([](const Process& process) { return !process.kill_sent; });
    const bool has_waiting_run = std::ranges::any_of(processes, [&](const auto& entry) {
        return entry.second.model == request.model && waits_for_run(entry.first, entry.second, now);
    });
    const auto is = [](Weights weights) {
        return [weights](const Process& process) { return process.weights == weights; };
    };
    const bool is_parked = waits_for_return(request.model, now);
    switch (reason) {
        case WaitReason::starting: return any([](const Process& p) { return !p.said_hello; });
        case WaitReason::loading:
            return any([](const Process& p) { return p.said_hello && !p.is_loaded; });
        case WaitReason::restoring: return any(is(Weights::returning));
        case WaitReason::offloading: return any(is(Weights::leaving));
        case WaitReason::busy:
            return run != nullptr || !has_idle(request.model, now) || (is_probing && any(has_runs));
        case WaitReason::draining: return any(has_runs);
        case WaitReason::stopping: return any(must_leave);
        case WaitReason::backoff: return !has_living;  // or all were set aside
        case WaitReason::retrying: return request.transient_count > 0;
        case WaitReason::paused: return run == nullptr && model(request.model).is_paused;
        case WaitReason::memory:
            return has_waiting_run || is_parked ||
                   (!has_living && (is_short(request.model, now) || is_behind(request.model, now)));
        case WaitReason::device:
            if ((is_parked || !has_living) && !memory.has_answering(spec(request.model)))
                return true;
            return has_waiting_run &&
                   any([&](const Process& p) { return memory.is_mute(p.device); });
        case WaitReason::unkillable: return count_set_aside(request.model, now) >= 3;
        case WaitReason::store: return is_store_behind(id, now);
    }
    return false;
}

}  // namespace windlass::world
