// Goal:   no order of events, however unlikely, breaks a law in a small world.
// Method: breadth-first search over the real engine until no new state appears (closure).
#include <doctest/doctest.h>

#include "exploration/explore.h"

namespace windlass::exploration {
namespace {

using namespace std::chrono_literals;

core::ModelSpec small_model(bool is_idempotent) {
    return {.name = "m",
            .limits = {.start_timeout = 20s,
                       .load_timeout = 30s,
                       .stop_grace = 5s,
                       .cancel_grace = 2s,
                       .term_grace = 4s,
                       .reap_timeout = 3s},
            .concurrency = 1,
            .queue_limit = 8,
            .idempotent = is_idempotent,
            .run_timeout = 15s,
            .stall_timeout = 10s,
            .backoff = 8s,
            .backoff_max = 8s,
            .breaker = {.deaths = 0, .window = 60s, .cooldown = 25s},
            .unload_after = 12s,
            .prefetch = 1};
}

}  // namespace

TEST_CASE("one model with two requests: explored to closure, no law is ever broken" *
          doctest::skip(kSkipLarge)) {
    require_closed("two calls", {.model = small_model(false)});
}

TEST_CASE("a call that is run again after a loss, a load and a pause: explored to closure" *
          doctest::skip(kSkipLarge)) {
    const Found found = require_closed(
        "call, load, pause, idempotent",
        {.model = small_model(true), .call_count = 1, .has_load = true, .has_pause = true});
    CHECK(found.state_count >= 2'000'000);  // the largest of all worlds
}

TEST_CASE("a call, an unload and a shutdown: explored to closure" * doctest::skip(kSkipLarge)) {
    require_closed(
        "call, unload, shutdown",
        {.model = small_model(false), .call_count = 1, .has_unload = true, .has_shutdown = true});
}

TEST_CASE("a call and a load, with a model that leaves at once: explored to closure") {
    WorldOptions options{.model = small_model(false), .call_count = 1, .has_load = true};
    options.model.unload_after = 0s;
    require_closed("call, load, unload_after 0", options);
}

TEST_CASE("a call on a model with a process on standby: explored to closure" *
          doctest::skip(kSkipLarge)) {
    WorldOptions options{.model = small_model(false), .call_count = 1};
    options.model.standby = 1;
    require_closed("call, standby", options);
}

TEST_CASE("a load on a model with a process on standby, and all that workers may do" *
          doctest::skip(kSkipLarge)) {
    WorldOptions options{.model = small_model(false), .call_count = 0, .has_load = true};
    options.model.standby = 1;
    require_closed("load, standby", options);
}

TEST_CASE("a call and a restart on a model with a process on standby: explored to closure" *
          doctest::skip(kSkipLarge)) {
    WorldOptions options{
        .model = small_model(false), .call_count = 1, .has_restart = true, .is_calm = true};
    options.model.standby = 1;
    require_closed("call, restart, standby", options);
}

TEST_CASE("a call and a load, with a process that makes one run: explored to closure") {
    WorldOptions options{.model = small_model(false), .call_count = 1, .has_load = true};
    options.model.recycle_after = 1;
    Found found = require_closed("call, load, recycle_after 1", options);
    CHECK(found.met["model.recycled"] > 0);
}

TEST_CASE("a call and a restart: explored to closure") {
    require_closed("call, restart",
                   {.model = small_model(false), .call_count = 1, .has_restart = true});
}

TEST_CASE("a call on a model that is paused and resumed: explored to closure") {
    require_closed("call, pause, resume",
                   {.model = small_model(false), .call_count = 1, .has_pause = true});
}

TEST_CASE("a call while its model is changed, removed and put back: explored to closure" *
          doctest::skip(kSkipLarge)) {
    require_closed("call, reload",
                   {.model = small_model(false), .call_count = 1, .has_reload = true});
}

TEST_CASE("a call and a load, with a breaker that opens at the second death: explored to closure" *
          doctest::skip(kSkipLarge)) {
    WorldOptions options{.model = small_model(false), .call_count = 1, .has_load = true};
    options.model.breaker.deaths = 2;
    require_closed("call, load, breaker", options);
}

}  // namespace windlass::exploration
