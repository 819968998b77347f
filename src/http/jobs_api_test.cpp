// The paths of jobs, through a real server: what reaches the backend, and what comes back.
#include "http/jobs_api.h"

#include <doctest/doctest.h>

#include "http/jobs_json.h"
#include "http/testing/server_bench.h"

using namespace std::chrono_literals;
namespace http = windlass::http;
namespace base = windlass::base;
using http::JobAction;
using http::testing::FakeJobs;
using http::testing::get;
using http::testing::post;
using http::testing::Received;
using http::testing::ServerBench;

namespace {

std::string deletion(std::string_view path) {
    return "DELETE " + std::string{path} + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}

struct JobsBench : ServerBench {
    FakeJobs& jobs = backend.fake_jobs;
};

}  // namespace

TEST_CASE("a job is accepted once it is kept, and a key that came before is answered 200") {
    JobsBench bench;
    const std::string body = R"({"model":"flux","input":{"x":1.0},"key":"k"})";
    const Received accepted = bench.exchange_alone(post("/api/jobs", body));
    CHECK(accepted.status == 202);
    CHECK(accepted.head.starts_with("HTTP/1.1 202 Accepted\r\n"));
    CHECK(accepted.field("Location") == "/api/jobs/j17");
    CHECK(accepted.body == R"({"id":"j17","state":"available","new":true})");
    REQUIRE(bench.jobs.submissions.size() == 1);
    CHECK(bench.jobs.submissions[0].body == R"({"x":1.0})");
    bench.jobs.is_known = true;
    const Received again = bench.exchange_alone(post("/api/jobs", body));
    CHECK(again.status == 200);
    CHECK(again.body == R"({"id":"j17","state":"succeeded","new":false})");
    CHECK(bench.exchange_alone(post("/api/jobs", "{}")).status == 400);
    CHECK(bench.exchange_alone(post("/api/jobs?wait=1", body)).status == 400);
    CHECK(bench.jobs.submissions.size() == 2);
}

TEST_CASE("a body of any type is handed over with its wishes in the head") {
    JobsBench bench;
    const Received accepted = bench.exchange_alone(
        post("/api/models/my%20model/jobs", "\x89PNG",
             "Content-Type: image/png\r\nX-Windlass-Priority: 2\r\nX-Windlass-Variant: fp16\r\n"
             "X-Windlass-Key: k1\r\nX-Windlass-Tenant: anna\r\nX-Windlass-Run-Timeout: 1h\r\n"
             "X-Windlass-Run-At: 2100-01-01T00:00:00Z\r\nX-Windlass-Stall-Timeout: 30s\r\n"
             "X-Windlass-Deadline: 2100-01-01T02:00:00+01:00\r\n"));
    CHECK(accepted.status == 202);
    REQUIRE(bench.jobs.submissions.size() == 1);
    CHECK(bench.jobs.submissions[0] == http::JobSubmission{.model = "my model",
                                                           .content_type = "image/png",
                                                           .body = "\x89PNG",
                                                           .variant = "fp16",
                                                           .priority = 2,
                                                           .tenant = "anna",
                                                           .key = "k1",
                                                           .run_at_ms = 4'102'444'800'000,
                                                           .deadline_ms = 4'102'448'400'000,
                                                           .run_timeout = 1h,
                                                           .stall_timeout = 30s});
    for (const char* bad :
         {"X-Windlass-Key: \r\n", "X-Windlass-Run-At: soon\r\n",
          "X-Windlass-Key: a\r\nX-Windlass-Key: b\r\n",
          "X-Windlass-Deadline: 2020-01-01T00:00:00Z\r\n", "X-Windlass-Run-Timeout: 0s\r\n"}) {
        CAPTURE(bad);
        const Received refused = bench.exchange_alone(post("/api/models/m/jobs", "x", bad));
        CHECK(refused.status == 400);
        CHECK(refused.body.contains(R"("model":"m")"));
    }
    CHECK(bench.jobs.submissions.size() == 1);
}

TEST_CASE("a full queue is 429, and says when to come again") {
    JobsBench bench;
    bench.jobs.error = base::Error{
        .code = base::Errc::queue_full, .message = "10 jobs wait", .retry_after = 1'500ms};
    const Received refused =
        bench.exchange_alone(post("/api/jobs", R"({"model":"flux","input":1})"));
    CHECK(refused.status == 429);
    CHECK(refused.field("Retry-After") == "2");
    CHECK(refused.body.contains(R"("model":"flux")"));
}

TEST_CASE("a job can be awaited, and the wait ends with its client") {
    JobsBench bench;
    CHECK(bench.exchange_alone(get("/api/jobs/j17")).body ==
          http::to_json(http::testing::fake_job()));
    const auto waiting = bench.connect();
    waiting->send(get("/api/jobs/j17?wait=30s"));
    REQUIRE(bench.until([&] { return bench.jobs.waits.size() == 1; }));
    CHECK(bench.jobs.waits[0].wait == 30s);
    bench.jobs.waits[0].reply(http::testing::fake_job());
    CHECK(bench.receive(*waiting).status == 200);

    waiting->send(get("/api/jobs/j17?wait=30s"));
    REQUIRE(bench.until([&] { return bench.jobs.waits.size() == 2; }));
    waiting->close();
    REQUIRE(bench.until([&] { return !bench.jobs.withdrawn.empty(); }));
    CHECK(bench.jobs.withdrawn == std::vector{bench.jobs.waits[1].number});
    CHECK(bench.backend.gone.empty());
    bench.jobs.waits[1].reply(http::testing::fake_job());  // nobody is there any more
}

TEST_CASE("a result comes as what it is, a failure as its own error") {
    JobsBench bench;
    const Received image = bench.exchange_alone(get("/api/jobs/j17/result"));
    CHECK(image.status == 200);
    CHECK(image.field("Content-Type") == "image/png");
    CHECK(image.field("X-Windlass-Job-Id") == "j17");
    CHECK(image.body == "\x89PNG");
    bench.jobs.error = base::fail(base::Errc::stalled, "no progress for 30s");
    const Received failed = bench.exchange_alone(get("/api/jobs/j17/result"));
    CHECK(failed.status == 504);
    CHECK(failed.body ==
          R"({"error":{"type":"stalled","message":"no progress for 30s","job":"j17"}})");
}

TEST_CASE("orders for one job, and for many") {
    JobsBench bench;
    for (const auto& [name, action] :
         {std::pair{"cancel", JobAction::cancel}, std::pair{"retry", JobAction::retry},
          std::pair{"hold", JobAction::hold}, std::pair{"release", JobAction::release}}) {
        const std::string one = "/api/jobs/a%2fb/" + std::string{name};
        const std::string many = "/api/jobs/" + std::string{name} + "?model=m&state=failed";
        bench.jobs.orders.clear();
        CHECK(bench.exchange_alone(post(one, "")).status == 200);
        CHECK(bench.exchange_alone(post(many, "")).body == R"({"count":3})");
        CHECK(bench.jobs.orders ==
              std::vector{
                  FakeJobs::Order{.action = action, .id = "a/b"},
                  FakeJobs::Order{.action = action,
                                  .filter = {.states = {http::JobState::failed}, .model = "m"}}});
        CHECK(bench.exchange_alone(post("/api/jobs/" + std::string{name}, "")).status == 400);
        CHECK(bench.exchange_alone(get(one)).field("Allow") == "POST");
        CHECK(bench.exchange_alone(post(one + "?force=1", "")).status == 400);
    }
    bench.jobs.orders.clear();
    CHECK(bench.exchange_alone(deletion("/api/jobs/j1")).status == 200);
    CHECK(bench.exchange_alone(deletion("/api/jobs?all=1")).status == 200);
    CHECK(bench.exchange_alone(deletion("/api/jobs")).status == 400);
    CHECK(bench.jobs.orders == std::vector{FakeJobs::Order{.action = JobAction::remove, .id = "j1"},
                                           FakeJobs::Order{.action = JobAction::remove}});
    bench.jobs.error = base::fail(base::Errc::conflict, "it runs");
    const Received refused = bench.exchange_alone(deletion("/api/jobs/j1"));
    CHECK(refused.status == 409);
    CHECK(refused.body.contains(R"("job":"j1")"));
}

TEST_CASE("lists, queues and a job's events") {
    JobsBench bench;
    CHECK(
        bench.exchange_alone(get("/api/jobs?state=held&limit=7")).body.contains(R"("next":"j17")"));
    REQUIRE(bench.jobs.queries.size() == 1);
    CHECK(bench.jobs.queries[0].limit == 7);
    CHECK(bench.exchange_alone(get("/api/jobs?states=held")).status == 400);
    CHECK(bench.exchange_alone(get("/api/queue")).body.contains(R"("pending":6)"));
    CHECK_FALSE(bench.exchange_alone(get("/api/queue")).body.contains("recent_24h"));
    CHECK(bench.exchange_alone(get("/api/queue?detailed=true")).body.contains("recent_24h"));
    CHECK(bench.exchange_alone(get("/api/queue?since=7d")).status == 400);

    CHECK(bench.exchange_alone(get("/api/jobs/j17/events?after=3")).body.contains(R"("number":4)"));
    CHECK(bench.exchange_alone(get("/api/jobs/j17/events?job=j18")).status == 400);
    const auto follower = bench.connect();
    follower->send(get("/api/jobs/j17/events?follow=1"));
    REQUIRE(bench.until([&] { return bench.backend.followers.size() == 1; }));
    CHECK(bench.backend.followers[0].query.filter.job == "j17");
}
