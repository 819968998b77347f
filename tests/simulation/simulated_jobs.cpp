// The part of a simulated world that has jobs: who submits and cancels them, and how their store
// is.
#include <fmt/core.h>

#include <algorithm>

#include "recording/words.h"
#include "simulation/simulation.h"

namespace windlass::simulation {

using namespace std::chrono_literals;

namespace {

// It can run somewhere, whatever else is there, so that each of its jobs can end.
core::ModelSpec fitting(core::ModelSpec spec) {
    const core::Bytes most{std::uint64_t{4} << 30};
    if (spec.need.kind == core::NeedKind::bytes) spec.need.bytes = std::min(spec.need.bytes, most);
    spec.is_pinned = false;
    return spec;
}

}  // namespace

std::vector<core::ModelSpec> Simulation::with_jobs(std::vector<core::ModelSpec> specs) {
    if (!has_jobs_) return specs;
    for (core::ModelSpec& spec : specs) {
        spec.job_run_timeout = job_random_.between(300ms, 2s);
        spec.job_failures_max = static_cast<std::uint32_t>(1 + job_random_.below(3));
        spec.job_crashes_max = static_cast<std::uint32_t>(1 + job_random_.below(3));
        spec.job_backoff = job_random_.between(20ms, 500ms);
        spec.job_backoff_max = 4 * spec.job_backoff;
        if (!spec.devices.is_cpu) spec.devices = {};
    }
    return specs;
}

// Jobs outlive a configuration that keeps them from running, until it is mended.
void Simulation::make_all_fit() {
    if (!has_jobs_) return;
    for (auto& [at, event] : planned_) {
        auto* change = std::get_if<core::ModelConfigured>(&event);
        if (change != nullptr) change->spec = fitting(change->spec);
    }
    const std::vector<core::ModelSpec> specs = specs_;
    for (const core::ModelSpec& spec : specs) {
        const core::ModelSpec mended = fitting(spec);
        if (mended != spec) deliver(core::ModelConfigured{mended, mended.need != spec.need});
    }
}

void Simulation::open_jobs() {
    deliver(jobs_.open());
    for (const core::Event& event : jobs_.tell_all()) deliver(event);
}

void Simulation::reopen_jobs() {
    if (!has_jobs_) return;
    if (!jobs_.live().empty()) coverage_.count("jobs after a crash");
    jobs_.crash(now_);
    open_jobs();
}

void Simulation::hear_store() {
    if (!has_jobs_) return;
    const auto new_request = [this] { return RequestId{++last_request_}; };
    for (const core::Event& event : jobs_.take_due(now_, new_request)) deliver(event);
    if (const auto& broken = jobs_.broken()) fail(*broken);
}

// The daemon takes the engine at its word: such a job is handed to the store as one that is
// claimed.
bool Simulation::will_claim(const core::Event& event) {
    const auto* ready = std::get_if<core::JobsReady>(&event);
    if (ready == nullptr || !ready->head || ready->head->failures + ready->head->crashes > 0)
        return false;
    const bool is_known = engine_.find_job(ready->head->job).has_value();  // from the store
    if (is_known || !engine_.would_claim(ready->model)) return false;
    coverage_.count("job claimed as it is told");
    return true;
}

void Simulation::check_claimed(const core::JobsReady& ready, const core::Commands& commands) {
    const bool is_claimed = std::ranges::any_of(commands, [&ready](const core::Command& command) {
        const auto* claim = std::get_if<core::ClaimJob>(&command);
        return claim != nullptr && claim->job == ready.head->job;
    });
    if (!is_claimed) fail("a job was not claimed, though it was said that it would be");
}

void Simulation::send_job() {
    const std::vector<core::JobId> live = jobs_.live();
    if (!live.empty() && job_random_.chance(300)) {
        const core::JobId job = live[job_random_.below(live.size())];
        jobs_.cancel(job);
        return deliver(core::JobCancelAsked{job});
    }
    if (live.size() > 15) return;  // else no model ever idles
    for (std::uint64_t count = 1 + job_random_.below(4); count > 0; --count) {
        FakeJobs::Ask ask{.model = core::ModelId{1 + job_random_.below(specs_.size())},
                          .rank = job_random_.below(50)};
        if (job_random_.chance(200)) ask.run_timeout = job_random_.between(50ms, 2s);
        if (job_random_.chance(200)) ask.stall_timeout = job_random_.between(50ms, 1s);
        if (job_random_.chance(400)) ask.deadline = job_random_.between(10ms, 5s);
        jobs_.submit(ask, now_);
        coverage_.count("job submitted");
    }
}

// It needs a moment; where it is slow, longer than a place is kept for it.
void Simulation::order(const core::Command& command) {
    const bool is_fetch = std::holds_alternative<core::FetchHead>(command);
    const bool is_claim = std::holds_alternative<core::ClaimJob>(command);
    const auto* ending = std::get_if<core::SettleJob>(&command);
    if (ending != nullptr) count_end(*ending);
    if (!is_fetch && !is_claim && ending == nullptr &&
        !std::holds_alternative<core::StopJob>(command))
        return;
    const bool is_slow = hooks_.strikes(Fault::store_slow);
    const base::Duration latency =
        is_slow ? job_random_.between(1s, 15s) : job_random_.between(0ms, 10ms);
    const bool is_refused = (is_fetch || is_claim) && hooks_.strikes(Fault::store_refuses);
    jobs_.order(command, now_ + latency, is_refused);
}

void Simulation::count_end(const core::SettleJob& ending) {
    const auto reason = ending.end == core::JobEnd::dead ? recording::word_of(ending.reason)
                                                         : recording::word_of(ending.charge);
    coverage_.count(fmt::format("job {} {}", recording::word_of(ending.end), reason));
}

// One after the other, each after a load; and the store may still pause.
base::Duration Simulation::job_bound() const {
    if (!has_jobs_) return {};
    base::Duration each = 2s;
    for (const core::ModelSpec& spec : specs_) {
        const core::ReplicaLimits& limits = spec.limits;
        each = std::max(each, limits.start_timeout + limits.load_timeout + limits.offload_timeout +
                                  limits.restore_timeout + limits.stop_grace + limits.term_grace +
                                  spec.run_timeout + spec.max_wait + spec.job_backoff_max +
                                  spec.breaker.cooldown);
    }
    return 61s + each * static_cast<int>(jobs_.live().size() + 1);
}

}  // namespace windlass::simulation
