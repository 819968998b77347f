// Goal:   whatever keeps a job that the engine does not hold is said in a sentence, with what to
// do. Method: statuses as the store tells them.
#include "http/job_explanation.h"

#include <doctest/doctest.h>

#include <string>

#include "base/error.h"

namespace windlass::http {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kNow = 1'767'323'045'678;

JobStatus job_in(JobState state, std::string reason = "") {
    return {.id = "j17",
            .model = "flux",
            .state = state,
            .reason = std::move(reason),
            .created_ms = kNow - 90'000,
            .attempts = 2,
            .failures = 1,
            .failures_max = 3,
            .crashes_max = 3};
}

bool advises(const ExplanationStatus& told, const std::string& command) {
    for (const Advice& advice : told.advice) {
        if (advice.command == command) return true;
    }
    return false;
}

}  // namespace

TEST_CASE("only j and a number name a job") {
    CHECK(is_job_id("j17"));
    for (const char* other : {"", "j", "17", "r17", "j1x", "jay"}) {
        CAPTURE(other);
        CHECK_FALSE(is_job_id(other));
    }
}

TEST_CASE("a job that waits for a time says when, and why") {
    JobStatus job = job_in(JobState::scheduled, "run_at");
    job.run_at_ms = kNow + 3'600'000;
    const ExplanationStatus told = explain_job(job, kNow);
    CHECK(told.sentence == "j17 waits for its time (run_at): it may begin in 60m 0s.");
    CHECK(told.state == "waiting");
    CHECK(told.since == 90s);
    CHECK(told.next.value_or(NextChange{}).in == 1h);
    CHECK(advises(told, "windlass jobs cancel j17"));
    job.reason = "retry";
    job.run_at_ms = kNow + 2'000;
    job.error = base::fail(base::Errc::out_of_memory, "too large");
    CHECK(explain_job(job, kNow).sentence ==
          "j17 is tried again in 2s, after 1 of 3 failures and 0 of 3 crashes; its last error was "
          "out_of_memory: too large.");
}

TEST_CASE("a job that waits for a person says how it is let go") {
    const ExplanationStatus told = explain_job(job_in(JobState::held, "user"), kNow);
    CHECK(told.sentence == "j17 is held (user) until somebody releases it.");
    CHECK(told.reason == "held");
    CHECK(advises(told, "windlass jobs release j17"));
    CHECK(explain_job(job_in(JobState::held, "suspect"), kNow).sentence.contains("died"));
}

TEST_CASE("a job far behind, at work or over says so") {
    CHECK(explain_job(job_in(JobState::available), kNow).sentence ==
          "j17 waits in the queue of `flux`, behind the jobs that come before it.");
    CHECK(explain_job(job_in(JobState::running), kNow).state == "running");
    const ExplanationStatus done = explain_job(job_in(JobState::succeeded), kNow);
    CHECK(done.state == "over");
    CHECK(done.reason.empty());
    CHECK(advises(done, "windlass jobs result j17"));
    JobStatus job = job_in(JobState::failed, "failures");
    job.error = base::fail(base::Errc::internal, "no such file");
    const ExplanationStatus failed = explain_job(job, kNow);
    CHECK(
        failed.sentence ==
        "j17 is over: failed (failures) at attempt 2; its last error was internal: no such file.");
    CHECK(advises(failed, "windlass jobs retry j17"));
    CHECK(explain_job(job_in(JobState::cancelled), kNow).sentence == "j17 is over: cancelled.");
}

}  // namespace windlass::http
