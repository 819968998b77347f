// One switch for each word that two floors call differently.
#include "daemon/job_translate.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <sstream>
#include <utility>

#include "daemon/job_progress_json.h"
#include "store/job_store.h"

namespace windlass::daemon {

using base::Errc;
using base::Result;

namespace {

// FNV-1a: by the same key must come the same job, also years later by another build.
class Fingerprint {
  public:
    Fingerprint& add(std::string_view text) {
        for (const char byte : text) step(static_cast<unsigned char>(byte));
        step(0xff);  // in no UTF-8: "ab", "c" is not "a", "bc"
        return *this;
    }
    std::uint64_t value() const { return value_; }

  private:
    void step(unsigned byte) { value_ = (value_ ^ byte) * 0x100000001b3; }
    std::uint64_t value_ = 0xcbf29ce484222325;
};

std::uint64_t fingerprint_of(const store::NewJob& job) {
    return Fingerprint{}
        .add(job.model)
        .add(job.variant)
        .add(job.content_type)
        .add(job.input)
        .value();
}

store::JobError to_job_error(const std::optional<base::Error>& error) {
    if (!error) return {};
    const auto cut = [](const std::string& text) {  // of two in one row of the store
        return text.substr(0, store::JobStore::kTextMax / 4);
    };
    return {.code = error->code,
            .message = cut(error->message),
            .cause = cut(error->cause),
            .traceback = cut(error->traceback)};
}

store::FailReason to_reason(core::DeadReason reason) {
    switch (reason) {
        case core::DeadReason::attempts: return store::FailReason::failures;
        case core::DeadReason::crash_budget: return store::FailReason::crashes;
        case core::DeadReason::deadline: return store::FailReason::deadline;
        case core::DeadReason::rejected:
        case core::DeadReason::none: break;
    }
    return store::FailReason::rejected;
}

store::Charge to_charge(core::JobCharge charge) {
    return charge == core::JobCharge::crash ? store::Charge::crash : store::Charge::failure;
}

store::Outcome to_outcome(const core::SettleJob& command, std::string content_type,
                          std::string body) {
    switch (command.end) {
        case core::JobEnd::succeeded:
            return store::Succeeded{.content_type = std::move(content_type),
                                    .body = std::move(body)};
        case core::JobEnd::retried:
            return store::RetryAfter{.delay = command.delay,
                                     .charge = to_charge(command.charge),
                                     .error = to_job_error(command.error)};
        case core::JobEnd::dead: {
            store::Failed failed{.reason = to_reason(command.reason),
                                 .error = to_job_error(command.error)};
            if (command.charge != core::JobCharge::none) failed.charge = to_charge(command.charge);
            return failed;
        }
        case core::JobEnd::cancelled: return store::Cancelled{};
        case core::JobEnd::returned: break;
    }
    return store::Returned{};
}

std::string_view to_text(store::HoldCause cause) {
    return cause == store::HoldCause::suspect ? "suspect" : "user";
}

std::string_view to_text(store::FailReason reason) {
    switch (reason) {
        case store::FailReason::failures: return "failures";
        case store::FailReason::crashes: return "crashes";
        case store::FailReason::rejected: return "rejected";
        case store::FailReason::deadline: return "deadline";
    }
    return "";
}

std::string_view to_text(store::AttemptEnd end) {
    switch (end) {
        case store::AttemptEnd::succeeded: return "succeeded";
        case store::AttemptEnd::failed: return "failed";
        case store::AttemptEnd::crashed: return "crashed";
        case store::AttemptEnd::stalled: return "stalled";
        case store::AttemptEnd::timed_out: return "timed_out";
        case store::AttemptEnd::cancelled: return "cancelled";
        case store::AttemptEnd::returned: return "returned";
        case store::AttemptEnd::lost: return "lost";
    }
    return "";
}

std::string reason_of(const store::JobRecord& record) {
    switch (record.state) {
        case store::JobState::scheduled:
            return record.head.failures + record.head.crashes > 0 ? "retry" : "run_at";
        case store::JobState::held:
            return record.held ? std::string{to_text(*record.held)} : std::string{};
        case store::JobState::failed:
            return record.reason ? std::string{to_text(*record.reason)} : std::string{};
        case store::JobState::running: return record.stopping ? "stopping" : "";
        case store::JobState::available:
        case store::JobState::succeeded:
        case store::JobState::cancelled: break;
    }
    return "";
}

http::JobDurations to_durations(const store::Distribution& distribution) {
    if (distribution.count == 0) return {};
    return {.average_s = distribution.mean_ms / 1000,
            .p50_s = distribution.p50_ms / 1000,
            .p95_s = distribution.p95_ms / 1000};
}

std::uint64_t ended(const store::ModelStatistics& statistics, store::AttemptEnd end) {
    return statistics.attempts[static_cast<std::size_t>(end)];
}

unsigned to_count(int number) { return static_cast<unsigned>(std::max(number, 0)); }

}  // namespace

std::string to_text(store::JobId job) { return fmt::format("j{}", job.value); }

Result<store::JobId> read_job_id(std::string_view text) {
    store::JobId job;
    const char* const end = text.data() + text.size();
    const bool is_named = text.size() > 1 && text.front() == 'j' && text[1] != '0';
    if (is_named) {
        const auto [stop, failed] = std::from_chars(text.data() + 1, end, job.value);
        if (failed == std::errc{} && stop == end) return job;
    }
    return base::fail(Errc::not_found,
                      fmt::format("there is no job {}: they are called j1, j2, ...; `windlass jobs "
                                  "list` shows those that are kept",
                                  text));
}

store::NewJob to_new_job(http::JobSubmission submission, const ModelConfiguration& model) {
    store::NewJob job{
        .model = model.name,
        // What a model without variants makes of the word is its own affair.
        .variant = model.variant.empty() ? submission.variant.value_or("") : model.variant,
        .tenant = std::move(submission.tenant),
        .priority = static_cast<int>(submission.priority.value_or(4)),
        .content_type = std::move(submission.content_type),
        .input = std::move(submission.body),
        .key = std::move(submission.key),
        .run_at_ms = submission.run_at_ms,
        .deadline_ms = submission.deadline_ms,
        .run_timeout = submission.run_timeout,
        .stall_timeout = submission.stall_timeout,
        .failures_max = static_cast<int>(model.job_failures),
        .crashes_max = static_cast<int>(model.job_crashes)};
    if (!job.key.empty()) job.request_hash = fingerprint_of(job);
    return job;
}

core::JobHead to_head(const store::NewJob& job, core::RequestId request, std::int64_t now_ms) {
    const store::JobHead head{.job = job.id,
                              .deadline_ms = job.deadline_ms,
                              .run_timeout = job.run_timeout,
                              .stall_timeout = job.stall_timeout};
    return to_head(head, request, now_ms);
}

core::JobHead to_head(const store::JobHead& head, core::RequestId request, std::int64_t now_ms) {
    core::JobHead known{.job = {head.job.value},
                        .request = request,
                        .rank = static_cast<std::uint64_t>(head.rank),
                        .failures = to_count(head.failures),
                        .crashes = to_count(head.crashes),
                        .run_timeout = head.run_timeout,
                        .stall_timeout = head.stall_timeout};
    if (head.deadline_ms) {
        const std::int64_t left_ms = std::max<std::int64_t>(*head.deadline_ms - now_ms, 0);
        constexpr std::int64_t kFar = std::int64_t{1'000} * 60 * 60 * 24 * 365 * 100;
        known.deadline = std::chrono::milliseconds{std::min(left_ms, kFar)};
    }
    return known;
}

store::StopCause to_cause(core::JobStopCause cause) {
    switch (cause) {
        case core::JobStopCause::stalled: return store::StopCause::stall;
        case core::JobStopCause::timeout:
        case core::JobStopCause::deadline: return store::StopCause::timeout;
        case core::JobStopCause::cancel: break;
    }
    return store::StopCause::cancel;
}

std::string to_text(const JobWorker& worker) {
    return fmt::format("{} {} {}", worker.worker, worker.pid, worker.device);
}

JobWorker read_worker(const std::string& text) {
    JobWorker worker;
    std::istringstream words{text};  // what is missing stays unknown
    words >> worker.worker >> worker.pid >> worker.device;
    return worker;
}

store::Settlement to_settlement(const core::SettleJob& command, std::string content_type,
                                std::string body) {
    store::Settlement settlement{
        .job = {command.job.value},
        .attempt = {command.attempt},
        .outcome = to_outcome(command, std::move(content_type), std::move(body))};
    if (command.timings) {
        settlement.load = command.timings->load;
        settlement.run = command.timings->run;
    }
    return settlement;
}

base::Error to_error(const store::JobError& error) {
    return {.code = error.code,
            .message = error.message,
            .cause = error.cause,
            .traceback = error.traceback};
}

std::string_view to_text(http::JobAction action) {
    switch (action) {
        case http::JobAction::cancel: return "cancel";
        case http::JobAction::retry: return "retry";
        case http::JobAction::hold: return "hold";
        case http::JobAction::release: return "release";
        case http::JobAction::remove: break;
    }
    return "remove";
}

http::JobState to_state(store::JobState state) {
    switch (state) {
        case store::JobState::scheduled: return http::JobState::scheduled;
        case store::JobState::available: return http::JobState::available;
        case store::JobState::held: return http::JobState::held;
        case store::JobState::running: return http::JobState::running;
        case store::JobState::succeeded: return http::JobState::succeeded;
        case store::JobState::failed: return http::JobState::failed;
        case store::JobState::cancelled: break;
    }
    return http::JobState::cancelled;
}

store::JobState to_state(http::JobState state) {
    switch (state) {
        case http::JobState::scheduled: return store::JobState::scheduled;
        case http::JobState::available: return store::JobState::available;
        case http::JobState::held: return store::JobState::held;
        case http::JobState::running: return store::JobState::running;
        case http::JobState::succeeded: return store::JobState::succeeded;
        case http::JobState::failed: return store::JobState::failed;
        case http::JobState::cancelled: break;
    }
    return store::JobState::cancelled;
}

http::JobStatus to_status(const store::JobRecord& record) {
    http::JobStatus status{.id = to_text(record.head.job),
                           .model = record.model,
                           .variant = record.head.variant,
                           .state = to_state(record.state),
                           .reason = reason_of(record),
                           .priority = to_count(record.head.priority),
                           .tenant = record.head.tenant,
                           .key = record.key,
                           .created_ms = record.head.submitted_ms,
                           .run_at_ms = record.due_ms,
                           .deadline_ms = record.head.deadline_ms,
                           .started_ms = record.started_ms,
                           .finished_ms = record.finished_ms,
                           .attempts = to_count(record.head.attempts),
                           .failures = to_count(record.head.failures),
                           .failures_max = to_count(record.head.failures_max),
                           .crashes = to_count(record.head.crashes),
                           .crashes_max = to_count(record.head.crashes_max)};
    const std::string suffix = ":" + record.head.variant;
    if (status.model.ends_with(suffix)) status.model.resize(status.model.size() - suffix.size());
    status.result_type = record.result_type;
    status.result_bytes = record.result_bytes;
    if (!record.progress.empty()) status.progress = read_progress(record.progress);
    if (record.error) status.error = to_error(*record.error);
    return status;
}

http::JobAttempt to_attempt(const store::AttemptRecord& record) {
    http::JobAttempt attempt;
    attempt.number = to_count(record.number);
    attempt.started_ms = record.started_ms;
    attempt.ended_ms = record.ended_ms;
    attempt.outcome = to_text(record.end);
    attempt.settings = record.settings;
    attempt.evidence = record.evidence;
    JobWorker worker = read_worker(record.worker);
    attempt.worker = worker.worker;
    attempt.pid = worker.pid;
    attempt.device = std::move(worker.device);
    if (record.error) attempt.error = to_error(*record.error);
    return attempt;
}

store::JobQuery to_query(const http::JobFilter& filter) {
    store::JobQuery query{
        .filter = {.model = filter.model, .tenant = filter.tenant, .key = filter.key}};
    for (const http::JobState state : filter.states) query.filter.states.push_back(to_state(state));
    return query;
}

http::JobCounts to_counts(const store::ModelCounts& counts) {
    http::JobCounts known;
    for (std::size_t state = 0; state < store::kJobStates; ++state) {
        const auto to = static_cast<std::size_t>(to_state(static_cast<store::JobState>(state)));
        known.counts[to] += counts.by_state[state];
    }
    return known;
}

std::optional<base::Duration> waiting_for(const store::ModelCounts& counts, std::int64_t now_ms) {
    if (!counts.waiting_since_ms) return std::nullopt;
    return std::chrono::milliseconds{std::max<std::int64_t>(now_ms - *counts.waiting_since_ms, 0)};
}

http::JobReport to_report(const store::ModelStatistics& statistics) {
    using store::AttemptEnd;
    return {.succeeded = statistics.succeeded,
            .failed = statistics.failed,
            .cancelled = statistics.cancelled,
            .retries = statistics.retries,
            .stalls = ended(statistics, AttemptEnd::stalled),
            .crashes = ended(statistics, AttemptEnd::crashed),
            .queue = to_durations(statistics.queue),
            .load = to_durations(statistics.load),
            .run = to_durations(statistics.run)};
}

}  // namespace windlass::daemon
