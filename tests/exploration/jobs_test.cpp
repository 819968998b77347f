// Goal:   no order of events, however unlikely, runs a job twice at once, settles it twice or loses
//         it.
// Method: breadth-first search over the real engine and a store that answers one order at a time,
//         until no new state appears; from each a state can be reached in which every job is over.
#include <doctest/doctest.h>

#include "exploration/explore.h"

namespace windlass::exploration {
namespace {

using namespace std::chrono_literals;

core::ModelSpec job_model() {
    return {.name = "m",
            .limits = {.start_timeout = 20s,
                       .load_timeout = 30s,
                       .stop_grace = 5s,
                       .cancel_grace = 2s,
                       .term_grace = 4s,
                       .reap_timeout = 3s},
            .run_timeout = 15s,
            .stall_timeout = 10s,
            .job_run_timeout = 15s,
            .job_failures_max = 1,
            .job_crashes_max = 2,
            .backoff = 8s,
            .backoff_max = 8s,
            .breaker = {.deaths = 0},
            .unload_after = 12s,
            .max_wait = 20s,
            .prefetch = 0};
}

}  // namespace

TEST_CASE("a job, and all that its workers and its store may do: explored to closure") {
    WorldOptions options{.model = job_model(),
                         .call_count = 0,
                         .is_mortal = true,
                         .jobs = {.count = 1, .has_cancel = true, .refusals_max = 1}};
    options.model.job_failures_max = 2;
    require_closed("job, cancel, store in trouble", options);
}

TEST_CASE("two jobs, and all that their workers may do: explored to closure") {
    require_closed("two jobs, cancel", {.model = job_model(),
                                        .call_count = 0,
                                        .is_mortal = true,
                                        .jobs = {.count = 2, .has_cancel = true}});
}

TEST_CASE("a job whose processes outlive SIGKILL: explored to closure") {
    require_closed("job, unkillable",
                   {.model = job_model(), .call_count = 0, .is_calm = true, .jobs = {.count = 1}});
}

TEST_CASE("two jobs beside each other, a store in trouble: explored to closure") {
    WorldOptions options{.model = job_model(),
                         .call_count = 0,
                         .is_calm = true,
                         .is_mortal = true,
                         .jobs = {.count = 2, .has_cancel = true, .refusals_max = 1}};
    options.model.concurrency = 2;
    require_closed("two jobs at once, store in trouble", options);
}

TEST_CASE("a job beside a call: explored to closure") {
    require_closed("job, call", {.model = job_model(),
                                 .call_count = 1,
                                 .is_mortal = true,
                                 .jobs = {.count = 1, .has_cancel = true}});
}

TEST_CASE(
    "a job whose model is paused, unloaded and resumed, and a shutdown: explored to closure") {
    require_closed("job, pause, unload, shutdown",
                   {.model = job_model(),
                    .call_count = 0,
                    .has_unload = true,
                    .has_pause = true,
                    .has_shutdown = true,
                    .is_calm = true,
                    .is_mortal = true,
                    .jobs = {.count = 1, .has_cancel = true, .refusals_max = 1}});
}

}  // namespace windlass::exploration
