// Joins the floors: what clients and workers say becomes events of the engine, what the engine
// commands is carried out. Holds the bodies, which the engine never sees. Thread: main.
// lint: long file, a table of what people ask and the engine commands: one line for each
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "core/engine.h"
#include "core/explanation.h"
#include "daemon/configuration.h"
#include "daemon/device_bridge.h"
#include "daemon/device_floor.h"
#include "daemon/emulation.h"
#include "daemon/event_hub.h"
#include "daemon/forwards.h"
#include "daemon/incidents.h"
#include "daemon/job_desk.h"
#include "daemon/journal.h"
#include "daemon/measures.h"
#include "daemon/memory_tally.h"
#include "daemon/need_keeper.h"
#include "daemon/preloads.h"
#include "daemon/recorder.h"
#include "daemon/reload.h"
#include "http/api.h"
#include "io/descriptor_limit.h"
#include "io/loop.h"
#include "worker/supervisor.h"

namespace windlass::daemon {

struct SwitchboardOptions {
    std::string daemon_id;
    std::string configuration_path;
    std::string runtime_dir;     // exists; for the workers' private folders
    std::string cgroup;          // for the workers' cgroups; empty: there can be none
    std::string python_package;  // see find_python_package()
    Environment environment;
    io::DescriptorLimit descriptors;  // of the daemon; workers get the former one
    std::optional<EmulatedDriver> emulated = {};
};

class Switchboard final : public http::Backend {
  public:
    // `keeper` outlives it.
    Switchboard(io::Loop& loop, const Configuration& configuration, SwitchboardOptions options,
                worker::KeeperLink& keeper);

    // From now on keeps what the engine hears and says. Call before anything has happened, with
    // the configuration that it was made with.
    base::Result<void> record(const RecorderOptions& options, const Configuration& configuration);

    // The end of a turn of the loop: delivers time, then carries out what the turn's events led to.
    // Returns when it wants to be called again.
    std::optional<core::Instant> end_turn(core::Instant now);

    // Takes over what has changed; models that did not are not touched.
    void reload(const Reload& changes);
    void shut_down(core::Duration grace);  // refuses what waits, lets runs finish
    void shut_down_now();                  // kills everything
    bool is_finished() const { return engine_.is_finished(); }

    std::uint64_t call(http::CallRequest request, http::CallReply reply) override;
    std::uint64_t order(http::ModelOrder order, http::ModelReply reply) override;
    std::uint64_t forward(http::CallRequest request, http::ForwardHooks hooks) override;
    void forward_started(std::uint64_t request) override { forwards_.started({request}); }
    void forward_moved(std::uint64_t request, http::Mover mover) override {
        forwards_.moved({request}, mover);
    }
    void forward_ended(const http::ForwardPlace& place,
                       const std::optional<base::Error>& error) override {
        forwards_.ended(place, error);
    }
    void client_gone(std::uint64_t request) override;
    base::Result<http::ModelStatus> model(std::string_view name) const override;
    std::vector<http::ModelStatus> models() const override;
    http::DevicesStatus devices() const override;
    std::vector<http::WorkerStatus> worker_statuses() const override;
    base::Result<http::WorkerStatus> kill_worker(std::uint64_t id) override;
    base::Result<http::ExplanationStatus> explain(std::string_view subject) const override;
    std::vector<http::ExplanationStatus> explanations() const override;
    std::vector<http::IncidentStatus> incidents() const override { return incidents_.list(); }
    void list_events(base::EventQuery query, http::EventsReply reply) override {
        events_->list(std::move(query), std::move(reply));
    }
    void follow_events(base::EventQuery query, http::ReplyStream stream) override {
        events_->follow(std::move(query), std::move(stream));
    }
    http::Health health() const override;
    std::optional<http::Trouble> store_trouble() const;
    std::optional<http::Unready> unready() const override;
    std::string metrics(const http::ConnectionCounters& connections) override;

    // From now on what is learned is kept there. It outlives the last turn.
    void use_needs(NeedKeeper& needs) { needs_ = &needs; }
    void recall(const store::NeedKey& key, const std::vector<base::Bytes>& peaks);

    // From now on they can be listed and followed. Before the first request; they outlive the last.
    void use_events(EventHub& events) { events_ = &events; }

    // What a desk for jobs needs of us; and from now on it is told what the engine wants of it.
    // Before the first request; it outlives the last.
    JobLinks job_links();
    void use_jobs(JobDesk& jobs) { jobs_ = &jobs; }
    http::JobBackend& jobs() override { return *jobs_; }

    // From now on loads what its configuration wants loaded.
    void preload();
    // Not ready before that: it is not known yet whether the devices have room for what they must
    // hold. None: now it is.
    void hold_ready_until(std::optional<core::Instant> instant) { held_until_ = instant; }

    // What happens to devices is told to it, too.
    void note(const device::Event& event);
    // From now on shows what that knows of devices. It outlives the last request.
    void use_devices(DeviceFloor& devices);
    LedgerNumbers ledger(const std::string& uuid) const;  // of one device, the engine's
    std::vector<WorkerProcess> workers() const;           // those that are not reaped

    // Where requests that are over, and all else that happens, are written down.
    Journal& journal() { return journal_; }

  private:
    struct Call {
        core::ModelId model;
        core::Instant arrived;
        std::string content_type;
        io::SharedBytes body;        // kept while the call may be sent to a worker once more
        bool is_idempotent = false;  // as its model was when it arrived
        std::optional<std::string> variant;
        http::CallReply reply;
    };
    struct Admin {
        core::ModelId model;
        http::ModelReply reply;
    };
    struct Answer {
        std::string content_type;
        std::string body;
        http::RunMemory memory;
    };

    void on_worker(worker::Event event);
    void handle(const core::Event& event);
    void note_exceeded(const worker::HostMemoryExceeded& exceeded);
    void open_forwards(const worker::Loaded& loaded);
    core::CallArrived begin_call(core::ModelId id, const http::CallRequest& request);
    void drop_body(core::RequestId request);
    base::Result<core::ModelId> find_model(std::string_view name) const;
    base::Result<core::ModelId> find_called(const http::CallRequest& request) const;
    std::string variants_of(std::string_view model) const;
    http::ExplanationStatus explain(const core::Explanation& told) const;
    base::Result<http::ExplanationStatus> explain_job(store::JobId job) const;
    http::ExplanationStatus explain(const core::ModelExplanation& told) const;
    http::ExplainedMemory show(const core::MemoryWait& wait) const;
    http::ExplainedHolder show(const core::Holder& holder, const std::string& device) const;
    std::optional<http::NextChange> show(const std::optional<core::Change>& change) const;
    base::Error unknown_variant(std::string_view model, std::string_view variant) const;
    store::NeedKey need_key(core::ModelId id, core::DeviceId device) const;
    http::ModelStatus status(core::ModelId id) const;
    std::string device_of(core::Generation generation) const;
    std::optional<int> pid_of(core::Generation generation) const;
    std::optional<base::Bytes> room_of(core::Generation generation) const;
    http::WorkerStatus status(const core::WorkerView& worker) const;
    JobWorker worker_of(core::Generation generation) const;
    std::optional<JobPlace> place_of(core::RequestId request) const;
    static std::string to_evidence(http::IncidentStatus incident);
    Incidents::Subject subject_of(core::Generation generation, core::ModelId model) const;
    http::DeviceActivityHistory activity_of(core::Generation generation) const;
    void look_at(core::Generation generation);
    void load_again(core::ModelId id);
    void count_worker(core::Generation generation, core::ModelId model, int pid,
                      const std::string& uuid);
    void count_claims();
    void note_swap(const core::Report& moved);
    ModelGauges gauges(core::ModelId id) const;
    void tell_signal(core::Generation generation, int signal);
    const ModelConfiguration& configuration_of(core::ModelId id) const {
        return models_[id.value - 1];
    }
    std::string name_of(core::ModelId id) const { return id ? configuration_of(id).name : ""; }

    void carry_out(core::Command& command);
    void on(const core::Launch& command);
    void on(const core::Assign& command);
    void on(const core::Load& command);
    void on(const core::Dispatch& command);
    void on(const core::Recall& command);
    void on(const core::Cancel& command);
    void on(const core::Offload& command);
    void on(const core::Restore& command);
    void on(const core::Stop& command);
    void on(const core::Terminate& command);
    void on(const core::Kill& command);
    void on(const core::SampleDevice& command);
    void on(const core::RememberPeak& command);
    void on(const core::ForgetPeaks& command);
    void on(const core::FetchHead& command);
    void on(const core::ClaimJob& command);
    void on(const core::StopJob& command);
    void on(const core::SettleJob& command);
    void on(core::Respond& command);
    void on(const core::Report& command);

    io::Loop& loop_;
    std::vector<ModelConfiguration> models_;  // by the engine's ids; removed ones stay
    const base::Bytes body_limit_;
    const SwitchboardOptions options_;
    const core::Instant started_;
    core::Duration shortest_max_wait_;  // of all models
    core::Engine engine_;
    std::unique_ptr<Recorder> recorder_;  // null: nothing is recorded
    Journal journal_;
    Incidents incidents_;
    Measures measures_;
    MemoryTally tally_;
    bool claims_may_differ_ = false;  // from those in tally_
    worker::Supervisor supervisor_;
    core::Commands commands_;                  // of this turn, not carried out yet
    core::Commands carried_out_;               // empty between turns; kept for its capacity
    std::map<core::RequestId, Call> calls_;    // not answered yet
    std::map<core::RequestId, Admin> admins_;  // not answered yet
    Forwards forwards_;
    std::map<core::ModelId, core::RequestId> reloads_;  // our own wishes, the latest of each
    // Of this turn, by who gave them and to what; the engine says which count.
    std::map<std::pair<core::Generation, core::RequestId>, Answer> answers_;
    std::map<core::Generation, int> pids_;  // kept until the exit was carried through
    std::map<core::Generation, core::ModelId> models_of_;  // of those in pids_
    std::map<core::Generation, core::Instant> since_;      // they are in their present state
    std::map<core::Generation, std::string> devices_of_;   // of those that may still answer
    DeviceFloor* devices_ = nullptr;
    NeedKeeper* needs_ = nullptr;
    EventHub* events_ = nullptr;
    JobDesk* jobs_ = nullptr;
    DeviceBridge bridge_;
    Preloads preloads_;
    std::vector<core::Generation> reaped_;  // in this turn; what else it tells has their pids too
    std::optional<core::Instant> expected_wake_;
    std::optional<core::Instant> held_until_;
    std::uint64_t last_request_ = 0;
};

}  // namespace windlass::daemon
