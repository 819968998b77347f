// Jobs and queues as tables and lines.
#include "cli/job_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/bytes.h"
#include "base/wall_time.h"
#include "cli/body_text.h"
#include "cli/columns.h"
#include "cli/model_text.h"
#include "cli/progress_meter.h"

namespace windlass::cli {
namespace {

using Rows = std::vector<std::vector<std::string>>;

std::string state_text(const JobView& job) {
    const std::string state = one_line(job.state);
    return job.reason.empty() ? state : fmt::format("{} ({})", state, one_line(job.reason));
}

std::string age_text(const JobView& job, std::int64_t now_ms) {
    const auto created = base::parse_utc(job.created_at);
    if (!created) return "-";
    return rough_time(static_cast<double>(std::max<std::int64_t>(0, now_ms - *created)) / 1e3);
}

std::string full_model(const JobView& job) {
    return one_line(job.model) + (job.variant.empty() ? "" : ":" + one_line(job.variant));
}

// What matters most of one in a list.
std::string note(const JobView& job) {
    if (job.state == "running") return progress_text(job, {});
    if (job.state == "scheduled" && !job.run_at.empty()) {
        return fmt::format("at {}", one_line(job.run_at));
    }
    return one_line(job.error);
}

std::string seconds_text(const std::optional<double>& seconds) {
    if (!seconds) return "-";
    if (*seconds < 10) return fmt::format("{:.3f} s", *seconds);
    return rough_time(*seconds);
}

std::string percent_text(const QueueView::Report& report) {
    const std::uint64_t ended = report.succeeded + report.failed;
    if (ended == 0) return "-";
    return fmt::format("{:.1f} %",
                       100 * static_cast<double>(report.failed) / static_cast<double>(ended));
}

std::string queue_name(const QueueView& queue) {
    return queue.model.empty() ? "(all)" : one_line(queue.model);
}

std::string attempt_line(const JobAttempt& attempt) {
    std::string line = fmt::format("  {}. {}", attempt.number,
                                   attempt.outcome.empty() ? "runs" : one_line(attempt.outcome));
    if (!attempt.started_at.empty()) line += ", began " + one_line(attempt.started_at);
    if (!attempt.ended_at.empty()) line += ", ended " + one_line(attempt.ended_at);
    if (attempt.worker != 0) line += fmt::format(", worker {}", attempt.worker);
    if (!attempt.device.empty()) line += " on " + one_line(attempt.device);
    line += '\n';
    if (!attempt.settings.empty()) line += "     with " + one_line(attempt.settings) + "\n";
    if (!attempt.error.empty()) line += "     " + one_line(attempt.error) + "\n";
    return line;
}

bool has_evidence(const JobView& job) {
    return std::ranges::any_of(job.history, &JobAttempt::has_evidence);
}

}  // namespace

std::string jobs_table(const JobList& list, std::int64_t now_ms) {
    if (list.jobs.empty()) return "no such jobs; --all shows those that are over, too\n";
    Rows rows = {{"ID", "MODEL", "STATE", "AGE", "ATTEMPTS", "NOTE"}};
    for (const JobView& job : list.jobs) {
        rows.push_back({one_line(job.id), full_model(job), state_text(job), age_text(job, now_ms),
                        std::to_string(job.attempts), note(job)});
    }
    std::string text = align(rows);
    if (!list.next.empty()) {
        text += fmt::format("there are more: --after {} goes on, --limit shows up to 1000\n",
                            one_line(list.next));
    }
    return text;
}

std::string job_details(const JobView& job) {
    Rows rows = {{"job", one_line(job.id)},
                 {"model", full_model(job)},
                 {"state", state_text(job)},
                 {"priority", std::to_string(job.priority)}};
    const auto add = [&rows](const char* name, const std::string& text) {
        if (!text.empty()) rows.push_back({name, one_line(text)});
    };
    add("tenant", job.tenant);
    add("key", job.key);
    add("handed over", job.created_at);
    add("not before", job.run_at);
    add("deadline", job.deadline);
    add("began", job.started_at);
    add("over since", job.finished_at);
    rows.push_back(
        {"attempts", fmt::format("{}; {} of {} errors, {} of {} crashes", job.attempts,
                                 job.failures, job.failures_max, job.crashes, job.crashes_max)});
    add("progress", progress_text(job, {}));
    if (job.running_for_s) rows.push_back({"running for", rough_time(*job.running_for_s)});
    add("error", job.error);
    if (!job.result_type.empty()) {
        rows.push_back({"result", fmt::format("{} of {}; windlass jobs result {}",
                                              base::to_text(base::Bytes{job.result_bytes}),
                                              one_line(job.result_type), one_line(job.id))});
    }
    std::string text = align(rows);
    if (!job.history.empty()) text += "history:\n";
    for (const JobAttempt& attempt : job.history) text += attempt_line(attempt);
    if (has_evidence(job)) {
        text += fmt::format("evidence: windlass jobs show {} --json\n", one_line(job.id));
    }
    return text;
}

std::string job_line(const JobView& job) {
    std::string line =
        fmt::format("{} of {}: {}", one_line(job.id), full_model(job), state_text(job));
    if (job.state == "running" && job.attempts > 1) {
        line += fmt::format(", attempt {}", job.attempts);
    }
    if (!job.is_over() && job.state != "running" && !job.error.empty()) {
        line += " after " + one_line(job.error);
    }
    return line;
}

std::string queue_table(const std::vector<QueueView>& queues) {
    Rows rows = {{"MODEL", "SCHEDULED", "AVAILABLE", "HELD", "RUNNING", "SUCCEEDED", "FAILED",
                  "CANCELLED", "OLDEST", "NOTE"}};
    for (const QueueView& queue : queues) {
        rows.push_back({queue_name(queue), std::to_string(queue.scheduled),
                        std::to_string(queue.available), std::to_string(queue.held),
                        std::to_string(queue.running), std::to_string(queue.succeeded),
                        std::to_string(queue.failed), std::to_string(queue.cancelled),
                        queue.oldest_s ? rough_time(*queue.oldest_s) : "-",
                        queue.is_paused ? "paused" : ""});
    }
    return align(rows);
}

std::string ended_tables(const std::vector<QueueView>& queues) {
    Rows counts = {{"MODEL", "SUCCEEDED", "FAILED", "CANCELLED", "RETRIES", "STALLS", "CRASHES",
                    "FAILURE RATE"}};
    Rows times = {{"MODEL", "WAIT P50", "P95", "LOAD P50", "P95", "RUN AVERAGE", "P50", "P95"}};
    for (const QueueView& queue : queues) {
        if (!queue.report) continue;
        const QueueView::Report& report = *queue.report;
        counts.push_back({queue_name(queue), std::to_string(report.succeeded),
                          std::to_string(report.failed), std::to_string(report.cancelled),
                          std::to_string(report.retries), std::to_string(report.stalls),
                          std::to_string(report.crashes), percent_text(report)});
        times.push_back({queue_name(queue), seconds_text(report.queue.p50_s),
                         seconds_text(report.queue.p95_s), seconds_text(report.load.p50_s),
                         seconds_text(report.load.p95_s), seconds_text(report.run.average_s),
                         seconds_text(report.run.p50_s), seconds_text(report.run.p95_s)});
    }
    if (counts.size() == 1) return {};
    return align(counts) + "\n" + align(times);
}

std::string incident_counts(const std::vector<IncidentState>& incidents, std::int64_t since_ms) {
    std::map<std::pair<std::string, std::string>, std::pair<std::uint64_t, std::uint64_t>> counts;
    for (const IncidentState& incident : incidents) {
        const auto at = base::parse_utc(incident.detected_at);
        if (!at || *at < since_ms) continue;
        auto& [count, latest] = counts[{one_line(incident.model), one_line(incident.cause_type)}];
        ++count;
        latest = std::max(latest, incident.id);
    }
    if (counts.empty()) return "no worker had to be ended, and none died\n";
    Rows rows = {{"MODEL", "CAUSE", "INCIDENTS", "LATEST"}};
    for (const auto& [place, found] : counts) {
        rows.push_back({place.first, place.second, std::to_string(found.first),
                        fmt::format("windlass incidents show {}", found.second)});
    }
    return align(rows);
}

}  // namespace windlass::cli
