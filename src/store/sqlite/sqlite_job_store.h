// The durable queue of jobs in the file of a SqliteStore, whose thread and transactions it shares.
// Thread: the loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "store/job_store.h"
#include "store/sqlite/job_row.h"
#include "store/sqlite/order_thread.h"

namespace windlass::store::sqlite {

class SqliteJobStore final : public JobStore {
  public:
    using WallClock = std::function<std::int64_t()>;  // milliseconds since 1970
    struct File {
        std::function<void(Order)> give;
        std::function<bool(base::Duration)> finish_orders;
    };

    // `book` is the companion of the thread to which `file` gives.
    SqliteJobStore(File file, std::shared_ptr<JobBook> book, WallClock clock)
        : file_(std::move(file)), book_(std::move(book)), clock_(std::move(clock)) {}

    void begin(Answer<JobStart> done) override;
    JobId reserve() override;
    void submit(NewJob job, std::uint64_t queue_limit, Answer<Submission> done) override;
    void read_heads(HeadQuery query, Answer<std::vector<JobHead>> done) override;
    void promote(std::chrono::milliseconds wall_step, Answer<Promotion> done) override;
    void claim(JobId job, AttemptId attempt, Answer<ClaimedJob> done) override;
    void begin_stop(JobId job, AttemptId attempt, StopCause cause, Answer<void> done) override;
    void keep_progress(JobId job, AttemptId attempt, std::string json, Answer<void> done) override;
    void keep_settings(JobId job, AttemptId attempt, std::string json, Answer<void> done) override;
    void settle(SharedSettlement settlement, Answer<Settled> done) override;
    void cancel(JobId job, Answer<JobState> done) override;
    void hold(JobId job, Answer<JobState> done) override;
    void release(JobId job, Answer<JobState> done) override;
    void retry(JobId job, Answer<JobState> done) override;
    void remove(JobId job, Answer<void> done) override;
    void bulk(BulkAction action, JobQuery query, Answer<BulkResult> done) override;
    void read_job(JobId job, Answer<JobHistory> done) override;
    void read_result(JobId job, Answer<JobResult> done) override;
    void list_jobs(JobQuery query, Answer<JobPage> done) override;
    void count_jobs(Answer<std::vector<ModelCounts>> done) override;
    void read_statistics(std::int64_t since_ms, Answer<std::vector<ModelStatistics>> done) override;
    void retain(JobRetention retention, Answer<std::uint64_t> done) override;
    bool finish_orders(base::Duration limit) override;

  private:
    struct Kind;
    template <class T, class Work>
    void order(const Kind& kind, Work work, Answer<T> done);
    void list_on(std::shared_ptr<struct JobReading> reading, Answer<JobPage> done);

    const File file_;
    const std::shared_ptr<JobBook> book_;
    const WallClock clock_;
    std::optional<JobId> last_job_;       // none: begin() is not answered
    std::uint64_t unnumbered_count_ = 0;  // submissions since it was ordered, without an id
};

}  // namespace windlass::store::sqlite
