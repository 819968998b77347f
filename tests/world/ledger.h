// The oracle: a bookkeeping of its own, fed with the same events and commands as the engine's
// shell, that says when a promise is broken. It shares no code with the engine. This one writes the
// facts down; what is promised of them stands in invariants.cpp.
// lint: long file, a table: one line for each event and command
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/engine.h"
#include "world/facts.h"
#include "world/invariants.h"

namespace windlass::world {

class Ledger {
  public:
    explicit Ledger(std::vector<core::ModelSpec> specs, core::DeviceSettings devices = {})
        : facts_(std::move(specs), std::move(devices)) {}

    void observe(const core::Event& event, Instant now);        // before the engine handles it
    void note_held(const core::Engine& engine);                 // when it has: what it took up
    void observe(const core::Commands& commands, Instant now);  // and what it decided
    void check_rest(const core::Engine& engine, Instant now);   // after the turn's TimePassed
    void check_quiet();  // at the end, when nothing may be left

    // The first broken law, as a sentence.
    const std::optional<Breach>& broken() const { return broken_; }
    std::optional<std::string> violation() const;
    bool is_answered(RequestId request) const { return facts_.requests.at(request).is_answered; }
    std::size_t unanswered_count() const { return facts_.unanswered.size(); }

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
    void on(const core::LeaseAsked& event, Instant now);
    void on(const core::LeaseReturned& event, Instant now);
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

    void on(const core::JobStoreOpened& event, Instant now);
    void on(const core::JobsReady& event, Instant now);
    void on(const core::HeadFetched& event, Instant now);
    void on(const core::FetchFailed& event, Instant now);
    void on(const core::JobClaimed& event, Instant now);
    void on(const core::ClaimRefused& event, Instant now);
    void on(const core::JobSettled& event, Instant now);
    void on(const core::JobCancelAsked& event, Instant now);
    void on(const core::FetchHead& command, Instant now);
    void on(const core::ClaimJob& command, Instant now);
    void on(const core::StopJob& command, Instant now);
    void on(const core::SettleJob& command, Instant now);

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

    void look(Moment moment, const core::Engine* engine, Instant now);
    void fail(Invariant invariant, const std::string& sentence);

    Request& note_request(RequestId id, Request request);
    bool is_reached(const Request& request, Instant now) const;
    void check_refusal(RequestId id, const core::Error& error, Instant now);
    void check_timeout(RequestId id, const core::Error& error, Instant now);
    void check_alone(core::DeviceId device, Generation generation, bool is_known, Instant now);
    void check_window(const Process& process);
    void check_breaker(ModelId id, Instant now);
    void check_placed(const core::Launch& command, Instant now);
    Process new_process(const core::Launch& command, Instant now) const;
    void retire(ModelId id);
    void end_process(Generation generation, Instant now);
    void lose_runs(Process& process);
    bool end_run(Process& process, RequestId request);
    void note_owed(const core::Engine& engine, Instant now);
    void ask_why(const core::Engine& engine);
    void note_forecasts(const core::Engine& engine, Instant now);
    void note_eviction(Generation generation, Instant now);

    bool is_moving(Generation generation, Weights weights) const;  // ledger_moves.cpp
    void on_standby(const core::Launch& command, Instant now);     // ledger_standby.cpp

    // ledger_leases.cpp: clients who use a device's memory themselves
    void on_lease_answer(const core::Respond& command, Instant now);
    void check_granted(const MemoryLease& lease, Instant now);
    void check_lease_refusal(RequestId id, const core::Error& error, Instant now);
    void on_lease_ended(const core::Report& command, Instant now);
    void check_leases(const core::Engine& engine, Instant now);
    bool must_end(const MemoryLease& lease, Instant now) const;
    void encode_leases(core::StateEncoder& encoder) const;

    // ledger_jobs.cpp
    bool is_closing(ModelId model) const;
    void let_go(RequestId request);
    template <class Which>
    void let_go_heads(Which which);
    void close_heads(ModelId model);  // none: of all
    void open_head(ModelId model, const core::JobHead& head, Instant since);
    void open_told(const ToldJob& told);
    void pass_job_time(Instant now);
    void free_place(const Job& job, RequestId request);
    bool has_alone(const Process& process) const;
    bool is_haunted(core::JobId job) const;
    void check_place(const Job& job, const core::ClaimJob& command);
    void check_turn(const Job& job, Instant now);
    const Job* find_first(ModelId model, Instant now) const;
    void note_trouble(Instant now);
    void end_trouble(Instant now);
    bool is_store_troubled(Instant now) const;
    void note_failed_load(Generation generation);
    void note_late_loads(Instant now);
    void on_load_failed(const core::Report& command, Instant now);
    void charge_load(Job& job, Instant now);
    void check_charges();
    void check_job_turn(ModelId model, Instant now);
    void check_job_sent(const core::Dispatch& command, const Process& process);
    void check_end(const Job& job, const core::SettleJob& ending, Instant now);
    bool is_spent(const Job& job, core::JobCharge charge) const;
    void end_job_run(RequestId request, const std::optional<core::Error>& error);

    void encode_jobs(core::StateEncoder& encoder) const;

    // ledger_recycling.cpp: who had to be replaced
    void on_recycled(const core::Report& command);
    void note_rest(Process& process);
    void note_growth(const core::DeviceSampled& event);

    Facts facts_;
    std::optional<Breach> broken_;
};

}  // namespace windlass::world
