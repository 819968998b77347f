// `windlass submit`, `jobs`, `queue` and `report`: their words, and how what a daemon says looks.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/job_text.h"
#include "cli/progress_meter.h"

using namespace std::chrono_literals;
namespace cli = windlass::cli;
using windlass::JobOrder;

namespace {

template <class Arguments>
Arguments parsed(const std::vector<std::string>& words) {
    const cli::Command command = cli::parse_command_line(words);
    REQUIRE(std::holds_alternative<Arguments>(command));
    return std::get<Arguments>(command);
}

std::string usage_mistake(const std::vector<std::string>& words) {
    const cli::Command command = cli::parse_command_line(words);
    REQUIRE(std::holds_alternative<cli::Printout>(command));
    CHECK(std::get<cli::Printout>(command).exit_code == 2);
    return std::get<cli::Printout>(command).text;
}

constexpr std::string_view kJob =
    R"({"id":"j17","model":"flux","variant":"fp16","state":"running","reason":null,"priority":2,)"
    R"("tenant":"anna","key":"k1","created_at":"2026-01-02T03:04:05.678Z","run_at":null,)"
    R"("deadline":"2026-01-02T03:05:05.678Z","started_at":"2026-01-02T03:04:10.000Z",)"
    R"("finished_at":null,"attempts":2,"failures":1,"max_failures":5,"crashes":0,"max_crashes":3,)"
    R"("progress":{"step":12,"total":50,"phase":"denoise","age_s":1.250},"running_for_s":7.000,)"
    R"("error":{"type":"out_of_memory","message":"too\nlarge"},)"
    R"("result":{"content_type":"image/png","bytes":2048},"history":[{"number":1,)"
    R"("outcome":"failed","worker":3,"pid":4711,"device":"GPU-1",)"
    R"("started_at":"2026-01-02T03:04:06.000Z","ended_at":"2026-01-02T03:04:07.000Z",)"
    R"("settings":{"steps":20},"error":{"type":"out_of_memory","message":"too large"},)"
    R"("evidence":{"x":1}}]})";

constexpr std::int64_t kNow = 1'767'323'105'678;  // 2026-01-02T03:05:05.678Z

}  // namespace

TEST_CASE("a job is handed over with what is wished") {
    const auto all = parsed<cli::SubmitArguments>(
        {"submit",          "flux", "--file",     "a.png",    "--priority",    "2",
         "--variant",       "fp16", "--key",      "k",        "--tenant",      "t",
         "--run-at",        "10m",  "--deadline", "2h",       "--run-timeout", "1h",
         "--stall-timeout", "30s",  "--follow",   "--output", "b.png",         "--content-type",
         "image/png"});
    CHECK(all.model == "flux");
    CHECK(all.file == "a.png");
    CHECK(all.content_type == "image/png");
    CHECK(all.options.priority == 2);
    CHECK(all.options.variant == "fp16");
    CHECK(all.options.key == "k");
    CHECK(all.options.tenant == "t");
    CHECK(all.options.run_at == "10m");
    CHECK(all.options.deadline == "2h");
    CHECK(all.options.run_timeout == 1h);
    CHECK(all.options.stall_timeout == 30s);
    CHECK(all.follow);
    CHECK(all.output == "b.png");
    const auto little = parsed<cli::SubmitArguments>({"submit", "m", "-"});
    CHECK(little.file == "-");
    CHECK_FALSE(little.options.priority.has_value());
    CHECK_FALSE(little.options.run_timeout.has_value());
    CHECK(usage_mistake({"submit", "m"}).contains("nothing to send"));
    CHECK(usage_mistake({"submit", "m", "-", "--output", "x"}).contains("add --wait or --follow"));
    CHECK(usage_mistake({"submit", "m", "-", "--run-timeout", "0s"}).contains("above 0"));
    CHECK(usage_mistake({"submit", "m", "-", "--folow"}).contains("did you mean `--follow`?"));
}

TEST_CASE("which jobs are meant becomes the query of the API") {
    const auto query = [](const std::vector<std::string>& words) {
        return parsed<cli::JobsArguments>(words).query;
    };
    CHECK(query({"jobs"}) == "state=scheduled,available,held,running&limit=100");
    CHECK(query({"jobs", "list", "--all", "--limit", "5", "--after", "j9"}) == "limit=5&after=j9");
    CHECK(query({"jobs", "list", "--state", "failed,held", "--model", "a&b", "--key", "k"}) ==
          "state=failed,held&model=a%26b&key=k&limit=100");
    CHECK(query({"jobs", "cancel", "--model", "m"}) == "model=m");
    CHECK(query({"jobs", "delete", "--all"}) == "all=1");
    const auto one = parsed<cli::JobsArguments>({"jobs", "retry", "j17", "--json"});
    CHECK(one.action == cli::JobsAction::order);
    CHECK(one.order == JobOrder::retry);
    CHECK(one.id == "j17");
    CHECK(one.json);
    CHECK(parsed<cli::JobsArguments>({"jobs", "follow", "j1"}).action == cli::JobsAction::follow);
    CHECK(parsed<cli::JobsArguments>({"jobs", "result", "j1", "--output", "x"}).output == "x");
    CHECK(usage_mistake({"jobs", "cancel"}).contains("say which jobs"));
    CHECK(usage_mistake({"jobs", "cancel", "j1", "--all"}).contains("say which jobs"));
    CHECK(usage_mistake({"jobs", "list", "--state", "done"}).contains("--state: done"));
    CHECK(usage_mistake({"jobs", "canccel", "j1"}).contains("did you mean `cancel`?"));
    CHECK(parsed<cli::ReportArguments>({"report", "--since", "7d"}).since == "7d");
    CHECK(usage_mistake({"report", "--since", "yesterday"}).contains("must be a duration"));
    CHECK(parsed<cli::QueueArguments>({"queue", "--detailed"}).detailed);
}

TEST_CASE("jobs as a table, in detail and on a line") {
    const auto job = cli::parse_job(kJob);
    REQUIRE(job);
    CHECK(cli::jobs_table({.jobs = {*job}, .next = "j5"}, kNow) ==
          "ID   MODEL      STATE    AGE   ATTEMPTS  NOTE\n"
          "j17  flux:fp16  running  60 s  2         denoise [####----------------] 12/50 (24 %)\n"
          "there are more: --after j5 goes on, --limit shows up to 1000\n");
    CHECK(cli::jobs_table({}, kNow) == "no such jobs; --all shows those that are over, too\n");
    CHECK(cli::job_line(*job) == "j17 of flux:fp16: running, attempt 2");
    CHECK(
        cli::job_details(*job) ==
        "job          j17\n"
        "model        flux:fp16\n"
        "state        running\n"
        "priority     2\n"
        "tenant       anna\n"
        "key          k1\n"
        "handed over  2026-01-02T03:04:05.678Z\n"
        "deadline     2026-01-02T03:05:05.678Z\n"
        "began        2026-01-02T03:04:10.000Z\n"
        "attempts     2; 1 of 5 errors, 0 of 3 crashes\n"
        "progress     denoise [####----------------] 12/50 (24 %)\n"
        "running for  7 s\n"
        "error        out_of_memory: too large\n"
        "result       2 KiB of image/png; windlass jobs result j17\n"
        "history:\n"
        "  1. failed, began 2026-01-02T03:04:06.000Z, ended 2026-01-02T03:04:07.000Z, worker 3 on "
        "GPU-1\n"
        "     with {\"steps\":20}\n"
        "     out_of_memory: too large\n"
        "evidence: windlass jobs show j17 --json\n");
    CHECK_FALSE(cli::parse_job("{}"));
    CHECK_FALSE(cli::parse_job("nonsense"));
    CHECK_FALSE(cli::parse_jobs(R"({"jobs":[{}]})"));
    CHECK_FALSE(cli::parse_count("{}"));
}

TEST_CASE("queues, what ended in them, and what broke") {
    const auto queues = cli::parse_queues(
        R"({"pending":6,"processing":4,"completed":5,"failed":6,"cancelled":7,"scheduled":1,)"
        R"("available":2,"held":3,"oldest_s":9.0,"recent_24h":{"completed":9,"failed":1,)"
        R"("cancelled":0,"retries":2,"stalls":1,"crashes":0,"queue_s":{"p50":0.5,"p95":60},)"
        R"("load_s":{},"run_s":{"average":1.5,"p50":1,"p95":300}},)"
        R"("models":{"flux":{"paused":true,"pending":0,"oldest_s":null}}})");
    REQUIRE(queues);
    CHECK(cli::queue_table(*queues) ==
          "MODEL  SCHEDULED  AVAILABLE  HELD  RUNNING  SUCCEEDED  FAILED  CANCELLED  OLDEST  NOTE\n"
          "(all)  1          2          3     4        5          6       7          9 s\n"
          "flux   0          0          0     0        0          0       0          -       "
          "paused\n");
    CHECK(cli::ended_tables(*queues) ==
          "MODEL  SUCCEEDED  FAILED  CANCELLED  RETRIES  STALLS  CRASHES  FAILURE RATE\n"
          "(all)  9          1       0          2        1       0        10.0 %\n"
          "\n"
          "MODEL  WAIT P50  P95   LOAD P50  P95  RUN AVERAGE  P50      P95\n"
          "(all)  0.500 s   60 s  -         -    1.500 s      1.000 s  5 min\n");
    CHECK_FALSE(cli::parse_queues("{}"));
    const std::vector<cli::IncidentState> incidents = {
        {.id = 9, .detected_at = "2026-01-02T03:05:00Z", .model = "m", .cause_type = "stalled"},
        {.id = 8, .detected_at = "2026-01-02T03:04:59Z", .model = "m", .cause_type = "stalled"},
        {.id = 7, .detected_at = "2026-01-01T03:04:59Z", .model = "m", .cause_type = "timeout"}};
    CHECK(cli::incident_counts(incidents, kNow - 60'000 * 60) ==
          "MODEL  CAUSE    INCIDENTS  LATEST\n"
          "m      stalled  2          windlass incidents show 9\n");
    CHECK(cli::incident_counts({}, kNow) == "no worker had to be ended, and none died\n");
}

TEST_CASE("progress has a rate and an end once there were steps to tell them from") {
    cli::ProgressMeter meter;
    cli::JobView job{.id = "j1", .state = "running", .attempts = 1, .total = 50, .phase = "a"};
    job.progress_age_s = 0;
    const auto take = [&](std::uint64_t step, double now_s) {
        job.step = step;
        meter.take(job, now_s);
        return cli::progress_text(job, meter);
    };
    CHECK(take(0, 100) == "a [--------------------] 0/50 (0 %)");
    CHECK(take(10, 105) == "a [####----------------] 10/50 (20 %), 2.0 steps/s, 20 s left");
    CHECK(take(10, 109).ends_with("2.0 steps/s, 16 s left"));  // nothing new, but time goes on
    CHECK(take(10, 200).ends_with("0 s left"));
    job.phase = "b";
    CHECK(take(11, 201) == "b [####----------------] 11/50 (22 %)");
    CHECK(take(12, 241).ends_with("40 s a step, 25 min left"));
    job.attempts = 2;
    CHECK(take(1, 242) == "b [--------------------] 1/50 (2 %)");
    job.total.reset();
    CHECK(take(2, 243) == "b step 2");
    CHECK(take(60, 244) == "b step 60, 58.0 steps/s");
    job.step.reset();
    job.phase.clear();
    meter.take(job, 245);
    CHECK(cli::progress_text(job, meter).empty());
    job.total = 0;
    CHECK(take(3, 246) == "step 3");
}
