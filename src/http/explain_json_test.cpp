// The JSON of explanations.
#include "http/explain_json.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace http = windlass::http;
using namespace std::chrono_literals;
using namespace windlass::base;  // _GiB

TEST_CASE("an explanation of a request: what is not known is null, never 0") {
    const http::ExplanationStatus told{
        .subject = "r17",
        .kind = "request",
        .model = "big",
        .asked = "call",
        .state = "waiting",
        .reason = "memory",
        .sentence = "It waits.",
        .advice = {{.command = "windlass models unload small", .what = "frees 3 GiB"}},
        .position = 2,
        .waiting = 3,
        .next = http::NextChange{.step = "make_room", .in = 51s, .worker = 7, .model = "small"},
        .memory = http::ExplainedMemory{.device = "GPU-1",
                                        .need_source = "configured",
                                        .required = 6_GiB,
                                        .holders = {{.kind = "foreign",
                                                     .doing = "foreign",
                                                     .bytes = 1_GiB,
                                                     .strangers = {{.pid = 812}}}}},
        .is_stuck = true};
    const std::string json = http::to_json(told);
    for (const char* part :
         {R"("subject":"r17")", R"("reason":"memory")", R"("position":2)",
          R"("wait_limit_in_s":null)",
          R"("next":{"step":"make_room","in_s":51.000,"worker":7,"model":"small")",
          R"("required_bytes":6442450944)", R"("free_bytes":null)", R"("pid":null)",
          R"("processes":[{"pid":812,"name":null,"bytes":null}])", R"("error":null)"}) {
        CAPTURE(part);
        CHECK(json.find(part) != json.npos);
    }
}

TEST_CASE("an explanation of a model counts who waits for what") {
    const http::ExplanationStatus told{.subject = "big",
                                       .kind = "model",
                                       .model = "big",
                                       .state = "backoff",
                                       .error = fail(Errc::internal, "boom"),
                                       .incident = 4,
                                       .waits = {{"backoff", 2}},
                                       .first = "r17"};
    const std::string json = http::to_json(std::vector{told});
    CHECK(json.starts_with(R"({"explanations":[{"subject":"big")"));
    CHECK(json.find(R"("waits":{"backoff":2},"first":"r17")") != json.npos);
    CHECK(json.find(R"("error":{"type":"internal","message":"boom"})") != json.npos);
    CHECK(json.find(R"("incident":4)") != json.npos);
}
