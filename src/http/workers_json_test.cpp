// What clients read of workers and incidents.
#include "http/workers_json.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "http/testing/fake_backend.h"
#include "http/workers_api.h"

namespace base = windlass::base;
namespace http = windlass::http;

TEST_CASE("a worker says what it does, and null where nothing is known") {
    const http::testing::FakeBackend backend{};
    CHECK(http::list_workers(backend).body ==
          R"({"workers":[{"id":3,"pid":4711,"model":"digits","device":"cpu","state":"ready",)"
          R"("since_s":2.000,"next":null,"claimed_bytes":null,"claimed_peak_bytes":null,)"
          R"("used_bytes":7,"used_peak_bytes":null,"allocator_bytes":null,)"
          R"("allocator_peak_bytes":null,"running":["r1"],"runs":[{"request":"r1",)"
          R"("since_s":1.000,"limit_in_s":null,"peak_bytes":null,"shared":false,)"
          R"("progress":null}],"heartbeat_age_s":0.300,"progress":)"
          R"({"request":"r1","step":3,"total":null,"phase":null,"age_s":0.000}}]})");
    CHECK(http::to_json(http::WorkerStatus{
              .id = 1,
              .pid = 2,
              .state = "loading",
              .next = http::NextMoveStatus{.step = "limit", .in = std::chrono::seconds{9}}}) ==
          R"({"id":1,"pid":2,"model":"","device":null,"state":"loading","since_s":0.000,)"
          R"("next":{"step":"limit","in_s":9.000},"claimed_bytes":null,)"
          R"("claimed_peak_bytes":null,"used_bytes":null,"used_peak_bytes":null,)"
          R"("allocator_bytes":null,"allocator_peak_bytes":null,"running":[],"runs":[],)"
          R"("heartbeat_age_s":null,"progress":null})");
}

TEST_CASE("an incident has its steps with their times, and the evidence") {
    CHECK(
        http::list_incidents(http::testing::FakeBackend{}).body ==
        R"j({"incidents":[{"id":1,"detected_at":"2026-01-02T03:04:05.678Z","worker":3,)j"
        R"j("pid":4711,"model":"digits","device":"cpu","request":"r1",)j"
        R"j("cause":{"type":"timeout","message":"too long"},)j"
        R"j("how":"was killed by signal 9 (SIGKILL)","leftovers":1,)j"
        R"j("steps":[{"step":"detected","after_ms":0.000},{"step":"killed","after_ms":2000.000}],)j"
        R"j("progress":null,"heartbeat_age_s":null,"evidence":{"took_ms":70.000,)j"
        R"j("complete":true,"threads":[{"process":4711,"thread":4712,"name":"python3",)j"
        R"j("state":"S","wait_channel":"futex_wait","kernel_stack":[],)j"
        R"j("native_stack":["0x1 f+0x2 (libc.so.6)"]}],)j"
        R"j("python_stacks":["Thread 0x1 (most recent call first):"],)j"
        R"j("missing":["kernel stack of thread 4712: not permitted"],)j"
        R"j("device":{"worker_bytes":null,"used_bytes":null,"busy_percent":null,)j"
        R"j("age_s":null,"earlier":[]}},"output":[]}]})j");
}

TEST_CASE("the incident of a GPU says what its driver showed, and who proved the memory back") {
    const std::string text = http::to_json(std::vector{http::IncidentStatus{
        .device = "GPU-1",
        .steps = {{.name = "proved",
                   .after = std::chrono::milliseconds{2'100},
                   .bytes = base::Bytes{4096},
                   .by = "driver"}},
        .evidence = http::EvidenceStatus{
            .activity = {.last = {.worker_bytes = base::Bytes{4096},
                                  .used = base::Bytes{8192},
                                  .busy_percent = 100,
                                  .age = std::chrono::milliseconds{500}},
                         .earlier = {{.used = base::Bytes{9}, .age = std::chrono::seconds{2}}}}}}});
    CHECK(text.contains(
        R"("steps":[{"step":"proved","after_ms":2100.000,"by":"driver","bytes":4096}])"));
    CHECK(text.contains(
        R"("device":{"worker_bytes":4096,"used_bytes":8192,"busy_percent":100,"age_s":0.500,)"
        R"("earlier":[{"worker_bytes":null,"used_bytes":9,"busy_percent":null,"age_s":2.000}]})"));
}

TEST_CASE("a kill is taken for a worker that is there, by its number") {
    http::testing::FakeBackend backend;
    CHECK(http::kill_worker(backend, "3").status == 200);
    for (const char* id : {"4", "", "x", "3x", "-3", "99999999999999999999"}) {
        CHECK(http::kill_worker(backend, id).status == 404);
    }
}
