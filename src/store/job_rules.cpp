// Ranges, refusals and names.
#include "store/job_rules.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <utility>

#include "base/overloaded.h"
#include "store/fair_order.h"
#include "store/job_store.h"

namespace windlass::store {
namespace {

using base::Errc;
using base::fail;

constexpr std::size_t kNameMax = 64;
constexpr std::size_t kModelMax = 2 * kNameMax + 1;  // "model:variant"
constexpr std::size_t kKeyMax = 255;
constexpr std::array<std::string_view, kJobStates> kStateNames = {
    "scheduled", "available", "held", "running", "succeeded", "failed", "cancelled"};

base::Error conflict(std::string reason, std::string message) {
    base::Error error = fail(Errc::conflict, std::move(message));
    error.reason = std::move(reason);
    return error;
}

base::Result<void> check_size(std::string_view name, std::string_view text, std::size_t most) {
    if (text.size() <= most) return {};
    return fail(Errc::invalid_input, fmt::format("the {} of a job has {} bytes; it must have at "
                                                 "most {}",
                                                 name, text.size(), most));
}

}  // namespace

std::string_view to_text(JobState state) { return kStateNames[std::to_underlying(state)]; }

base::Result<void> check_json(std::string_view name, std::string_view json) {
    return check_size(name, json, JobStore::kTextMax);
}

bool admits(const JobFilter& filter, const JobRecord& record) {
    const auto has = [&](const std::string& text) { return text.contains(filter.text); };
    const auto& states = filter.states;
    return (states.empty() || std::ranges::find(states, record.state) != states.end()) &&
           (filter.model.empty() || filter.model == record.model) &&
           (filter.tenant.empty() || filter.tenant == record.head.tenant) &&
           (filter.key.empty() || filter.key == record.key) &&
           (filter.text.empty() || has(record.key) || has(record.head.variant) ||
            (record.error && has(record.error->message)));
}

base::Result<void> check_job(const NewJob& job) {
    if (job.model.empty()) return fail(Errc::invalid_input, "a job names no model; name one");
    WL_TRY(check_size("model's name", job.model, kModelMax));
    WL_TRY(check_size("variant", job.variant, kNameMax));
    WL_TRY(check_size("tenant", job.tenant, kKeyMax));
    WL_TRY(check_size("key", job.key, kKeyMax));
    WL_TRY(check_size("content type", job.content_type, kKeyMax));
    WL_TRY(check_json("settings", job.settings));
    WL_TRY(check_size("input", job.input, JobStore::kBodyMax));
    if (job.priority < 0 || job.priority >= kPriorities) {
        return fail(Errc::invalid_input, fmt::format("the priority of a job is {}; it must be 0 "
                                                     "(first) to {}",
                                                     job.priority, kPriorities - 1));
    }
    if (job.failures_max < 1 || job.crashes_max < 1) {
        return fail(Errc::invalid_input,
                    fmt::format("a job allows {} failures and {} crashes; both must be at least 1",
                                job.failures_max, job.crashes_max));
    }
    return {};
}

base::Result<void> check_settlement(const Settlement& settlement) {
    WL_TRY(check_json("evidence", settlement.evidence));
    WL_TRY(check_size("worker", settlement.worker, kKeyMax));
    if (const auto* const retry = std::get_if<RetryAfter>(&settlement.outcome)) {
        WL_TRY(check_json("settings", retry->settings));
    }
    if (const auto* const succeeded = std::get_if<Succeeded>(&settlement.outcome)) {
        WL_TRY(check_size("result", succeeded->body, JobStore::kBodyMax));
    }
    const JobError* const error = error_of(settlement.outcome);
    if (error == nullptr) return {};
    WL_TRY(check_json("error's message", error->message));
    WL_TRY(check_json("error's cause", error->cause));
    return check_json("error's traceback", error->traceback);
}

base::Result<void> check_query(const JobQuery& query) {
    constexpr std::size_t kMost = 1'000;
    if (query.limit >= 1 && query.limit <= kMost) return {};
    return fail(Errc::invalid_input,
                fmt::format("{} jobs are asked for; ask for 1 to {}", query.limit, kMost));
}

base::Error no_such_job(JobId job) {
    return fail(Errc::not_found,
                fmt::format("there is no job j{}, or it was deleted; list the jobs "
                            "for those that there are",
                            job.value));
}

base::Error key_reused(const std::string& key, JobId first) {
    return conflict(
        "key_reused",
        fmt::format("the key {} belongs to job j{}, which asked for something else; use "
                    "another key",
                    key, first.value));
}

base::Error queue_is_full(const std::string& model, std::uint64_t limit) {
    base::Error error =
        fail(Errc::queue_full, fmt::format("{} jobs of the model {} wait already; come back later, "
                                           "or raise its queue_limit",
                                           limit, model));
    error.retry_after = std::chrono::seconds{1};
    return error;
}

base::Error not_available(JobId job, JobState state) {
    return conflict("not_available",
                    fmt::format("job j{} cannot start: it is {}", job.value, to_text(state)));
}

base::Error number_used(JobId job, AttemptId attempt) {
    return conflict("not_available",
                    fmt::format("job j{} cannot start as attempt {}: that is not the next number",
                                job.value, attempt.value));
}

base::Error stale_attempt(JobId job, AttemptId attempt) {
    return conflict("stale_attempt", fmt::format("attempt {} of job j{} is over or was given up; "
                                                 "what it brings is not kept",
                                                 attempt.value, job.value));
}

base::Error wrong_state(JobId job, JobState state, std::string_view doing) {
    return conflict("wrong_state", fmt::format("job j{} is {} and cannot be {}", job.value,
                                               to_text(state), doing));
}

bool is_workers_word(const Outcome& outcome) {
    return std::visit(
        base::Overloaded{[](const Succeeded&) { return true; },
                         [](const RetryAfter& retry) { return retry.charge == Charge::failure; },
                         [](const Returned&) { return false; },
                         [](const Failed& failed) {
                             return failed.reason == FailReason::failures ||
                                    failed.reason == FailReason::rejected;
                         },
                         [](const Cancelled&) { return false; }},
        outcome);
}

bool comes_again(const Outcome& outcome) {
    return std::holds_alternative<RetryAfter>(outcome) || std::holds_alternative<Returned>(outcome);
}

AttemptEnd end_of(const Outcome& outcome, std::optional<StopCause> stopping) {
    if (std::holds_alternative<Succeeded>(outcome)) return AttemptEnd::succeeded;
    if (std::holds_alternative<Returned>(outcome)) return AttemptEnd::returned;
    if (std::holds_alternative<Cancelled>(outcome)) return AttemptEnd::cancelled;
    if (is_workers_word(outcome)) return AttemptEnd::failed;
    if (stopping == StopCause::stall) return AttemptEnd::stalled;
    if (stopping == StopCause::timeout) return AttemptEnd::timed_out;
    return AttemptEnd::crashed;
}

const JobError* error_of(const Outcome& outcome) {
    if (const auto* const retry = std::get_if<RetryAfter>(&outcome)) return &retry->error;
    if (const auto* const failed = std::get_if<Failed>(&outcome)) return &failed->error;
    return nullptr;
}

std::optional<Charge> charge_of(const Outcome& outcome) {
    if (const auto* const retry = std::get_if<RetryAfter>(&outcome)) return retry->charge;
    if (const auto* const failed = std::get_if<Failed>(&outcome)) return failed->charge;
    return std::nullopt;
}

std::int64_t to_ms(base::Duration duration) {
    return std::chrono::ceil<std::chrono::milliseconds>(duration).count();
}

std::int64_t add_ms(std::int64_t now_ms, base::Duration duration) {
    const std::int64_t add = to_ms(duration);
    if (now_ms > std::numeric_limits<std::int64_t>::max() - add) {
        return std::numeric_limits<std::int64_t>::max();
    }
    return now_ms + add;
}

}  // namespace windlass::store
