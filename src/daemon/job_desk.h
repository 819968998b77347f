// Jobs, between clients, the store and the engine: submissions go to the store, the engine's wishes
// too, and what the store says of them back. Decides nothing. Thread: main.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/command.h"
#include "core/event.h"
#include "daemon/fresh_jobs.h"
#include "daemon/job_arrivals.h"
#include "daemon/job_chronicle.h"
#include "daemon/job_input.h"
#include "daemon/job_links.h"
#include "daemon/job_tally.h"
#include "daemon/job_waits.h"
#include "daemon/metrics_snapshot.h"
#include "daemon/wall_step.h"
#include "http/api.h"
#include "http/job_backend.h"
#include "io/loop.h"
#include "io/timer.h"
#include "store/job_store.h"
#include "worker/event.h"

namespace windlass::daemon {

class JobDesk final : public http::JobBackend {
  public:
    // `store` outlives the desk until finish(); null: no job can be kept.
    JobDesk(io::Loop& loop, store::JobStore* store, store::JobRetention retention, JobLinks links);

    // Takes over what an earlier daemon left, before the first request. Tried again until it works.
    void start();
    // The daemon is about to end: nothing new is taken, and who waits is told so.
    void shut_down();
    // Whether the store has answered all that was asked about attempts.
    bool is_quiet() const { return attempts_.empty() && claims_asked_ == 0; }
    // It has ended, and no loop turns any more: nothing is asked of the store from now on.
    void finish();
    void keep(store::JobRetention retention) { retention_ = retention; }  // after a reload
    void announce(core::ModelId model);  // it was configured only now: it may have jobs

    // The engine's commands.
    void on(const core::FetchHead& command);
    void on(const core::ClaimJob& command);
    void on(const core::StopJob& command);
    // `answer` is the worker's, of one that succeeded; `evidence` JSON of the end of its worker.
    struct Answer {
        std::string content_type = {};
        std::string body = {};
    };
    void on(const core::SettleJob& command, Answer answer, std::string evidence);

    const JobInput* find(core::RequestId request) const;  // of a claimed job; null: it is none
    void note_progress(const worker::Progressed& progress);
    void note_settings(worker::Adjusted adjusted);

    void submit(http::JobSubmission submission, http::JobSubmitted reply) override;
    std::uint64_t show(std::string id, base::Duration wait, http::JobShown reply) override;
    void withdraw(std::uint64_t wait) override;
    void read_result(std::string id, http::JobResultRead reply) override;
    void list(http::JobQuery query, http::JobsListed reply) override;
    void order(http::JobAction action, std::string id, http::JobShown reply) override;
    void order_all(http::JobAction action, http::JobFilter filter,
                   http::JobsCounted reply) override;
    void queues(std::optional<base::Duration> since, http::QueuesShown reply) override;

    // Why no job can be kept; none: they are.
    std::optional<http::Trouble> trouble() const;
    // How many there are is what the store said at most a second after it last changed.
    std::vector<JobGauges> gauges() const;

  private:
    struct Attempt {
        JobInput input;
        std::uint64_t number = 0;
        base::Instant progress_kept{};
        int pid = 0;              // of the process that it was given to, as the next
        std::string worker = {};  // as the store keeps it
        JobTally::Past past = {};
        std::optional<worker::Progressed> progress = {};  // the latest, where it is not kept yet
    };
    struct Bulk;

    bool may_claim_along(const JobArrival& arrival) const;
    void hold_for_claim(JobArrival arrival);
    void hold(JobArrival arrival);
    void hand_over(JobArrival arrival);
    void hand_over_claimed(JobArrival arrival, const core::ClaimJob& claim);
    bool note_taken(core::ModelId model, const base::Result<store::Submission>& taken,
                    http::JobSubmitted& reply);
    void begin(const core::ClaimJob& command, store::ClaimedJob claimed);
    void promote();
    void promote_at(std::int64_t time_ms);
    void retain();
    void note_change();
    void recount();
    void settle(const core::SettleJob& command, const store::SharedSettlement& settlement);
    void give_back(store::JobId job, store::AttemptId attempt);
    void settle_again();
    void note(const base::Error& error);
    void note_success();
    void tell_ready(const std::string& model);
    void tell_ready_all();
    void keep_progress(Attempt& attempt, const worker::Progressed& progress);
    void tell_waits(store::JobId job);
    void show_now(store::JobId job, http::JobShown reply);
    http::JobStatus status_of(const store::JobHistory& history) const;
    http::JobStatus status_of(const store::JobRecord& record) const;
    void remove(store::JobId job, http::JobShown reply);
    void go_on(const std::shared_ptr<Bulk>& bulk);
    void add_reports(std::vector<http::QueueStatus> queues, base::Duration since,
                     http::QueuesShown reply);

    io::Loop& loop_;
    store::JobStore* store_;
    store::JobRetention retention_;
    const JobLinks links_;
    bool has_begun_ = false;
    bool is_shutting_down_ = false;
    std::optional<base::Error> failure_;  // of the store, the latest, while it lasts
    std::size_t claims_asked_ = 0;        // and not answered
    std::unordered_map<std::uint64_t, Attempt> attempts_;  // by request: claimed, and not settled
    std::map<store::JobId, core::RequestId> running_;      // of those
    JobArrivals arrivals_;
    FreshJobs fresh_;
    JobWaits waits_;
    JobChronicle chronicle_;
    JobTally tally_;
    std::vector<store::ModelCounts> counts_;  // when the store was last asked
    bool is_recount_due_ = false;
    io::Timer recount_;
    io::Timer start_again_;
    io::Timer promotion_;
    base::Instant promotion_at_ = base::Instant::max();
    WallStep wall_step_;
    std::vector<std::pair<core::SettleJob, store::SharedSettlement>> unsettled_;  // in trouble
    std::vector<std::pair<store::JobId, store::AttemptId>> unclaimed_;            // perhaps
    io::Timer settle_again_;
    io::Timer retention_timer_;
};

}  // namespace windlass::daemon
