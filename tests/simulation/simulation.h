// One seed, one world: the real engine, fake workers and clients, a virtual clock, and the oracle
// beside it. First with faults, then healed, then shut down. Nothing sleeps.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/engine.h"
#include "recording/text.h"
#include "recording/writer.h"
#include "simulation/fake_jobs.h"
#include "simulation/fake_memory.h"
#include "simulation/fake_store.h"
#include "simulation/fake_worker.h"
#include "simulation/faults.h"
#include "simulation/life.h"
#include "simulation/quiet_bound.h"
#include "world/coverage.h"
#include "world/ledger.h"

namespace windlass::simulation {

class Simulation {
  public:
    static constexpr std::size_t kEventsMin = 500;  // with faults, after start-up

    Simulation(Life life, world::Coverage& coverage);

    // From now on its engine is recorded, as that of `serve --record`. Call before run().
    void record();
    // From now on the last that happens is written down for people, in so many lines. Likewise.
    void tell(std::size_t line_count) { story_limit_ = line_count; }

    // From now on each state of its engine goes into the hash. Likewise.
    void trace() { is_traced_ = true; }

    void run();

    // The bytes of the recording, with its end. Call once, after run().
    std::string take_recording();

    // The law that was broken, with the virtual time of the event.
    const std::optional<std::string>& violation() const { return violation_; }
    std::size_t violated_at() const { return violated_at_; }  // the number of the event
    std::size_t event_count() const { return event_count_; }
    const std::deque<std::string>& story() const { return story_; }
    std::vector<std::string> cast() const;  // its devices, and its models as they were in the end

    // What it took to come to rest without faults, and to end; of what it may take at most.
    struct Quiet {
        base::Duration needed;
        base::Duration bound;
    };
    const std::optional<Quiet>& rest() const { return rest_; }  // half of the worlds try
    const Quiet& end() const { return end_; }
    std::uint64_t trace_hash() const { return trace_hash_; }

  private:
    std::vector<core::ModelSpec> with_wear(std::vector<core::ModelSpec> specs);
    std::vector<core::ModelSpec> with_jobs(std::vector<core::ModelSpec> specs);
    void open_jobs();
    void reopen_jobs();  // after a crash
    void make_all_fit();
    void hear_store();
    bool will_claim(const core::Event& event);
    void check_claimed(const core::JobsReady& ready, const core::Commands& commands);
    void send_job();
    void order(const core::Command& command);
    void count_end(const core::SettleJob& ending);
    base::Duration job_bound() const;
    void schedule(base::Duration after, core::Event event);
    bool turn();  // one turn of the loop at the next instant that matters; false: nothing is left
    void leap();
    bool is_due_to_happen(const core::Event& event);
    void deliver(const core::Event& event);
    void note_promise(const core::Event& event);
    void handle(const core::Event& event, core::Commands& commands);
    void come_to_rest();
    void shut_down();
    UnderWay under_way() const;
    bool is_owed() const;  // the dead left something that is claimed or fenced
    void count_copies(const core::Commands& commands);
    void carry_out(const core::Commands& commands);
    void place(const core::Launch& placed);  // where a load takes memory
    void recall_needs();
    void crash();  // of the daemon; the next one begins with what lasts
    void send_client();
    void send_administrator();
    void reconfigure();
    void lose_device();
    void on_report(const core::Report& report);
    void note_spec(const core::ModelSpec& spec);
    void fail(const std::string& sentence);
    void write_down(const std::string& line);
    void write_down(const core::Commands& commands);

    const Life life_;
    Random random_;
    Random wear_random_;
    Random leap_random_;
    Random job_random_;
    FaultOdds odds_;
    world::Coverage& coverage_;
    const bool has_wear_;  // its processes are replaced before they do harm
    const bool has_jobs_;
    core::DeviceSettings settings_;
    std::vector<core::ModelSpec> specs_;
    core::Engine engine_;
    world::Ledger ledger_;
    Instant now_;
    std::uint32_t client_permille_;  // how often a client comes; where few do, models are idle
    WorldHooks hooks_;
    FakeMemory memory_;
    FakeStore store_;
    FakeJobs jobs_;
    std::multimap<Instant, core::Event> planned_;  // equal instants keep their order
    std::map<Generation, FakeWorker> workers_;
    std::map<RequestId, Instant> promised_;  // by when each request is to be answered
    std::uint64_t last_request_ = 0;
    std::optional<Quiet> rest_;
    Quiet end_{};
    std::size_t event_count_ = 0;
    bool is_traced_ = false;
    std::uint64_t trace_hash_ = 0;
    std::array<world::Coverage::Counter, kFaultNames.size()> struck_{};
    std::optional<std::string> violation_;
    std::size_t violated_at_ = 0;
    std::optional<recording::Writer> writer_;
    std::size_t story_limit_ = 0;
    std::deque<std::string> story_;
    recording::Names names_;
};

}  // namespace windlass::simulation
