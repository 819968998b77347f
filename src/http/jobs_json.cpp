// Writes what job_status.h and queue_status.h hold.
#include "http/jobs_json.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/wall_time.h"
#include "http/job_query.h"
#include "http/json_writer.h"
#include "http/models_json.h"

namespace windlass::http {
namespace {

void write_text(JsonWriter& json, std::string_view name, const std::string& text) {
    json.key(name);
    text.empty() ? json.null() : json.string(text);
}

void write_time(JsonWriter& json, std::string_view name, const std::optional<std::int64_t>& ms) {
    json.key(name);
    ms ? json.string(base::utc_text(*ms)) : json.null();
}

// `text` is JSON.
void write_json(JsonWriter& json, std::string_view name, const std::string& text) {
    json.key(name);
    text.empty() ? json.null() : json.value(text);
}

void write_last_error(JsonWriter& json, const std::optional<base::Error>& error) {
    json.key("error");
    error ? write_error(json, *error) : static_cast<void>(json.null());
}

void write_progress(JsonWriter& json, const std::optional<ProgressStatus>& progress) {
    json.key("progress");
    if (!progress) {
        json.null();
        return;
    }
    json.begin_object().key("step");
    progress->step ? json.number(*progress->step) : json.null();
    json.key("total");
    progress->total ? json.number(*progress->total) : json.null();
    write_text(json, "phase", progress->phase.value_or(""));
    json.key("age_s").seconds(progress->age);
    json.end_object();
}

void write_result(JsonWriter& json, const JobStatus& job) {
    json.key("result");
    if (job.result_type.empty()) {
        json.null();
        return;
    }
    json.begin_object();
    json.key("content_type").string(job.result_type);
    json.key("bytes").number(job.result_bytes);
    json.end_object();
}

void write_attempt(JsonWriter& json, const JobAttempt& attempt) {
    json.begin_object();
    json.key("number").number(attempt.number);
    json.key("outcome");
    attempt.outcome.empty() ? json.null() : json.string(attempt.outcome);
    json.key("worker");
    attempt.worker == 0 ? json.null() : json.number(attempt.worker);
    json.key("pid");
    attempt.pid == 0 ? json.null() : json.number(static_cast<std::uint64_t>(attempt.pid));
    write_text(json, "device", attempt.device);
    write_time(json, "started_at", attempt.started_ms);
    write_time(json, "ended_at", attempt.ended_ms);
    write_json(json, "settings", attempt.settings);
    write_last_error(json, attempt.error);
    write_json(json, "evidence", attempt.evidence);
    json.end_object();
}

// Without the braces around it.
void write_job(JsonWriter& json, const JobStatus& job) {
    json.key("id").string(job.id);
    json.key("model").string(job.model);
    write_text(json, "variant", job.variant);
    json.key("state").string(to_text(job.state));
    write_text(json, "reason", job.reason);
    json.key("priority").number(job.priority);
    write_text(json, "tenant", job.tenant);
    write_text(json, "key", job.key);
    json.key("created_at").string(base::utc_text(job.created_ms));
    write_time(json, "run_at", job.run_at_ms);
    write_time(json, "deadline", job.deadline_ms);
    write_time(json, "started_at", job.started_ms);
    write_time(json, "finished_at", job.finished_ms);
    json.key("attempts").number(job.attempts);
    json.key("failures").number(job.failures);
    json.key("max_failures").number(job.failures_max);
    json.key("crashes").number(job.crashes);
    json.key("max_crashes").number(job.crashes_max);
    write_progress(json, job.progress);
    json.key("running_for_s");
    job.running_for ? json.seconds(*job.running_for) : json.null();
    write_last_error(json, job.error);
    write_result(json, job);
}

// Queues --------------------------------------------------------------------------------------

void write_number(JsonWriter& json, std::string_view name, const std::optional<double>& number) {
    json.key(name);
    number ? json.value(fmt::format("{:.3f}", *number)) : json.null();
}

void write_durations(JsonWriter& json, std::string_view name, const JobDurations& durations) {
    json.key(name).begin_object();
    write_number(json, "average", durations.average_s);
    write_number(json, "p50", durations.p50_s);
    write_number(json, "p95", durations.p95_s);
    json.end_object();
}

// Of those that ended by themselves.
std::optional<double> failure_rate(const JobReport& report) {
    const std::uint64_t ended = report.succeeded + report.failed;
    if (ended == 0) return std::nullopt;
    return static_cast<double>(report.failed) / static_cast<double>(ended);
}

void write_report(JsonWriter& json, const JobReport& report, base::Duration since) {
    json.key(since == kReportUsual ? "recent_24h" : "recent").begin_object();
    json.key("completed").number(report.succeeded);
    json.key("failed").number(report.failed);
    json.key("cancelled").number(report.cancelled);
    json.key("retries").number(report.retries);
    json.key("stalls").number(report.stalls);
    json.key("crashes").number(report.crashes);
    write_durations(json, "queue_s", report.queue);
    write_durations(json, "load_s", report.load);
    write_durations(json, "run_s", report.run);
    json.end_object();
    write_number(json, "avg_processing_time_seconds", report.run.average_s);
    write_number(json, "failure_rate", failure_rate(report));
}

// Without the braces around it.
void write_queue(JsonWriter& json, const QueueStatus& queue,
                 const std::optional<base::Duration>& since) {
    const JobCounts& jobs = queue.jobs;
    const std::uint64_t pending =
        jobs[JobState::scheduled] + jobs[JobState::available] + jobs[JobState::held];
    std::uint64_t total = 0;
    for (const std::uint64_t count : jobs.counts) total += count;
    json.key("pending").number(pending);
    json.key("processing").number(jobs[JobState::running]);
    json.key("completed").number(jobs[JobState::succeeded]);
    json.key("failed").number(jobs[JobState::failed]);
    json.key("cancelled").number(jobs[JobState::cancelled]);
    json.key("total").number(total);
    json.key("queue_size").number(pending);
    json.key("scheduled").number(jobs[JobState::scheduled]);
    json.key("available").number(jobs[JobState::available]);
    json.key("held").number(jobs[JobState::held]);
    json.key("oldest_s");
    queue.oldest ? json.seconds(*queue.oldest) : json.null();
    if (since) write_report(json, queue.report.value_or(JobReport{}), *since);
}

}  // namespace

std::string to_json(const JobTicket& ticket) {
    JsonWriter json;
    json.begin_object();
    json.key("id").string(ticket.id);
    json.key("state").string(to_text(ticket.state));
    json.key("new").boolean(ticket.is_new);
    json.end_object();
    return json.take();
}

std::string to_json(const JobStatus& job) {
    constexpr std::size_t kUsual = 1'024;
    JsonWriter json{kUsual};
    json.begin_object();
    write_job(json, job);
    json.key("history").begin_array();
    for (const JobAttempt& attempt : job.history) write_attempt(json, attempt);
    json.end_array().end_object();
    return json.take();
}

std::string to_json(const JobPage& page) {
    JsonWriter json;
    json.begin_object().key("jobs").begin_array();
    for (const JobStatus& job : page.jobs) {
        json.begin_object();
        write_job(json, job);
        json.end_object();
    }
    json.end_array();
    write_text(json, "next", page.next);
    json.end_object();
    return json.take();
}

std::string to_json(const std::vector<QueueStatus>& queues, std::optional<base::Duration> since) {
    JsonWriter json;
    json.begin_object();
    const auto all = std::ranges::find(queues, "", &QueueStatus::model);
    write_queue(json, all == queues.end() ? QueueStatus{} : *all, since);
    json.key("models").begin_object();
    for (const QueueStatus& queue : queues) {
        if (queue.model.empty()) continue;
        json.key(queue.model).begin_object();
        json.key("paused").boolean(queue.is_paused);
        write_queue(json, queue, since);
        json.end_object();
    }
    json.end_object().end_object();
    return json.take();
}

std::string count_json(std::uint64_t count) {
    JsonWriter json;
    return json.begin_object().key("count").number(count).end_object().take();
}

}  // namespace windlass::http
