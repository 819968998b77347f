// The plans of fake workers.
#include "simulation/fake_worker.h"

#include <algorithm>

#include "base/overloaded.h"

namespace windlass::simulation {

using base::Errc;
using namespace std::chrono_literals;

namespace {

core::Error said(Errc code) { return base::fail(code, "said by a fake worker"); }

}  // namespace

FakeWorker::FakeWorker(Generation generation, const core::ModelSpec& spec, const WorldHooks& hooks,
                       bool is_standby)
    : generation_(generation), spec_(spec), hooks_(&hooks) {
    const auto latency = hooks.between(1ms, 200ms);
    if (hooks.strikes(Fault::launch_fails)) {
        hooks.schedule(latency, core::LaunchFailed{generation, said(Errc::not_found)});
    } else if (hooks.strikes(Fault::start_fails)) {
        hooks.schedule(latency, core::LoadFailed{generation, said(Errc::internal)});
        die(latency + 5ms);
    } else if (!hooks.strikes(Fault::start_silent)) {
        const bool can_offload = hooks.between(0ms, 9ms) > 1ms;
        const bool is_bound = is_standby && hooks.strikes(Fault::start_uses_driver);
        hooks.schedule(latency, core::WorkerHello{generation, can_offload, is_bound});
    }
    if (hooks.strikes(Fault::channel_lost)) {
        hooks.schedule(hooks.between(1ms, 3s),
                       core::ChannelLost{generation, said(Errc::worker_lost)});
    }
    if (hooks.strikes(Fault::dies_idle)) die(hooks.between(1ms, 5s));
}

void FakeWorker::load() {
    const auto latency = hooks_->between(1ms, 1s);
    if (hooks_->strikes(Fault::load_dies)) return die(latency);
    if (!hooks_->take_memory(generation_) || hooks_->strikes(Fault::load_fails)) {
        hooks_->schedule(latency, core::LoadFailed{generation_, said(Errc::out_of_memory)});
        return die(latency + 5ms);
    }
    if (!hooks_->strikes(Fault::load_silent))
        hooks_->schedule(latency, core::WorkerLoaded{generation_});
}

std::optional<base::Duration> FakeWorker::plan_move(base::Duration limit,
                                                    const core::Event& failed) {
    const auto latency = hooks_->between(1ms, limit / 2);
    if (hooks_->strikes(Fault::move_dies)) {
        die(latency);
    } else if (hooks_->strikes(Fault::move_fails)) {
        hooks_->schedule(latency, failed);
    } else if (hooks_->strikes(Fault::move_late)) {
        return limit + hooks_->between(0ms, 300ms);
    } else if (!hooks_->strikes(Fault::move_silent)) {
        return latency;
    }
    return std::nullopt;
}

void FakeWorker::offload() {
    const core::OffloadFailed failed{generation_, said(Errc::internal)};
    const auto latency = plan_move(spec_.limits.offload_timeout, failed);
    if (latency) hooks_->schedule(*latency, core::WorkerOffloaded{generation_});
}

void FakeWorker::restore() {
    // A heap in pieces: enough is free, and not in one place.
    const bool is_in_pieces = generation_.value % 4 == 0;
    const core::RestoreFailed failed{generation_,
                                     said(is_in_pieces ? Errc::out_of_memory : Errc::internal)};
    const auto latency = plan_move(spec_.limits.restore_timeout, failed);
    if (!latency) return;
    if (hooks_->come_back(generation_)) {
        hooks_->schedule(*latency, core::WorkerRestored{generation_});
    } else {
        hooks_->schedule(*latency, core::RestoreFailed{generation_, said(Errc::out_of_memory)});
    }
}

void FakeWorker::dispatch(RequestId request) {
    held_.push_back(request);
    begin_next();
}

void FakeWorker::begin_next() {
    if (!is_lazy_ && !held_.empty() && hooks_->strikes(Fault::run_not_begun)) is_lazy_ = true;
    if (is_lazy_) return;
    while (!held_.empty() && begun_.size() + starting_.size() < spec_.concurrency) {
        const RequestId request = held_.front();
        held_.pop_front();
        starting_.insert(request);
        hooks_->schedule(hooks_->between(0ms, 2ms), core::RunStarted{generation_, request});
    }
}

void FakeWorker::plan_run(RequestId request) {
    const auto run = hooks_->between(1ms, spec_.run_timeout / 2);
    if (!hooks_->grow_memory(generation_)) {
        return hooks_->schedule(run,
                                core::RunFailed{generation_, request, said(Errc::out_of_memory)});
    }
    if (hooks_->strikes(Fault::run_dies)) return die(run);
    if (hooks_->strikes(Fault::run_silent)) return;
    const bool is_late = hooks_->strikes(Fault::run_late);
    const auto end = is_late ? spec_.run_timeout + hooks_->between(0ms, 500ms) : run;
    if (!hooks_->strikes(Fault::run_without_progress)) {
        for (auto beat = spec_.stall_timeout / 2; beat < end; beat += spec_.stall_timeout / 2) {
            hooks_->schedule(beat, core::RunProgressed{generation_, request});
        }
    }
    for (const auto& [fault, code] : {std::pair{Fault::error_internal, Errc::internal},
                                      std::pair{Fault::error_transient, Errc::transient},
                                      std::pair{Fault::error_context_lost, Errc::context_lost}}) {
        if (!hooks_->strikes(fault)) continue;
        return hooks_->schedule(end, core::RunFailed{generation_, request, said(code)});
    }
    hooks_->schedule(end, core::RunAnswered{generation_, request});
    if (hooks_->strikes(Fault::answers_twice)) {
        hooks_->schedule(end + hooks_->between(0ms, 50ms), core::RunAnswered{generation_, request});
    }
}

void FakeWorker::recall(RequestId request) {
    if (is_deaf_ || hooks_->strikes(Fault::recall_ignored)) return;
    const bool is_held = std::erase(held_, request) > 0;
    hooks_->schedule(hooks_->between(0ms, 2ms), core::RunRecalled{generation_, request, is_held});
}

void FakeWorker::cancel(RequestId request) {
    if (is_deaf_ || hooks_->strikes(Fault::cancel_ignored)) return;
    hooks_->schedule(hooks_->between(1ms, 50ms),
                     core::RunFailed{generation_, request, said(Errc::cancelled)});
}

void FakeWorker::stop() {
    if (!is_deaf_ && !hooks_->strikes(Fault::stop_ignored)) die(hooks_->between(1ms, 100ms));
}

void FakeWorker::terminate() {
    if (!hooks_->strikes(Fault::sigterm_ignored)) die(hooks_->between(1ms, 100ms));
}

void FakeWorker::kill() {
    is_dying_ = true;
    const bool is_late = hooks_->strikes(Fault::reaped_late);
    die(is_late ? spec_.limits.reap_timeout + hooks_->between(1ms, 5s)
                : hooks_->between(0ms, 20ms));
}

void FakeWorker::die(base::Duration after) {
    hooks_->schedule(after, core::WorkerExited{generation_, "a fake end"});
}

bool FakeWorker::happens(const core::Event& event) {
    if (is_dead_) return false;
    const bool is_end = std::holds_alternative<core::WorkerExited>(event) ||
                        std::holds_alternative<core::LaunchFailed>(event);
    if (is_end) is_dead_ = true;
    if (!is_end && (is_deaf_ || is_dying_)) return false;  // nothing is heard of it any more
    const auto is_over = [&](RequestId request) {
        if (begun_.erase(request) == 0) return true;
        begin_next();
        return false;
    };
    return std::visit(base::Overloaded{
                          [&](const core::ChannelLost&) { return is_deaf_ = true; },
                          [&](const core::WorkerOffloaded&) {
                              hooks_->leave_device(generation_);
                              return true;
                          },
                          [&](const core::RunStarted& e) {
                              starting_.erase(e.request);
                              begun_.insert(e.request);
                              plan_run(e.request);
                              return true;
                          },
                          [&](const core::RunProgressed& e) { return begun_.contains(e.request); },
                          // A second answer is heard: it is what the engine must drop.
                          [&](const core::RunAnswered& e) { return is_over(e.request), true; },
                          [&](const core::RunFailed& e) { return !is_over(e.request); },
                          [](const auto&) { return true; },
                      },
                      event);
}

}  // namespace windlass::simulation
