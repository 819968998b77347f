// Jobs and queues as JSON, byte for byte.
#include "http/jobs_json.h"

#include <doctest/doctest.h>

#include "http/testing/fake_jobs.h"

using namespace std::chrono_literals;
namespace http = windlass::http;
namespace base = windlass::base;
using http::testing::fake_job;

namespace {

const std::string kJob =
    R"("id":"j17","model":"flux","variant":"fp16","state":"running","reason":null,"priority":2,)"
    R"("tenant":"anna","key":"k1","created_at":"2026-01-02T03:04:05.678Z","run_at":null,)"
    R"("deadline":"2026-01-02T03:05:05.678Z","started_at":"2026-01-02T03:04:10.000Z",)"
    R"("finished_at":null,"attempts":2,"failures":1,"max_failures":5,"crashes":0,"max_crashes":3,)"
    R"("progress":{"step":12,"total":50,"phase":"denoise","age_s":1.250},"running_for_s":7.000,)"
    R"("error":{"type":"out_of_memory","message":"too large"},"result":null)";

}  // namespace

TEST_CASE("a job, with its attempts") {
    CHECK(http::to_json(fake_job()) ==
          "{" + kJob +
              R"(,"history":[{"number":1,"outcome":"failed","worker":3,"pid":4711,)"
              R"("device":"GPU-1","started_at":"2026-01-02T03:04:06.000Z",)"
              R"("ended_at":"2026-01-02T03:04:07.000Z","settings":null,)"
              R"("error":{"type":"out_of_memory","message":"too large"},"evidence":null},)"
              R"({"number":2,"outcome":null,"worker":null,"pid":null,"device":null,)"
              R"("started_at":"2026-01-02T03:04:10.000Z","ended_at":null,)"
              R"("settings":{"steps":20},"error":null,"evidence":null}]})");
}

TEST_CASE("a job that says little, and one with a result") {
    const http::JobStatus job{.id = "j1",
                              .model = "m",
                              .state = http::JobState::succeeded,
                              .result_type = "image/png",
                              .result_bytes = 9};
    const std::string json = http::to_json(job);
    CHECK(json.contains(R"("variant":null,"state":"succeeded","reason":null)"));
    CHECK(json.contains(R"("progress":null,"running_for_s":null,"error":null,)"
                        R"("result":{"content_type":"image/png","bytes":9},"history":[]})"));
}

TEST_CASE("a page of jobs has no attempts, and says how to go on") {
    CHECK(http::to_json(http::JobPage{.jobs = {fake_job()}, .next = "j17"}) ==
          R"({"jobs":[{)" + kJob + R"(}],"next":"j17"})");
    CHECK(http::to_json(http::JobPage{}) == R"({"jobs":[],"next":null})");
}

TEST_CASE("queues have the keys that they have everywhere") {
    const std::string counts =
        R"("pending":6,"processing":4,"completed":5,"failed":6,"cancelled":7,"total":28,)"
        R"("queue_size":6,"scheduled":1,"available":2,"held":3,"oldest_s":9.000)";
    http::testing::FakeJobs jobs;
    std::string told;
    const auto ask = [&](std::optional<base::Duration> since) {
        jobs.queues(since, [&](const auto& queues) {
            REQUIRE(queues);
            told = http::to_json(*queues, since);
        });
        return told;
    };
    CHECK(ask({}) == "{" + counts + R"(,"models":{"flux":{"paused":true,)" + counts + "}}}");
    const std::string report =
        R"(,"recent_24h":{"completed":9,"failed":1,"cancelled":0,"retries":2,"stalls":1,)"
        R"("crashes":0,"queue_s":{"average":null,"p50":null,"p95":null},)"
        R"("load_s":{"average":null,"p50":null,"p95":null},)"
        R"("run_s":{"average":1.500,"p50":1.000,"p95":3.000}},)"
        R"("avg_processing_time_seconds":1.500,"failure_rate":0.100)";
    CHECK(ask(24h) ==
          "{" + counts + report + R"(,"models":{"flux":{"paused":true,)" + counts + report + "}}}");
    CHECK(http::to_json(std::vector<http::QueueStatus>{}, 1h)
              .ends_with(R"("failure_rate":null,"models":{}})"));
    CHECK(http::to_json(std::vector<http::QueueStatus>{}, 1h).contains(R"("recent":{)"));
}

TEST_CASE("tickets and counts") {
    CHECK(http::to_json(http::JobTicket{.id = "j1", .state = http::JobState::scheduled}) ==
          R"({"id":"j1","state":"scheduled","new":true})");
    CHECK(http::count_json(0) == R"({"count":0})");
}
