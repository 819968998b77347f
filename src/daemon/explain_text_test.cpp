// The words of explanations: a table of what is told, by what there is to tell.
#include "daemon/explain_text.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace http = windlass::http;
using http::ExplainedHolder;
using http::ExplainedMemory;
using http::ExplanationStatus;
using http::NextChange;
using windlass::daemon::explain_advice;
using windlass::daemon::explain_sentence;
using namespace std::chrono_literals;
using namespace windlass::base;  // _MiB, _GiB

namespace {

ExplanationStatus waiting(std::string_view reason) {
    return {.subject = "r17",
            .kind = "request",
            .model = "big",
            .asked = "call",
            .state = "waiting",
            .reason = reason,
            .since = 9s,
            .position = 2,
            .waiting = 3};
}

ExplainedHolder small() {
    return {.kind = "model",
            .model = "small",
            .worker = 7,
            .pid = 4711,
            .doing = "running",
            .bytes = 3_GiB,
            .requests = {"r12"},
            .since = 4s,
            .until = NextChange{.step = "run_timeout", .in = 296s, .worker = 7, .request = "r12"},
            .makes_room_in = 51s};
}

bool advises(const ExplanationStatus& told, std::string_view command) {
    const auto advice = explain_advice(told);
    return std::ranges::any_of(advice, [&](const auto& a) { return a.command == command; });
}

}  // namespace

TEST_CASE("a wait for memory: who needs what, who has it, until when, and what ends it") {
    ExplanationStatus told = waiting("memory");
    told.memory = ExplainedMemory{.device = "GPU-1",
                                  .need_source = "configured",
                                  .required = 6_GiB,
                                  .capacity = 8_GiB,
                                  .free = 4608_MiB,
                                  .missing = 1536_MiB,
                                  .patience_in = 51s,
                                  .holders = {small(),
                                              {.kind = "foreign",
                                               .doing = "foreign",
                                               .bytes = 512_MiB,
                                               .strangers = {{.pid = 812, .name = "python3"}}}}};
    CHECK(explain_sentence(told) ==
          "r17 waits (since 9s) for memory: `big` needs 6 GiB on the device GPU-1, which has 4.5 "
          "GiB free of 8 GiB: 1.5 GiB are missing. Held there: 3 GiB by `small` (running r12 since "
          "4s); in 4m 56s the run is ended (run_timeout); 512 MiB by pid 812 (python3), not "
          "Windlass's. In 51s (max_wait) `small` will finish what it has begun and make room. It "
          "is 2nd of 3.");
    CHECK(advises(told, "windlass models unload small"));
    CHECK(advises(told, "kill 812"));
}

TEST_CASE("nobody is told to end process 1, nor to shorten a wait for strangers") {
    ExplanationStatus told = waiting("memory");
    told.memory = ExplainedMemory{
        .device = "GPU-1",
        .required = 6_GiB,
        .patience_in = 51s,
        .holders = {
            {.kind = "foreign", .doing = "foreign", .bytes = 7_GiB, .strangers = {{.pid = 1}}}}};
    CHECK(explain_advice(told).empty());
    told.memory->holders.push_back(small());
    CHECK(explain_advice(told).size() == 2);
}

TEST_CASE("what runs is told from what was only sent ahead") {
    ExplanationStatus told = waiting("busy");
    ExplainedHolder process = small();
    process.sent_ahead = {"r13", "r14", "r15", "r16"};
    told.processes = {process};
    const std::string text = explain_sentence(told);
    CAPTURE(text);
    CHECK(text.find("is running r12 since 4s (r13, r14, r15 and 1 more sent ahead)") != text.npos);
}

TEST_CASE("fences, leases, the dead and the pinned are named for what they are") {
    ExplanationStatus told = waiting("memory");
    ExplainedHolder pinned = small();
    pinned.is_pinned = true;
    pinned.doing = "idle";
    pinned.requests.clear();
    pinned.until.reset();
    pinned.makes_room_in.reset();
    told.memory = ExplainedMemory{
        .device = "GPU-1",
        .need_source = "learned",
        .required = 6_GiB,
        .promised = 1_GiB,
        .is_asked = true,
        .failed_loads = 1,
        .before = {"other"},
        .holders = {
            pinned,
            {.kind = "lease", .doing = "lent", .bytes = 1_GiB},
            {.kind = "fenced", .model = "old", .worker = 3, .doing = "fenced", .bytes = 2_GiB},
            {.kind = "returning",
             .model = "old",
             .worker = 4,
             .doing = "returning",
             .bytes = 1_GiB,
             .until = NextChange{.step = "fence", .in = 30s}}}};
    const std::string text = explain_sentence(told);
    for (const char* part :
         {"needs 6 GiB (learned)", "does not say how much is free", "1 GiB of that kept",
          "1 tries ran out of memory", "being asked how full", "(pinned, idle since 4s)",
          "1 GiB are lent to a client", "2 GiB are fenced: worker 3 of `old` left them behind",
          "the driver has not shown them back; in 30s what has not come back",
          "`other` began to wait before"}) {
        CAPTURE(part);
        CHECK(text.find(part) != text.npos);
    }
    CHECK(advises(told, "windlass incidents"));
}

namespace {

struct Case {
    std::string_view reason;
    std::string_view doing;
    NextChange next;
    std::string_view text;
    std::string_view command;
};

const Case kCases[] = {
    {"paused", "idle", {}, "`big` was paused by an administrator", "windlass models resume big"},
    {"backoff",
     "resting",
     {.step = "next_try", .in = 8s},
     "`big` failed and is tried again in 8s; its last error was internal: "
     "boom",
     "windlass models load big"},
    {"retrying",
     "idle",
     {.step = "next_try", .in = 2s},
     "its next try after a transient error (1 so far), in 2s",
     ""},
    {"busy",
     "running",
     {.step = "stall_timeout", .in = 50s},
     "every place in `big` is taken: worker 5, pid 99 is running since 10s; in 50s the run is "
     "ended, unless it reports progress (stall_timeout)",
     "windlass workers kill 5"},
    {"starting",
     "starting",
     {.step = "start_timeout", .in = 50s},
     "`big` to start: worker 5",
     "windlass workers kill 5"},
    {"loading",
     "loading",
     {.step = "load_timeout", .in = 9min},
     "`big` to load: worker 5",
     "windlass workers kill 5"},
    {"restoring",
     "restoring",
     {},
     "the weights of `big` to come back: worker 5",
     "windlass workers kill 5"},
    {"offloading", "offloading", {}, "the weights of `big` to leave", "windlass workers kill 5"},
    {"draining", "draining", {}, "`big` to finish what it holds", "windlass workers kill 5"},
    {"stopping",
     "stopping",
     {.step = "kill", .in = 3s},
     "in 3s it gets SIGKILL",
     "windlass workers kill 5"},
    {"store",
     "idle",
     {.step = "next_try", .in = 3s},
     "the store of jobs, which is asked whether it may begin or is in trouble; it is asked again "
     "in 3s",
     ""},
    {"unkillable", "unkillable", {}, "too many of them hang in the kernel", ""},
    {"device",
     "idle",
     {.step = "ask_device", .in = 5s},
     "no device of `big` answers; in 5s the device is asked again",
     "windlass devices"},
};

}  // namespace

TEST_CASE("each other reason is told with its end and with what can be done") {
    for (const Case& each : kCases) {
        CAPTURE(each.reason);
        ExplanationStatus told = waiting(each.reason);
        told.failed_tries = 1;
        if (each.next.in > 0s) told.next = each.next;
        if (each.reason == "backoff") told.error = fail(Errc::internal, "boom");
        const ExplainedHolder process{.kind = "model",
                                      .model = "big",
                                      .worker = 5,
                                      .pid = 99,
                                      .doing = each.doing,
                                      .since = 10s,
                                      .until = told.next};
        told.processes = {process};
        const std::string text = explain_sentence(told);
        CAPTURE(text);
        CHECK(text.find(each.text) != text.npos);
        CHECK(text.ends_with("It is 2nd of 3."));
        if (!each.command.empty()) CHECK(advises(told, each.command));
    }
}

TEST_CASE("a request that runs, and administrators") {
    ExplanationStatus told = waiting("");
    told.state = "running";
    told.position.reset();
    told.worker = 7;
    told.progress_age = 2s;
    told.deadline_in = 50s;
    told.processes = {small()};
    CHECK(explain_sentence(told) ==
          "r17 runs in `big` since 9s: worker 7, pid 4711 is running r12 since 4s; in 4m 56s the "
          "run is ended (run_timeout). It last showed progress 2s ago. Its time is over in 50s.");
    told = waiting("paused");
    told.asked = "load";
    told.position.reset();
    CHECK(explain_sentence(told).starts_with(
        "r17, an administrator's load of `big`, waits (since 9s) for"));
}

TEST_CASE("a model: what it is, what it waits for, and who waits for it") {
    ExplanationStatus told{.subject = "big", .kind = "model", .model = "big", .state = "cold"};
    CHECK(explain_sentence(told) == "`big` is cold. Nobody waits for it.");
    told.error = fail(Errc::timeout, "it took too long");
    CHECK(explain_sentence(told) ==
          "`big` is cold. Nobody waits for it. Its last error was timeout: it took too long.");
    told.state = "backoff";
    told.reason = "backoff";
    told.breaker = "open";
    told.waiting = 2;
    told.first = "r17";
    told.since = 3s;
    told.is_stuck = true;
    told.incident = 4;
    told.unkillable = 1;
    CHECK(explain_sentence(told) ==
          "`big` is in back-off, waiting for a new try: the workers of `big` kept dying and its "
          "breaker "
          "is open; it is tried again soon; its last error was timeout: it took too long. 2 "
          "requests wait for it, the first is r17, since 3s. 1 of its processes hang in the kernel "
          "and survived SIGKILL.");
    CHECK(advises(told, "windlass incidents show 4"));
    CHECK(advises(told, "windlass workers"));
}
