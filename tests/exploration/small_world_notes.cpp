// What a small world remembers of what happened and of what was ordered.
#include "base/overloaded.h"
#include "exploration/small_world.h"

namespace windlass::exploration {

using base::Errc;

void SmallWorld::note_event(const core::Event& event) {
    const auto end_run = [&](Generation generation, RequestId request) {
        workers_.at(generation).begun.erase(request);
        jobs_.end_run(request);
    };
    std::visit(base::Overloaded{
                   [&](const core::CallArrived& e) { made_.insert(e.request); },
                   [&](const core::LoadAsked& e) { made_.insert(e.request); },
                   [&](const core::UnloadAsked& e) { made_.insert(e.request); },
                   [&](const core::RestartAsked& e) { made_.insert(e.request); },
                   [&](const core::OffloadAsked& e) { made_.insert(e.request); },
                   [&](const core::WorkerOffloaded& e) { move_weights(e.generation, true); },
                   [&](const core::OffloadFailed& e) { move_weights(e.generation, false); },
                   [&](const core::WorkerRestored& e) { move_weights(e.generation, false); },
                   [&](const core::RestoreFailed& e) { move_weights(e.generation, true); },
                   [&](const core::PauseAsked&) { pause_step_ = 1; },
                   [&](const core::ResumeAsked&) { pause_step_ = 2; },
                   [&](const core::KillAsked&) { has_killed_ = true; },
                   [&](const core::ModelConfigured&) { reload_step_ = reload_step_ == 0 ? 1 : 3; },
                   [&](const core::ModelRemoved&) { reload_step_ = 2; },
                   [&](const core::ClientGone& e) {
                       gone_.insert(e.request);
                       if (lease_ && e.request == kLease) lease_->is_free = true;
                   },
                   [&](const core::LeaseAsked& e) { made_.insert(e.request); },
                   [&](const core::LeaseReturned&) { lease_->is_free = !stays_; },
                   [&](const core::LaunchFailed& e) { end_worker(e.generation); },
                   [&](const core::WorkerExited& e) { end_worker(e.generation); },
                   [&](const core::WorkerHello& e) { workers_.at(e.generation).said_hello = true; },
                   [&](const core::WorkerLoaded& e) {
                       Worker& worker = workers_.at(e.generation);
                       worker.is_loaded = true;
                       memory_.take(worker.device, e.generation, need_of(worker));
                   },
                   [&](const core::LoadFailed& e) { workers_.at(e.generation).has_failed = true; },
                   [&](const core::ChannelLost& e) { workers_.at(e.generation).is_deaf = true; },
                   [&](const core::RunStarted& e) {
                       workers_.at(e.generation).held.erase(e.request);
                       workers_.at(e.generation).begun.insert(e.request);
                   },
                   [&](const core::RunRecalled& e) {
                       workers_.at(e.generation).recalls.erase(e.request);
                       if (!e.recalled) return;
                       workers_.at(e.generation).held.erase(e.request);
                       jobs_.end_run(e.request);
                   },
                   [&](const core::RunAnswered& e) { end_run(e.generation, e.request); },
                   [&](const core::RunFailed& e) {
                       workers_.at(e.generation).begun.erase(e.request);
                       // Else what it ran with is not gone before its process is.
                       if (e.error.code != Errc::context_lost) jobs_.end_run(e.request);
                   },
                   [&](const core::ShutdownAsked&) { shutdown_step_ = 1; },
                   [&](const core::ShutdownForced&) { shutdown_step_ = 2; },
                   [](const auto&) {},
               },
               event);
}

void SmallWorld::end_worker(Generation generation) {
    workers_.erase(generation);
    jobs_.end_worker(generation);
}

void SmallWorld::move_weights(Generation generation, bool is_away) {
    Worker& worker = workers_.at(generation);
    worker.is_moving = false;
    worker.is_away = is_away;
    memory_.take(worker.device, generation, is_away ? kKept : need_of(worker));
}

// Unless it has freed it, its client still has what it took.
void SmallWorld::end_lease() {
    if (!lease_) return;
    memory_.end(engine_, lease_->generation, !lease_->is_free);
    lease_.reset();
}

void SmallWorld::note_commands(const core::Commands& commands) {
    for (const core::Command& command : commands) {
        jobs_.note(command);
        std::visit(
            base::Overloaded{
                [&](const core::Launch& c) {
                    workers_[c.generation] = {.model = c.model, .device = c.device};
                },
                [&](const core::Assign& c) { workers_.at(c.generation).device = c.device; },
                [&](const core::Load& c) { workers_.at(c.generation).got_load = true; },
                [&](const core::Offload& c) { workers_.at(c.generation).is_moving = true; },
                [&](const core::Restore& c) { workers_.at(c.generation).is_moving = true; },
                [&](const core::Dispatch& c) { workers_.at(c.generation).held.insert(c.request); },
                [&](const core::Recall& c) { workers_.at(c.generation).recalls.insert(c.request); },
                [&](const core::Stop& c) { workers_.at(c.generation).signals |= 1; },
                [&](const core::Terminate& c) { workers_.at(c.generation).signals |= 2; },
                [&](const core::Kill& c) { workers_.at(c.generation).signals |= 4; },
                [&](const core::SampleDevice& c) { memory_.note_question(c); },
                [&](const core::Report& c) {
                    reports_.push_back(c.code);
                    if (c.code == core::EventCode::lease_granted)
                        lease_ = {.generation = c.generation, .device = c.device};
                    if (c.code == core::EventCode::lease_ended) end_lease();
                },
                [](const auto&) {},
            },
            command);
    }
}

}  // namespace windlass::exploration
