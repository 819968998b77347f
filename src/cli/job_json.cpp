// JSON of jobs and queues to plain values.
#include "cli/job_json.h"

#include <boost/json.hpp>

#include "cli/json_fields.h"

namespace windlass::cli {
namespace {

namespace json = boost::json;

const json::object* find_object(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    return value == nullptr ? nullptr : value->if_object();
}

std::string error_text(const json::object& object) {
    const json::object* const error = find_object(object, "error");
    if (error == nullptr) return {};
    return read_text(*error, "type") + ": " + read_text(*error, "message");
}

JobAttempt to_attempt(const json::object& object) {
    const json::object* const settings = find_object(object, "settings");
    return {.number = count_field(object, "number"),
            .outcome = read_text(object, "outcome"),
            .worker = count_field(object, "worker"),
            .device = read_text(object, "device"),
            .started_at = read_text(object, "started_at"),
            .ended_at = read_text(object, "ended_at"),
            .error = error_text(object),
            .settings = settings == nullptr ? std::string{} : json::serialize(*settings),
            .has_evidence = find_object(object, "evidence") != nullptr};
}

void read_progress(const json::object& object, JobView& job) {
    const json::object* const progress = find_object(object, "progress");
    if (progress == nullptr) return;
    job.step = read_count(*progress, "step");
    job.total = read_count(*progress, "total");
    job.phase = read_text(*progress, "phase");
    job.progress_age_s = read_number(*progress, "age_s");
}

base::Result<JobView> to_job(const json::value& value) {
    const json::object* const found = value.if_object();
    if (found == nullptr) return not_a_daemon("jobs");
    const json::object& object = *found;
    JobView job{.id = read_text(object, "id"),
                .model = read_text(object, "model"),
                .variant = read_text(object, "variant"),
                .state = read_text(object, "state"),
                .reason = read_text(object, "reason"),
                .priority = count_field(object, "priority"),
                .tenant = read_text(object, "tenant"),
                .key = read_text(object, "key"),
                .created_at = read_text(object, "created_at"),
                .run_at = read_text(object, "run_at"),
                .deadline = read_text(object, "deadline"),
                .started_at = read_text(object, "started_at"),
                .finished_at = read_text(object, "finished_at"),
                .attempts = count_field(object, "attempts"),
                .failures = count_field(object, "failures"),
                .failures_max = count_field(object, "max_failures"),
                .crashes = count_field(object, "crashes"),
                .crashes_max = count_field(object, "max_crashes"),
                .running_for_s = read_number(object, "running_for_s"),
                .error = error_text(object)};
    read_progress(object, job);
    if (const json::object* const result = find_object(object, "result")) {
        job.result_type = read_text(*result, "content_type");
        job.result_bytes = count_field(*result, "bytes");
    }
    for_each_object(object, "history", [&job](const json::object& attempt) {
        job.history.push_back(to_attempt(attempt));
    });
    if (job.id.empty() || job.state.empty()) return not_a_daemon("jobs");
    return job;
}

DurationView to_durations(const json::object& report, std::string_view key) {
    const json::object* const durations = find_object(report, key);
    if (durations == nullptr) return {};
    return {.average_s = read_number(*durations, "average"),
            .p50_s = read_number(*durations, "p50"),
            .p95_s = read_number(*durations, "p95")};
}

QueueView to_queue(const json::object& object, std::string model) {
    const json::value* const paused = object.if_contains("paused");
    QueueView queue{.model = std::move(model),
                    .is_paused = paused != nullptr && paused->is_bool() && paused->get_bool(),
                    .scheduled = count_field(object, "scheduled"),
                    .available = count_field(object, "available"),
                    .held = count_field(object, "held"),
                    .running = count_field(object, "processing"),
                    .succeeded = count_field(object, "completed"),
                    .failed = count_field(object, "failed"),
                    .cancelled = count_field(object, "cancelled"),
                    .oldest_s = read_number(object, "oldest_s")};
    const json::object* report = find_object(object, "recent_24h");
    if (report == nullptr) report = find_object(object, "recent");
    if (report != nullptr) {
        queue.report = QueueView::Report{.succeeded = count_field(*report, "completed"),
                                         .failed = count_field(*report, "failed"),
                                         .cancelled = count_field(*report, "cancelled"),
                                         .retries = count_field(*report, "retries"),
                                         .stalls = count_field(*report, "stalls"),
                                         .crashes = count_field(*report, "crashes"),
                                         .queue = to_durations(*report, "queue_s"),
                                         .load = to_durations(*report, "load_s"),
                                         .run = to_durations(*report, "run_s")};
    }
    return queue;
}

json::value parse(std::string_view text) {
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    if (error) return {};
    return value;
}

}  // namespace

base::Result<JobView> parse_job(std::string_view text) { return to_job(parse(text)); }

base::Result<JobList> parse_jobs(std::string_view text) {
    const json::value value = parse(text);
    const json::object* const object = value.if_object();
    const json::value* const list = object == nullptr ? nullptr : object->if_contains("jobs");
    if (list == nullptr || !list->is_array()) return not_a_daemon("jobs");
    JobList read;
    for (const json::value& item : list->get_array()) read.jobs.push_back(WL_TRY(to_job(item)));
    read.next = read_text(*object, "next");
    return read;
}

base::Result<std::vector<QueueView>> parse_queues(std::string_view text) {
    const json::value value = parse(text);
    const json::object* const object = value.if_object();
    const json::object* const models = object == nullptr ? nullptr : find_object(*object, "models");
    if (models == nullptr) return not_a_daemon("jobs");
    std::vector<QueueView> queues = {to_queue(*object, "")};
    for (const auto& [name, queue] : *models) {
        if (queue.is_object()) queues.push_back(to_queue(queue.get_object(), std::string{name}));
    }
    return queues;
}

base::Result<std::uint64_t> parse_count(std::string_view text) {
    const json::value value = parse(text);
    const json::object* const object = value.if_object();
    const auto count = object == nullptr ? std::nullopt : read_count(*object, "count");
    if (!count) return not_a_daemon("jobs");
    return *count;
}

}  // namespace windlass::cli
