// What the daemon says of incidents, read and shown.
#include "cli/incident_text.h"

#include <doctest/doctest.h>

#include <ostream>

namespace cli = windlass::cli;

namespace {

constexpr std::string_view kIncidents =
    R"j({"incidents":[{"id":2,"detected_at":"2026-11-21T08:06:02.299Z","worker":3,"pid":4711,)j"
    R"j("model":"digits","device":"GPU-1","request":"r17","cause":{"type":"timeout",)j"
    R"j("message":"too long\u001b[2J"},"how":"was killed by signal 9 (SIGKILL)","leftovers":1,)j"
    R"j("steps":[{"step":"detected","after_ms":0.000},{"step":"looked_at","after_ms":84.120},)j"
    R"j({"step":"killed","after_ms":12084.702},{"step":"reaped","after_ms":12087.113},)j"
    R"j({"step":"proved","after_ms":12187.113,"by":"driver","bytes":3221225472},)j"
    R"j({"step":"resumed","after_ms":314120.050}],"progress":null,"heartbeat_age_s":300.120,)j"
    R"j("evidence":{"took_ms":84.007,"complete":true,"threads":[{"process":4711,"thread":4712,)j"
    R"j("name":"python3","state":"D","wait_channel":"futex_do_wait","kernel_stack":["k+0x1"],)j"
    R"j("native_stack":["0x1 f (libc.so.6)"]}],"python_stacks":["Current thread"],)j"
    R"j("missing":["kernel stacks: not permitted"],"device":{"worker_bytes":3221225472,)j"
    R"j("used_bytes":null,"busy_percent":100,"age_s":1.204}},"output":["at step 7"]},)j"
    R"j({"id":1,"detected_at":"2026-11-21T08:05:00.000Z","worker":2,"pid":4700,"model":"mine",)j"
    R"j("device":"cpu","request":null,"cause":null,"how":null,"leftovers":0,"steps":[],)j"
    R"j("progress":null,"heartbeat_age_s":null,"evidence":null}]})j";

std::vector<cli::IncidentState> incidents() {
    auto parsed = cli::parse_incidents(kIncidents);
    REQUIRE(parsed);
    return *std::move(parsed);
}

}  // namespace

TEST_CASE("incidents stand in a table with the time of each step and the memory that came back") {
    CHECK(cli::incidents_table(incidents()) ==
          "ID  TIME                      MODEL   WORKER  DEVICE  CAUSE    REQUEST  PROVED  STEPS\n"
          "2   2026-11-21T08:06:02.299Z  digits  3       GPU-1   timeout  r17      3 GiB   "
          "looked at 84 ms, killed 12.0 s, reaped 2 ms, proved 100 ms, resumed 5 min\n"
          "1   2026-11-21T08:05:00.000Z  mine    2       cpu     -        -        -       -\n");
    CHECK(cli::incidents_table({}) == "no incidents since the daemon's start\n");
}

TEST_CASE("one incident is shown with all that is known of it") {
    CHECK(cli::incident_details(incidents().front()) ==
          "incident   2\n"
          "detected   2026-11-21T08:06:02.299Z\n"
          "model      digits\n"
          "worker     3, pid 4711\n"
          "device     GPU-1\n"
          "request    r17\n"
          "cause      timeout: too long [2J\n"
          "end        it was killed by signal 9 (SIGKILL)\n"
          "leftovers  1\n"
          "\n"
          "STEP       AFTER   BYTES\n"
          "detected   0 ms\n"
          "looked_at  84 ms\n"
          "killed     12.1 s\n"
          "reaped     12.1 s\n"
          "proved     12.2 s  3 GiB\n"
          "resumed    5 min\n"
          "\n"
          "the device, 1 s before: an unknown amount in use, 3 GiB of it by the worker, busy 100 % "
          "of the time\n"
          "\n"
          "thread 4712 of process 4711 (python3), state D, waits in futex_do_wait\n"
          "  kernel k+0x1\n"
          "  0x1 f (libc.so.6)\n"
          "\n"
          "Python stacks\n"
          "  Current thread\n"
          "\n"
          "missing\n"
          "  kernel stacks: not permitted\n"
          "\n"
          "the last that it printed\n"
          "  at step 7\n");
}

TEST_CASE("one incident as JSON is the API's object, and what is no list of incidents is told") {
    CHECK(cli::incident_json(kIncidents, 1).starts_with(R"({"id":1,"detected_at":)"));
    CHECK(cli::incident_json(kIncidents, 3).empty());
    for (const char* wrong : {"", "[]", "{}", R"({"incidents":[7]})", R"({"incidents":[{}]})"}) {
        CAPTURE(std::string{wrong});
        CHECK(cli::parse_incidents(wrong).error().code == windlass::base::Errc::data_corrupt);
    }
}
