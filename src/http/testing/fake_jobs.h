// For tests: a JobBackend that writes down what it is asked and answers at once, but for waits.
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "http/job_backend.h"

namespace windlass::http::testing {

// A job at work, with all that can be said of one.
inline JobStatus fake_job() {
    return {
        .id = "j17",
        .model = "flux",
        .variant = "fp16",
        .state = JobState::running,
        .priority = 2,
        .tenant = "anna",
        .key = "k1",
        .created_ms = 1'767'323'045'678,
        .deadline_ms = 1'767'323'105'678,
        .started_ms = 1'767'323'050'000,
        .attempts = 2,
        .failures = 1,
        .failures_max = 5,
        .crashes_max = 3,
        .progress = ProgressStatus{.step = 12,
                                   .total = 50,
                                   .phase = "denoise",
                                   .age = std::chrono::milliseconds{1'250}},
        .running_for = std::chrono::seconds{7},
        .error = base::fail(base::Errc::out_of_memory, "too large"),
        .history = {{.number = 1,
                     .worker = 3,
                     .pid = 4711,
                     .device = "GPU-1",
                     .started_ms = 1'767'323'046'000,
                     .ended_ms = 1'767'323'047'000,
                     .outcome = "failed",
                     .error = base::fail(base::Errc::out_of_memory, "too large")},
                    {.number = 2, .started_ms = 1'767'323'050'000, .settings = R"({"steps":20})"}}};
}

class FakeJobs : public JobBackend {
  public:
    struct Wait {
        std::uint64_t number;
        std::string id;
        base::Duration wait;
        JobShown reply;
    };
    struct Order {
        JobAction action;
        std::string id = {};    // of one
        JobFilter filter = {};  // of many

        friend bool operator==(const Order&, const Order&) = default;
    };

    std::vector<JobSubmission> submissions;
    std::deque<Wait> waits;
    std::vector<std::uint64_t> withdrawn;
    std::vector<JobQuery> queries;
    std::vector<Order> orders;
    std::optional<base::Error> error;  // the answer to everything
    bool is_known = false;             // the key had come before
    bool holds_waits = true;           // until the test answers them
    JobResult result = {.content_type = "image/png", .body = "\x89PNG"};

    void submit(JobSubmission submission, JobSubmitted reply) override {
        submissions.push_back(std::move(submission));
        if (error) return reply(*error);
        reply(JobTicket{.id = "j17",
                        .is_new = !is_known,
                        .state = is_known ? JobState::succeeded : JobState::available});
    }
    std::uint64_t show(std::string id, base::Duration wait, JobShown reply) override {
        if (holds_waits && wait.count() > 0) {
            waits.push_back({++last_number_, std::move(id), wait, std::move(reply)});
            return last_number_;
        }
        show_now(reply);
        return 0;
    }
    void withdraw(std::uint64_t wait) override { withdrawn.push_back(wait); }
    void read_result(std::string, JobResultRead reply) override {
        error ? reply(*error) : reply(result);
    }
    void list(JobQuery query, JobsListed reply) override {
        queries.push_back(std::move(query));
        error ? reply(*error) : reply(JobPage{.jobs = {fake_job()}, .next = "j17"});
    }
    void order(JobAction action, std::string id, JobShown reply) override {
        orders.push_back({.action = action, .id = std::move(id)});
        show_now(reply);
    }
    void order_all(JobAction action, JobFilter filter, JobsCounted reply) override {
        orders.push_back({.action = action, .filter = std::move(filter)});
        error ? reply(*error) : reply(std::uint64_t{3});
    }
    void queues(std::optional<base::Duration> since, QueuesShown reply) override {
        if (error) return reply(*error);
        QueueStatus all{.jobs = {{1, 2, 3, 4, 5, 6, 7}}, .oldest = std::chrono::seconds{9}};
        if (since) {
            all.report = JobReport{.succeeded = 9,
                                   .failed = 1,
                                   .retries = 2,
                                   .stalls = 1,
                                   .run = {.average_s = 1.5, .p50_s = 1, .p95_s = 3}};
        }
        QueueStatus one = all;
        one.model = "flux";
        one.is_paused = true;
        reply(std::vector<QueueStatus>{std::move(all), std::move(one)});
    }

  private:
    void show_now(JobShown& reply) { error ? reply(*error) : reply(fake_job()); }

    std::uint64_t last_number_ = 0;
};

}  // namespace windlass::http::testing
