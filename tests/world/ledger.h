// The oracle: a bookkeeping of its own, fed with the same events and commands as the engine's
// shell, that says when a command breaks a law. It shares no code with the engine and reads its
// state only to check what it tells people.
// lint: long file, a table of what it hears: one line for each event and command
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/engine.h"
#include "world/memory_book.h"
#include "world/records.h"

namespace windlass::world {

class Ledger {
  public:
    explicit Ledger(std::vector<core::ModelSpec> specs, core::DeviceSettings devices = {})
        : specs_(std::move(specs)), memory_(std::move(devices)) {}

    void observe(const core::Event& event, Instant now);        // before the engine handles it
    void observe(const core::Commands& commands, Instant now);  // what it decided
    void check_rest(const core::Engine& engine, Instant now);   // after the turn's TimePassed
    void check_quiet();  // at the end, when nothing may be left

    // The first broken law, as a sentence.
    const std::optional<std::string>& violation() const { return violation_; }
    bool is_answered(RequestId request) const { return requests_.at(request).is_answered; }
    std::size_t unanswered_count() const { return unanswered_.size(); }

    void encode(core::StateEncoder& encoder) const;

  private:
    void on(const core::CallArrived& event, Instant now);
    void on(const core::LoadAsked& event, Instant now);
    void on(const core::RestartAsked& event, Instant now);
    void on(const core::OffloadAsked& event, Instant now);
    void on(const core::UnloadAsked& event, Instant now);
    void on(const core::PauseAsked& event, Instant now);
    void on(const core::ResumeAsked& event, Instant now);
    void on(const core::KillAsked& event, Instant now);
    void on(const core::ModelConfigured& event, Instant now);
    void on(const core::ModelRemoved& event, Instant now);
    void on(const core::ClientGone& event, Instant now);
    void on(const core::LaunchFailed& event, Instant now);
    void on(const core::WorkerHello& event, Instant now);
    void on(const core::WorkerLoaded& event, Instant now);
    void on(const core::LoadFailed& event, Instant now);
    void on(const core::WorkerOffloaded& event, Instant now);
    void on(const core::OffloadFailed& event, Instant now);
    void on(const core::WorkerRestored& event, Instant now);
    void on(const core::RestoreFailed& event, Instant now);
    void on(const core::RunStarted& event, Instant now);
    void on(const core::RunProgressed& event, Instant now);
    void on(const core::RunAnswered& event, Instant now);
    void on(const core::RunFailed& event, Instant now);
    void on(const core::RunRecalled& event, Instant now);
    void on(const core::ChannelLost& event, Instant now);
    void on(const core::WorkerExited& event, Instant now);
    void on(const core::DeviceFound& event, Instant now);
    void on(const core::DeviceSampled& event, Instant now);
    void on(const core::DeviceSilent& event, Instant now);
    void on(const core::DeviceLost& event, Instant now);
    void on(const core::NeedRecalled& event, Instant now);
    void on(const core::TimePassed& event, Instant now);
    void on(const core::LoopDelayed& event, Instant now);
    void on(const core::ShutdownAsked& event, Instant now);
    void on(const core::ShutdownForced& event, Instant now);

    void on(const core::Launch& command, Instant now);
    void on(const core::Assign& command, Instant now);
    void on(const core::Load& command, Instant now);
    void on(const core::Dispatch& command, Instant now);
    void on(const core::Recall& command, Instant now);
    void on(const core::Cancel& command, Instant now);
    void on(const core::Offload& command, Instant now);
    void on(const core::Restore& command, Instant now);
    void on(const core::Stop& command, Instant now);
    void on(const core::Terminate& command, Instant now);
    void on(const core::Kill& command, Instant now);
    void on(const core::SampleDevice& command, Instant now);
    void on(const core::RememberPeak& command, Instant now);
    void on(const core::ForgetPeaks& command, Instant now);
    void on(const core::Respond& command, Instant now);
    void on(const core::Report& command, Instant now);

    void check_refusal(core::RequestId id, const core::Error& error, Instant now);
    void check_timeout(core::RequestId id, const core::Error& error, Instant now);
    void check_death_cause(const Process& process, Instant now, const char* what);
    void check_wait(const core::Engine& engine, RequestId id, const Request& request, Instant now);
    bool is_moving(Generation generation, Weights weights) const;
    bool waits_for_return(ModelId id, Instant now) const;
    bool has_idle(ModelId id, Instant now) const;
    static bool is_move_over(const Process& process, Instant now);
    bool has_broken_limit(const Process& process, Instant now) const;
    bool is_set_aside(const Process& process, Instant now) const;
    Request& note_request(RequestId id, Request request);
    std::size_t waiting_count(ModelId model) const;
    const Run* find_run(RequestId request) const;
    void end_process(Generation generation, Instant now);
    void lose_runs(Process& process);
    bool end_run(Process& process, RequestId request);
    bool is_loading(const Process& process, Instant now) const;
    bool is_alone(const Process& process, Instant now) const;
    void check_alone(core::DeviceId device, Generation generation, bool is_known, Instant now);
    bool waits_for_run(Generation generation, const Process& process, Instant now) const;
    void fail(const std::string& sentence);
    const core::ModelSpec& spec(ModelId id) const { return specs_.at(id.value - 1); }

    void check_breaker(ModelId id, Instant now);
    void check_placed(const core::Launch& command, Instant now);
    Process new_process(const core::Launch& command, Instant now) const;

    // ledger_evictions.cpp: who had to make room, and for whom
    void on_evicted(Generation generation);
    void check_evictions(Instant now);
    bool is_short(ModelId id, Instant now) const;
    bool is_behind(ModelId id, Instant now) const;
    bool wants_memory(ModelId id, Instant now) const;

    bool must_rest(ModelId id, Instant now) const;

    void retire(ModelId id);

    // ledger_limits.cpp: what no longer may be waited for
    void check_limits(Instant now);
    void check_limits(const Process& process, Instant now);

    // ledger_standby.cpp: processes that were started ahead of their load
    void on_standby(const core::Launch& command, Instant now);
    Process* find_process(Generation generation);  // of either kind; null: it is gone

    // ledger_recycling.cpp: who had to be replaced
    void on_recycled(const core::Report& command);
    void check_recycling(Instant now);
    bool is_spent(const Process& process) const;
    bool has_runs_left(const Process& process) const;
    bool has_grown(const Process& process) const;
    void note_rest(Process& process);
    void note_growth(const core::DeviceSampled& event);

    std::vector<core::ModelSpec> specs_;
    MemoryBook memory_;
    std::map<ModelId, Model> models_;
    std::map<RequestId, Request> requests_;  // ever made
    std::set<RequestId> unanswered_;
    std::set<RequestId> answered_now_;  // in the instant in which somebody was last heard
    Instant heard_;
    std::map<Generation, Process> processes_;  // launched and not seen to end
    std::map<Generation, Process> standbys_;   // so are these, for no load yet
    std::set<core::DeviceId> evicted_on_;      // in this turn
    std::optional<std::string> violation_;
    bool shutting_down_ = false;
    Duration grace_{};
    Instant shutdown_began_;
    Duration late_{};  // by so much the loop has been late since time was last delivered
    // The event that is being handled, for checks of its consequences.
    struct Happened {
        RequestId answered;
        std::optional<core::Error> failed;
        RequestId failed_request;
        Generation restore_failed;
        bool is_time = false;         // time was delivered
        std::set<RequestId> unbegun;  // of those whose worker is gone: nothing is lost of them
        bool device_lost = false;
        std::set<ModelId> ended_models;  // a process ended, became deaf or reported a failure
    } happened_;
};

}  // namespace windlass::world
