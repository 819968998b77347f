// `windlass jobs`: what there is, and what is done with one or many by hand.
#include <fmt/core.h>
#include <unistd.h>
#include <windlass/client.h>

#include <chrono>
#include <utility>

#include "cli/call.h"
#include "cli/failure_text.h"
#include "cli/job_follow.h"
#include "cli/job_text.h"
#include "cli/output_json.h"

namespace windlass::cli {
namespace {

std::int64_t now_ms() {
    const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count();
}

std::string as_line(const std::string& json) { return json + (json.ends_with('\n') ? "" : "\n"); }

CommandOutcome list_jobs(const JobsArguments& arguments, Client& client) {
    const Outcome<std::string> answer = client.jobs(arguments.query);
    if (!answer) return failed(answer.error(), arguments.json);
    if (arguments.json) return {.out = as_line(*answer)};
    const auto jobs = parse_jobs(*answer);
    if (!jobs) return failed(jobs.error(), false);
    return {.out = jobs_table(*jobs, now_ms())};
}

CommandOutcome show_job(const JobsArguments& arguments, Client& client) {
    const Outcome<std::string> answer = client.job(arguments.id);
    if (!answer) return failed(answer.error(), arguments.json);
    if (arguments.json) return {.out = as_line(*answer)};
    const auto job = parse_job(*answer);
    if (!job) return failed(job.error(), false);
    return {.out = job_details(*job)};
}

CommandOutcome show_result(const JobsArguments& arguments, Client& client) {
    const Outcome<JobResult> result = client.job_result(arguments.id);
    if (!result) return failed(result.error(), arguments.json);
    if (!arguments.json || arguments.output) {
        CommandOutcome shown = show_body(result->body, result->content_type, arguments.output,
                                         isatty(STDOUT_FILENO) != 0);
        if (!arguments.json || shown.exit_code != 0) return shown;
    }
    return {.out = result_json(arguments.id, *result)};
}

// Ends as the job does: with the exit code of its error.
CommandOutcome follow(const JobsArguments& arguments, Client& client) {
    const auto followed = follow_job(client, arguments.id, Following::visibly);
    if (!followed) return failed(followed.error(), arguments.json);
    CommandOutcome outcome{.out = arguments.json ? as_line(followed->json)
                                                 : job_line(followed->job) + "\n"};
    if (followed->job.state == "succeeded") return outcome;
    const Outcome<JobResult> result = client.job_result(arguments.id);
    if (result) return outcome;
    const CommandOutcome failure = failed(result.error(), false);
    outcome.exit_code = failure.exit_code;
    outcome.err = failure.err;
    return outcome;
}

CommandOutcome order(const JobsArguments& arguments, Client& client) {
    const bool is_one = !arguments.id.empty();
    const Outcome<std::string> answer = is_one
                                            ? client.order_job(arguments.order, arguments.id)
                                            : client.order_jobs(arguments.order, arguments.query);
    if (!answer) return failed(answer.error(), arguments.json);
    if (arguments.json) return {.out = as_line(*answer)};
    if (!is_one) {
        const auto count = parse_count(*answer);
        if (!count) return failed(count.error(), false);
        return {.out = fmt::format("{} job{}\n", *count, *count == 1 ? "" : "s")};
    }
    const auto job = parse_job(*answer);
    if (!job) return failed(job.error(), false);
    if (arguments.order == JobOrder::remove) return {.out = job->id + " is forgotten\n"};
    return {.out = job_line(*job) + "\n"};
}

}  // namespace

CommandOutcome run(const JobsArguments& arguments) {
    Client client{{.url = arguments.url}};
    switch (arguments.action) {
        case JobsAction::list: return list_jobs(arguments, client);
        case JobsAction::show: return show_job(arguments, client);
        case JobsAction::result: return show_result(arguments, client);
        case JobsAction::follow: return follow(arguments, client);
        case JobsAction::order: return order(arguments, client);
    }
    std::unreachable();
}

CommandOutcome run(const QueueArguments& arguments) {
    Client client{{.url = arguments.url}};
    const Outcome<std::string> answer = client.queue(arguments.detailed ? "detailed=1" : "");
    if (!answer) return failed(answer.error(), arguments.json);
    if (arguments.json) return {.out = as_line(*answer)};
    const auto queues = parse_queues(*answer);
    if (!queues) return failed(queues.error(), false);
    const std::string ended = ended_tables(*queues);
    return {.out = queue_table(*queues) +
                   (ended.empty() ? "" : "\nended in the last 24 hours:\n" + ended)};
}

CommandOutcome run(const ReportArguments& arguments) {
    Client client{{.url = arguments.url}};
    const Outcome<std::string> queue = client.queue("detailed=1&since=" + arguments.since);
    if (!queue) return failed(queue.error(), arguments.json);
    const Outcome<std::string> answer = client.incidents();
    if (!answer) return failed(answer.error(), arguments.json);
    const auto queues = parse_queues(*queue);
    if (!queues) return failed(queues.error(), arguments.json);
    const auto incidents = parse_incidents(*answer);
    if (!incidents) return failed(incidents.error(), arguments.json);
    // The second is an object, too: its fields go on where the first one's stand.
    if (arguments.json) return {.out = R"({"queue":)" + *queue + "," + answer->substr(1) + "\n"};
    const auto back = base::parse_duration(arguments.since).value_or(base::Duration{});
    const std::int64_t since_ms = now_ms() - back / std::chrono::milliseconds{1};
    return {.out = fmt::format("jobs now:\n{}\nended in the last {}:\n{}\nincidents:\n{}",
                               queue_table(*queues), arguments.since, ended_tables(*queues),
                               incident_counts(*incidents, since_ms))};
}

}  // namespace windlass::cli
