// Jobs of the C++ client, and the commands on top of it, against the HTTP server.
#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "base/testing/scratch_directory.h"
#include "cli/commands.h"
#include "contract/running_server.h"
#include "http/testing/fake_backend.h"

using namespace std::chrono_literals;
namespace http = windlass::http;
namespace base = windlass::base;
namespace cli = windlass::cli;
using windlass::Client;
using windlass::JobOrder;

namespace {

// Does what the job's id says: "j17" succeeds, the name of an error type ends with it. A model of
// such a name takes no job.
class JobsByName final : public http::testing::FakeJobs {
  public:
    void submit(http::JobSubmission submission, http::JobSubmitted reply) override {
        if (const auto code = base::find_errc(submission.model)) {
            return reply(base::fail(*code, "as you wish"));
        }
        FakeJobs::submit(std::move(submission), std::move(reply));
    }
    std::uint64_t show(std::string id, base::Duration wait, http::JobShown reply) override {
        if (id == "j99") {
            reply(base::fail(base::Errc::not_found, "there is no job j99"));
            return 0;
        }
        http::JobStatus job = http::testing::fake_job();
        const bool is_failed = base::find_errc(id).has_value();
        // First it runs; whoever waits then sees its end.
        if (wait.count() > 0) {
            job.state = is_failed ? http::JobState::failed : http::JobState::succeeded;
        }
        job.id = std::move(id);
        reply(std::move(job));
        return 0;
    }
    void read_result(std::string id, http::JobResultRead reply) override {
        if (const auto code = base::find_errc(id)) return reply(base::fail(*code, "it broke"));
        reply(http::JobResult{.content_type = "text/plain", .body = "a harbour"});
    }
};

class JobsBackend final : public http::testing::FakeBackend {
  public:
    http::JobBackend& jobs() override { return jobs_by_name; }
    JobsByName jobs_by_name;
};
using JobsServer = windlass::contract::RunningServer<JobsBackend>;

}  // namespace

TEST_CASE("a job goes out as it is wished, and comes back with its id") {
    JobsServer server;
    Client client{server.options()};
    const auto ticket = client.submit("flux", "\x89PNG",
                                      {.content_type = "image/png",
                                       .variant = "fp16",
                                       .priority = 2,
                                       .key = "k1",
                                       .tenant = "anna",
                                       .run_at = "2100-01-01T00:00:00Z",
                                       .deadline = "2100-01-01T01:00:00Z",
                                       .run_timeout = 1h,
                                       .stall_timeout = 1500ms});
    REQUIRE(ticket);
    CHECK(ticket->id == "j17");
    CHECK(ticket->state == "available");
    CHECK(ticket->is_new);
    CHECK(client.submit("queue_full", "").error().exit_code == 6);
    CHECK(client.submit("m", "", {.run_at = "soon"}).error().type == "invalid_input");
    server.stop();
    REQUIRE(server.backend.jobs_by_name.submissions.size() == 1);
    CHECK(server.backend.jobs_by_name.submissions[0] ==
          http::JobSubmission{.model = "flux",
                              .content_type = "image/png",
                              .body = "\x89PNG",
                              .variant = "fp16",
                              .priority = 2,
                              .tenant = "anna",
                              .key = "k1",
                              .run_at_ms = 4'102'444'800'000,
                              .deadline_ms = 4'102'448'400'000,
                              .run_timeout = 1h,
                              .stall_timeout = 1500ms});
}

TEST_CASE("a job can be seen, awaited, fetched and ordered about") {
    JobsServer server;
    Client client{server.options()};
    CHECK(client.job("j17")->contains(R"("state":"running")"));
    CHECK(client.job("j17", 30s)->contains(R"("state":"succeeded")"));
    CHECK(client.job("j99").error().type == "not_found");
    const auto result = client.job_result("j17");
    REQUIRE(result);
    CHECK(result->body == "a harbour");
    CHECK(result->content_type == "text/plain");
    CHECK(client.job_result("stalled").error().exit_code == 7);
    CHECK(client.jobs("state=held")->contains(R"("next":"j17")"));
    CHECK(client.queue()->starts_with(R"({"pending":6)"));
    CHECK(client.queue("detailed=1&since=7d")->contains(R"("recent":{)"));
    for (const JobOrder order :
         {JobOrder::cancel, JobOrder::retry, JobOrder::hold, JobOrder::release, JobOrder::remove}) {
        CHECK(client.order_job(order, "a/b")->contains(R"("id":"j17")"));
        CHECK(client.order_jobs(order, "model=m").value() == R"({"count":3})");
        CHECK(client.order_jobs(order, "").error().type == "invalid_input");
    }
    server.stop();
    const auto& orders = server.backend.jobs_by_name.orders;
    REQUIRE(orders.size() == 10);
    for (std::size_t i = 0; i < orders.size(); ++i) {
        CHECK(orders[i].action == static_cast<http::JobAction>(i / 2));
        CHECK(orders[i].id == (i % 2 == 0 ? "a/b" : ""));
        CHECK(orders[i].filter.model == (i % 2 == 0 ? "" : "m"));
    }
}

TEST_CASE("commands print ids, results and how jobs end") {
    JobsServer server;
    const std::string url = server.options().url;
    const auto submit = [&](cli::SubmitArguments arguments) {
        arguments.url = url;
        arguments.data = "1";
        return cli::run(arguments);
    };
    CHECK(submit({.model = "m"}).out == "j17\n");
    CHECK(submit({.model = "m", .json = true}).out ==
          "{\"id\":\"j17\",\"state\":\"available\",\"new\":true}\n");
    CHECK(submit({.model = "m", .wait = true}).out.starts_with("a harbour"));
    CHECK(submit({.model = "m", .wait = true, .json = true}).out ==
          "{\"id\":\"j17\",\"content_type\":\"text/plain\",\"body\":\"a harbour\"}\n");
    const base::testing::ScratchDirectory folder;
    CHECK(submit({.model = "m", .follow = true, .output = folder.file("x")}).out.empty());
    std::ifstream file{folder.file("x")};
    CHECK(std::string{std::istreambuf_iterator<char>{file}, {}} == "a harbour");
    CHECK(submit({.model = "queue_full"}).exit_code == 6);

    const auto jobs = [&](cli::JobsArguments arguments) {
        arguments.url = url;
        return cli::run(arguments);
    };
    const auto failed = jobs({.action = cli::JobsAction::follow, .id = "worker_lost"});
    CHECK(failed.exit_code == 9);
    CHECK(failed.out == "worker_lost of flux:fp16: failed\n");
    CHECK(failed.err == "windlass: worker_lost: it broke\n");
    CHECK(jobs({.action = cli::JobsAction::follow, .id = "j17"}).exit_code == 0);
    CHECK(jobs({.action = cli::JobsAction::follow, .id = "j99"}).exit_code == 4);
    CHECK(jobs({.action = cli::JobsAction::result, .id = "timeout"}).exit_code == 7);
    CHECK(jobs({.action = cli::JobsAction::show, .id = "j17"}).out.contains("1 of 5 errors"));
    CHECK(jobs({}).out.contains("j17"));
    CHECK(jobs({.action = cli::JobsAction::order, .id = "j17"}).out ==
          "j17 of flux:fp16: running, attempt 2\n");
    CHECK(jobs({.action = cli::JobsAction::order, .query = "all=1"}).out == "3 jobs\n");
    CHECK(cli::run(cli::QueueArguments{.url = url, .detailed = true}).out.contains("10.0 %"));
    const auto report = cli::run(cli::ReportArguments{.url = url, .since = "7d"});
    CHECK(report.out.contains("ended in the last 7d:"));
    CHECK(cli::run(cli::ReportArguments{.url = url, .json = true})
              .out.starts_with(R"({"queue":{"pending":6)"));
}
