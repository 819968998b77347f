// For tests: a store of jobs, its clock and its only daemon, which is answered at once.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/loop.h"
#include "store/job_store.h"

namespace windlass::store::testing {

using WallClock = std::function<std::int64_t()>;
// The store of that name; what it keeps is there again when it is made once more.
using MakeJobs = std::function<std::shared_ptr<JobStore>(io::Loop& loop, const std::string& name,
                                                         WallClock clock)>;

class JobBench {
  public:
    explicit JobBench(MakeJobs make) : make_(std::move(make)) { restart(); }

    JobStore& store() { return *store_; }
    std::int64_t now_ms() const { return now_ms_; }
    void pass(base::Duration duration) {
        now_ms_ += std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
    }
    // The daemon dies, and comes back.
    JobStart restart() {
        store_.reset();
        store_ = make_(loop_, "jobs", [this] { return now_ms_; });
        const auto start = ask<JobStart>([this](auto done) { store_->begin(std::move(done)); });
        REQUIRE(start);
        attempt_ = start->first_attempt;
        return *start;
    }
    // What the store answers to an order.
    template <class T>
    base::Result<T> ask(const std::function<void(Answer<T>)>& give) {
        std::optional<base::Result<T>> answer;
        give([&answer](base::Result<T> result) { answer.emplace(std::move(result)); });
        REQUIRE(store_->finish_orders(std::chrono::seconds{60}));
        REQUIRE(answer.has_value());
        // NOLINTNEXTLINE(bugprone-unchecked-optional-access): required above
        return std::move(*answer);
    }

    base::Result<Submission> try_submit(NewJob job, std::uint64_t limit = 1'000'000) {
        return ask<Submission>(
            [&](auto done) { store_->submit(std::move(job), limit, std::move(done)); });
    }
    JobId submit(NewJob job = {.model = "m"}) {
        const auto submission = try_submit(std::move(job));
        REQUIRE(submission);
        return submission->job;
    }
    std::vector<JobHead> heads(JobStore::HeadQuery query = {.model = "m"}) {
        auto heads = ask<std::vector<JobHead>>(
            [&](auto done) { store_->read_heads(std::move(query), std::move(done)); });
        REQUIRE(heads);
        return *heads;
    }
    std::vector<JobId> order(const std::string& model = "m") {
        std::vector<JobId> jobs;
        for (const JobHead& head : heads({.model = model})) jobs.push_back(head.job);
        return jobs;
    }
    Promotion promote(std::chrono::milliseconds wall_step = {}) {
        auto done =
            ask<Promotion>([&](auto answer) { store_->promote(wall_step, std::move(answer)); });
        REQUIRE(done);
        return *done;
    }
    AttemptId next_attempt() { return std::exchange(attempt_, AttemptId{attempt_.value + 1}); }
    base::Result<ClaimedJob> try_claim(JobId job, AttemptId attempt) {
        return ask<ClaimedJob>([&](auto done) { store_->claim(job, attempt, std::move(done)); });
    }
    AttemptId claim(JobId job) {
        const AttemptId attempt = next_attempt();
        REQUIRE(try_claim(job, attempt));
        return attempt;
    }
    base::Result<void> stop(JobId job, AttemptId attempt, StopCause cause) {
        return ask<void>(
            [&](auto done) { store_->begin_stop(job, attempt, cause, std::move(done)); });
    }
    base::Result<void> progress(JobId job, AttemptId attempt, const std::string& json) {
        return ask<void>(
            [&](auto done) { store_->keep_progress(job, attempt, json, std::move(done)); });
    }
    base::Result<void> keep_settings(JobId job, AttemptId attempt, const std::string& json) {
        return ask<void>(
            [&](auto done) { store_->keep_settings(job, attempt, json, std::move(done)); });
    }
    // And compares what is told of an end with what is read of it then.
    base::Result<JobState> settle(Settlement settlement) {
        const auto given = std::make_shared<const Settlement>(std::move(settlement));
        const auto told = ask<Settled>([&](auto done) { store_->settle(given, std::move(done)); });
        if (!told) return told.error();
        const JobHistory now = read(given->job);
        const bool is_told = is_over(told->state) && now.attempts.size() == 1;
        CHECK(told->job == (is_told ? std::optional{now} : std::nullopt));
        return told->state;
    }
    base::Result<JobState> settle(JobId job, AttemptId attempt, Outcome outcome) {
        return settle({.job = job, .attempt = attempt, .outcome = std::move(outcome)});
    }
    JobId succeed(NewJob job = {.model = "m"}) {
        const JobId id = submit(std::move(job));
        REQUIRE(settle(id, claim(id), Succeeded{"text/plain", "done"}));
        return id;
    }
    using StateOrder = void (JobStore::*)(JobId, Answer<JobState>);
    base::Result<JobState> tell(StateOrder what, JobId job) {
        return ask<JobState>([&](auto done) { (store_.get()->*what)(job, std::move(done)); });
    }
    base::Result<void> remove(JobId job) {
        return ask<void>([&](auto done) { store_->remove(job, std::move(done)); });
    }
    base::Result<JobHistory> try_read(JobId job) {
        return ask<JobHistory>([&](auto done) { store_->read_job(job, std::move(done)); });
    }
    JobHistory read(JobId job) {
        auto history = try_read(job);
        REQUIRE(history);
        return *history;
    }
    JobState state(JobId job) { return read(job).job.state; }

  private:
    io::Loop loop_;
    std::int64_t now_ms_ = 1'000'000'000'000;
    MakeJobs make_;
    std::shared_ptr<JobStore> store_;
    AttemptId attempt_;
};

template <class T>
void check_refused(const base::Result<T>& result, base::Errc code, const char* reason = "") {
    REQUIRE_FALSE(result);
    CHECK(result.error().code == code);
    CHECK(result.error().reason == reason);
}

}  // namespace windlass::store::testing
