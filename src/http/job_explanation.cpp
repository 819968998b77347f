// Sentences about jobs, from what the store keeps of them.
#include "http/job_explanation.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/rough_time.h"

namespace windlass::http {

namespace {

using std::chrono::milliseconds;

std::optional<base::Duration> time_to(std::optional<std::int64_t> at_ms, std::int64_t now_ms) {
    if (!at_ms) return std::nullopt;
    return milliseconds{std::max<std::int64_t>(*at_ms - now_ms, 0)};
}

std::string in_text(const std::optional<base::Duration>& time) {
    return time ? "in " + base::rough_text(*time) : "once its time has come";
}

std::string last_error_text(const JobStatus& job) {
    if (!job.error) return "";
    return fmt::format("; its last error was {}: {}", base::traits(job.error->code).name,
                       job.error->message);
}

std::string sentence_of(const JobStatus& job, const std::optional<base::Duration>& due_in) {
    switch (job.state) {
        case JobState::scheduled:
            if (job.reason == "retry") {
                return fmt::format(
                    "{} is tried again {}, after {} of {} failures and {} of {} crashes{}.", job.id,
                    in_text(due_in), job.failures, job.failures_max, job.crashes, job.crashes_max,
                    last_error_text(job));
            }
            return fmt::format("{} waits for its time (run_at): it may begin {}.", job.id,
                               in_text(due_in));
        case JobState::held:
            if (job.reason == "suspect") {
                return fmt::format(
                    "{} is held (suspect): the daemon died several times while it "
                    "ran. It waits until somebody releases it.",
                    job.id);
            }
            return fmt::format("{} is held ({}) until somebody releases it.", job.id, job.reason);
        case JobState::available:
            return fmt::format(
                "{} waits in the queue of `{}`, behind the jobs that come before it.", job.id,
                job.model);
        case JobState::running: return fmt::format("{} runs.", job.id);
        case JobState::succeeded: return fmt::format("{} is over: succeeded.", job.id);
        case JobState::failed:
            return fmt::format("{} is over: failed ({}) at attempt {}{}.", job.id, job.reason,
                               job.attempts, last_error_text(job));
        case JobState::cancelled: return fmt::format("{} is over: cancelled.", job.id);
    }
    return "";
}

std::vector<Advice> advice_for(const JobStatus& job) {
    const auto order = [&](std::string_view verb) {
        return fmt::format("windlass jobs {} {}", verb, job.id);
    };
    switch (job.state) {
        case JobState::scheduled: return {{order("cancel"), "ends it"}};
        case JobState::held:
            return {{order("release"), "lets it wait for its turn"}, {order("cancel"), "ends it"}};
        case JobState::available:
            return {{"windlass explain " + job.model, "tells what its model waits for"},
                    {"windlass jobs list --model " + job.model, "shows the others"}};
        case JobState::running: return {{order("follow"), "shows how far it is"}};
        case JobState::succeeded: return {{order("result"), "prints what came of it"}};
        case JobState::failed:
            return {{order("show"), "shows its attempts, with their evidence"},
                    {order("retry"), "begins it anew, its budgets full"}};
        case JobState::cancelled: return {{order("retry"), "begins it anew"}};
    }
    return {};
}

}  // namespace

bool is_job_id(std::string_view text) {
    return text.size() > 1 && text.front() == 'j' &&
           std::ranges::all_of(text.substr(1), [](char c) { return c >= '0' && c <= '9'; });
}

ExplanationStatus explain_job(const JobStatus& job, std::int64_t now_ms) {
    const bool is_due = job.state == JobState::scheduled;
    const auto due_in = is_due ? time_to(job.run_at_ms, now_ms) : std::nullopt;
    ExplanationStatus told{
        .subject = job.id,
        .kind = "request",
        .model = job.model,
        .asked = "job",
        .state = job.state == JobState::running ? "running"
                 : is_over(job.state)           ? "over"
                                                : "waiting",
        .reason = is_over(job.state) || job.state == JobState::running ? std::string_view{}
                                                                       : to_text(job.state),
        .since = milliseconds{std::max<std::int64_t>(now_ms - job.created_ms, 0)},
        .priority = job.priority,
        .deadline_in = is_over(job.state) ? std::nullopt : time_to(job.deadline_ms, now_ms),
        .failed_tries = job.failures + job.crashes,
        .error = job.error};
    if (due_in) told.next = NextChange{.step = "next_try", .in = *due_in};
    told.sentence = sentence_of(job, due_in);
    told.advice = advice_for(job);
    return told;
}

}  // namespace windlass::http
