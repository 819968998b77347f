// What follows from the facts of processes, models and requests.
#include "world/facts.h"

#include <algorithm>

namespace windlass::world {

const Model& Facts::model(ModelId id) const {
    static const Model kNothingNoted;
    const auto found = models.find(id);
    return found == models.end() ? kNothingNoted : found->second;
}

Process* Facts::find_process(Generation generation) {
    for (auto* kind : {&processes, &standbys}) {
        const auto found = kind->find(generation);
        if (found != kind->end()) return &found->second;
    }
    return nullptr;
}

const Process* Facts::find_process(Generation generation) const {
    for (const auto* kind : {&processes, &standbys}) {
        const auto found = kind->find(generation);
        if (found != kind->end()) return &found->second;
    }
    return nullptr;
}

const Run* Facts::find_run(RequestId request) const {
    for (const auto& [generation, process] : processes) {
        const auto run = process.runs.find(request);
        if (run != process.runs.end()) return &run->second;
    }
    return nullptr;
}

std::size_t Facts::waiting_count(ModelId model) const {
    return static_cast<std::size_t>(std::ranges::count_if(unanswered, [&](RequestId id) {
        const Request& request = requests.at(id);
        return request.model == model && request.kind == RequestKind::call &&
               find_run(id) == nullptr;
    }));
}

bool Facts::is_loading(const Process& process, Instant now) const {
    const bool takes_memory = !process.is_loaded || process.weights == Weights::returning;
    return takes_memory && !is_set_aside(process, now);
}

// It claims all there is: for a load or a first run whose need nobody knows, from when its place is
// kept.
bool Facts::is_alone(const Process& process, Instant now) const {
    const bool is_used = !process.runs.empty() || keeps_places(process);
    return process.is_untried && (is_loading(process, now) || is_used) &&
           !is_set_aside(process, now);
}

// Between its opening and the end of the cool-down, unless an administrator wants it loaded.
bool Facts::must_rest(ModelId id, Instant now) const {
    const Model& model = models.at(id);
    const bool is_wanted = std::ranges::any_of(unanswered, [&](RequestId asked) {
        const Request& request = requests.at(asked);
        return request.model == id &&
               (request.kind == RequestKind::load || request.kind == RequestKind::restart);
    });
    if (is_wanted) return false;
    return model.is_tripped && !model.is_rest_over && now < model.rest_end;
}

bool Facts::has_broken_limit(const Process& process, Instant now) const {
    const core::ModelSpec& model = spec(process.model);
    std::size_t begun = 0;
    Instant oldest_sent = Instant::max();
    for (const auto& [request, run] : process.runs) {
        const Duration run_limit =
            run.job ? run.job->run_timeout.value_or(model.job_run_timeout) : model.run_timeout;
        const Duration stall_limit =
            run.job ? run.job->stall_timeout.value_or(model.stall_timeout) : model.stall_timeout;
        if (run.begun && run.started + run_limit <= now) return true;
        if (run.begun && run.progress + stall_limit <= now) return true;
        if (run.begun) ++begun;
        if (!run.begun) oldest_sent = std::min(oldest_sent, run.progress);
    }
    return oldest_sent != Instant::max() && begun < process.concurrency &&
           std::max(oldest_sent, process.last_end) + model.stall_timeout <= now;
}

bool Facts::may_be_ended(const Process& process, Instant now) const {
    const core::ReplicaLimits& limits = process.limits;
    const bool start_is_over =
        !process.said_hello && process.launched + limits.start_timeout <= now;
    const bool load_is_over =
        process.said_hello && !process.is_loaded && process.load_sent + limits.load_timeout <= now;
    const bool stop_is_over = process.stop_sent && *process.stop_sent + limits.stop_grace <= now;
    const bool is_device_lost = process.device && memory.is_lost(process.device);
    const bool end_is_near = shutting_down && shutdown_began + grace * 4 / 5 <= now;
    // A job does not listen that was asked to end.
    const bool is_ignored = std::ranges::any_of(process.runs, [&](const auto& entry) {
        const Job* job = jobs.find(entry.first);
        const bool is_asked = job != nullptr && job->is_asked() && entry.second.begun;
        return is_asked && job->stopped + limits.cancel_grace <= now;
    });
    return is_ignored || start_is_over || load_is_over || stop_is_over ||
           is_move_over(process, now) || is_device_lost || end_is_near || process.had_limit ||
           process.is_deaf || process.has_failed || process.is_poisoned || process.is_condemned;
}

bool Facts::is_spent(const Process& process) const {
    const std::uint32_t runs_max = spec(process.model).recycle_after;
    return runs_max > 0 && process.run_count >= runs_max;
}

bool Facts::has_runs_left(const Process& process) const {
    const std::uint32_t runs_max = spec(process.model).recycle_after;
    return runs_max == 0 || process.run_count + process.runs.size() < runs_max;
}

bool Facts::has_grown(const Process& process) const {
    const auto& growth_max = spec(process.model).max_growth;
    return growth_max && process.growth > *growth_max;
}

bool is_set_aside(const Process& process, Instant now) {
    return process.kill_sent && *process.kill_sent + process.limits.reap_timeout <= now;
}

bool is_move_over(const Process& process, Instant now) {
    const core::ReplicaLimits& limits = process.limits;
    return (process.weights == Weights::leaving &&
            process.move_sent + limits.offload_timeout <= now) ||
           (process.weights == Weights::returning &&
            process.move_sent + limits.restore_timeout <= now);
}

bool must_go(const Process& process) {
    return process.stop_sent || process.term_sent || process.kill_sent;
}

// Who goes keeps none.
bool keeps_places(const Process& process) {
    return !process.claims.empty() && !is_leaving(process);
}

bool is_leaving(const Process& process) {
    return process.was_evicted || process.is_draining || process.had_limit || process.is_deaf ||
           process.is_poisoned || process.has_failed || must_go(process);
}

}  // namespace windlass::world
