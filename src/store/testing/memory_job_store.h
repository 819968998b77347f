// A JobStore that outlives nothing but the MemoryJobs that it is given: for tests.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/loop.h"
#include "store/job_store.h"
#include "store/testing/memory_jobs.h"

namespace windlass::store::testing {

class MemoryJobStore final : public JobStore {
  public:
    using WallClock = std::function<std::int64_t()>;  // milliseconds since 1970

    // `loop` outlives it.
    MemoryJobStore(io::Loop& loop, std::shared_ptr<MemoryJobs> jobs, WallClock clock)
        : loop_(loop), jobs_(std::move(jobs)), clock_(std::move(clock)) {}

    void begin(Answer<JobStart> done) override { answer(std::move(done), jobs_->begin(clock_())); }
    JobId reserve() override { return jobs_->reserve(); }
    void submit(NewJob job, std::uint64_t queue_limit, Answer<Submission> done) override {
        answer(std::move(done), jobs_->submit(job, queue_limit, clock_()));
    }
    void read_heads(HeadQuery query, Answer<std::vector<JobHead>> done) override {
        answer(std::move(done), jobs_->heads(query));
    }
    void promote(std::chrono::milliseconds wall_step, Answer<Promotion> done) override {
        answer(std::move(done), jobs_->promote(clock_(), wall_step));
    }
    void claim(JobId job, AttemptId attempt, Answer<ClaimedJob> done) override {
        answer(std::move(done), jobs_->claim(job, attempt, clock_()));
    }
    void begin_stop(JobId job, AttemptId attempt, StopCause cause, Answer<void> done) override {
        answer(std::move(done), jobs_->begin_stop(job, attempt, cause));
    }
    void keep_progress(JobId job, AttemptId attempt, std::string json, Answer<void> done) override {
        answer(std::move(done), jobs_->keep_progress(job, attempt, json));
    }
    void keep_settings(JobId job, AttemptId attempt, std::string json, Answer<void> done) override {
        answer(std::move(done), jobs_->keep_settings(job, attempt, json));
    }
    void settle(SharedSettlement settlement, Answer<Settled> done) override {
        answer(std::move(done), jobs_->settle(*settlement, clock_()));
    }
    void cancel(JobId job, Answer<JobState> done) override {
        answer(std::move(done), jobs_->cancel(job, clock_()));
    }
    void hold(JobId job, Answer<JobState> done) override {
        answer(std::move(done), jobs_->hold(job, clock_()));
    }
    void release(JobId job, Answer<JobState> done) override {
        answer(std::move(done), jobs_->release(job, clock_()));
    }
    void retry(JobId job, Answer<JobState> done) override {
        answer(std::move(done), jobs_->retry(job, clock_()));
    }
    void remove(JobId job, Answer<void> done) override {
        answer(std::move(done), jobs_->remove(job));
    }
    void bulk(BulkAction action, JobQuery query, Answer<BulkResult> done) override {
        answer(std::move(done), jobs_->bulk(action, query, clock_()));
    }
    void read_job(JobId job, Answer<JobHistory> done) override {
        answer(std::move(done), jobs_->read(job));
    }
    void read_result(JobId job, Answer<JobResult> done) override {
        answer(std::move(done), jobs_->result(job));
    }
    void list_jobs(JobQuery query, Answer<JobPage> done) override {
        answer(std::move(done), jobs_->list(query));
    }
    void count_jobs(Answer<std::vector<ModelCounts>> done) override {
        answer(std::move(done), base::Result<std::vector<ModelCounts>>{jobs_->counts()});
    }
    void read_statistics(std::int64_t since_ms,
                         Answer<std::vector<ModelStatistics>> done) override {
        answer(std::move(done),
               base::Result<std::vector<ModelStatistics>>{jobs_->statistics(since_ms)});
    }
    void retain(JobRetention retention, Answer<std::uint64_t> done) override {
        answer(std::move(done), base::Result<std::uint64_t>{jobs_->retain(retention, clock_())});
    }
    bool finish_orders(base::Duration) override {
        while (!answers_->empty()) give_out_one(*answers_);
        return true;
    }

  private:
    using Answers = std::deque<std::move_only_function<void()>>;

    template <class T>
    void answer(Answer<T> done, base::Result<T> result) {
        answers_->push_back([done = std::move(done), result = std::move(result)]() mutable {
            done(std::move(result));
        });
        loop_.post([answers = std::weak_ptr{answers_}] {
            const auto living = answers.lock();
            if (living && !living->empty()) give_out_one(*living);
        });
    }

    static void give_out_one(Answers& answers) {
        auto next = std::move(answers.front());
        answers.pop_front();
        next();
    }

    io::Loop& loop_;
    const std::shared_ptr<MemoryJobs> jobs_;
    const WallClock clock_;
    // Not given out yet; the loop may still want to when we are gone.
    std::shared_ptr<Answers> answers_ = std::make_shared<Answers>();
};

}  // namespace windlass::store::testing
