// Counts by name; moves of residency are read off the engine's reports.
#include "world/coverage.h"

#include <fmt/core.h>

#include <optional>

namespace windlass::world {

using core::EventCode;
using core::Residency;

namespace {

std::string name_of(core::ResidencyMove move) {
    return fmt::format("move {} -> {}", to_text(move.from), to_text(move.to));
}

std::optional<Residency> entered_by(EventCode code) {
    switch (code) {
        case EventCode::model_standby: return Residency::standby;
        case EventCode::model_loading: return Residency::loading;
        case EventCode::model_ready:
        case EventCode::model_restored: return Residency::ready;
        case EventCode::model_offloading: return Residency::offloading;
        case EventCode::model_offloaded: return Residency::offloaded;
        case EventCode::model_restoring: return Residency::restoring;
        case EventCode::model_draining: return Residency::draining;
        case EventCode::model_stopping: return Residency::stopping;
        case EventCode::model_standby_ended:
        case EventCode::model_backoff_over:
        case EventCode::model_unloaded: return Residency::cold;
        case EventCode::model_backoff: return Residency::backoff;
        case EventCode::worker_unkillable: return Residency::unkillable;
        case EventCode::model_standby_failed:
        case EventCode::model_offload_failed:
        case EventCode::model_restore_failed:
        case EventCode::model_load_retried:
        case EventCode::model_memory_awaited:
        case EventCode::model_evicted:
        case EventCode::model_recycled:
        case EventCode::worker_memory_returned:
        case EventCode::device_fenced:
        case EventCode::device_fence_lifted:
        case EventCode::lease_granted:
        case EventCode::lease_ended:
        case EventCode::model_breaker_opened:
        case EventCode::model_breaker_closed:
        case EventCode::model_paused:
        case EventCode::model_resumed:
        case EventCode::model_removed:
        case EventCode::model_load_failed:
        case EventCode::run_limit_reached:
        case EventCode::request_retried:
        case EventCode::result_dropped:
        case EventCode::worker_lost:
        case EventCode::worker_poisoned:
        case EventCode::worker_terminated:
        case EventCode::worker_killed:
        case EventCode::worker_reaped: return std::nullopt;
    }
    return std::nullopt;
}

}  // namespace

Coverage::Coverage() {
    for (const core::ResidencyMove& move : core::allowed_moves()) expect(name_of(move));
    for (std::size_t reason = 0; reason < waits_.size(); ++reason) {
        const auto text = core::to_text(static_cast<core::WaitReason>(reason));
        waits_.at(reason) = counter(fmt::format("wait {}", text));
    }
}

void Coverage::count(const core::Commands& commands) {
    for (const core::Command& command : commands) {
        if (const auto* report = std::get_if<core::Report>(&command)) {
            count_event(report->code);
            if (const auto to = entered_by(report->code)) count_move(*report, *to);
            // After a failed offload a model is what it was before.
            const bool is_back =
                report->code == EventCode::model_offload_failed && report->error &&
                report->error->code != base::Errc::timeout &&
                residency_[{report->model, report->generation}] == Residency::offloading;
            if (is_back) count_move(*report, Residency::ready);
        }
        if (std::holds_alternative<core::RememberPeak>(command)) count("peak remembered");
        if (std::holds_alternative<core::ForgetPeaks>(command)) count("need forgotten");
        const auto* respond = std::get_if<core::Respond>(&command);
        if (respond == nullptr) continue;
        if (!respond->error) {
            if (answers_ == nullptr) answers_ = counter("answer");
            ++*answers_;
        } else {
            const core::Error& error = *respond->error;
            count(fmt::format("refusal {}{}{}", base::traits(error.code).name,
                              error.reason.empty() ? "" : " ", error.reason));
        }
    }
}

void Coverage::count_event(EventCode code) {
    const auto index = static_cast<std::size_t>(code);
    if (events_.size() <= index) events_.resize(index + 1);
    Counter& seen = events_[index];
    if (seen == nullptr) seen = counter(fmt::format("event {}", core::to_text(code)));
    ++*seen;
}

// A copy is known by its process. One that was set aside has none; with several of those, a pause
// may be told of another than began it.
void Coverage::count_move(const core::Report& report, Residency to) {
    Residency& from = residency_[{report.model, report.generation}];
    if (from == Residency::restoring && to == Residency::restoring) {  // tried again
        count(name_of({Residency::restoring, Residency::offloaded}));
        from = Residency::offloaded;
    }
    if (core::is_allowed({from, to})) count(name_of({from, to}));
    from = to;
}

void Coverage::count_waits(const core::Engine& engine, core::ModelId model) {
    for (const core::WaitingView& view : engine.waiting(model, 3)) {
        ++*waits_.at(static_cast<std::size_t>(view.reason));
    }
}

std::vector<std::string> Coverage::below(std::uint64_t minimum,
                                         std::uint64_t minimum_of_rare) const {
    std::vector<std::string> rare;
    for (const auto& [name, count] : counts_) {
        const std::uint64_t wanted = rare_.contains(name) ? minimum_of_rare : minimum;
        if (count < wanted) rare.push_back(fmt::format("{}: {}", name, count));
    }
    return rare;
}

std::string Coverage::to_text() const {
    std::string text;
    for (const auto& [name, count] : counts_) text += fmt::format("  {:<36} {:>12}\n", name, count);
    return text;
}

}  // namespace windlass::world
