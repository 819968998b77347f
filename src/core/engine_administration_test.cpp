// Restart, pause, breaker and a configuration that changes, as short stories.
#include <doctest/doctest.h>

#include "core/engine_testing.h"

namespace core = windlass::core;
using core::Generation;
using core::RequestId;
using windlass::base::Errc;
using windlass::core::testing::kFirst;
using windlass::core::testing::kModel;
using windlass::core::testing::Story;
using namespace std::chrono_literals;

namespace {

constexpr Generation kSecond{2};

core::ModelSpec with_breaker(std::uint32_t deaths) {
    return {.backoff = 1s,
            .backoff_max = 1s,
            .breaker = {.deaths = deaths, .window = 60s, .cooldown = 300s},
            .unload_after = {}};
}

// One more death of a worker that loads well and answers nothing.
void die_once(Story& story, std::uint64_t request, Generation generation) {
    story.call(request);
    story.make_ready(generation);
    story.begin(request, generation);
    story.happen(core::WorkerExited{generation, "signal 11"});
}

core::ModelSpec named(core::ModelSpec spec) {
    spec.name = "digits";
    return spec;
}

}  // namespace

TEST_CASE("a restart lets runs finish, then starts another process and answers once it is ready") {
    Story story;
    story.call(1);
    story.make_ready();
    story.begin(1);
    story.happen(core::RestartAsked{RequestId{9}, kModel, 1h});
    CHECK(story.residency() == core::Residency::draining);
    CHECK(story.response(9) == nullptr);
    story.answer(1);
    CHECK(story.find<core::Stop>()->generation == kFirst);
    story.happen(core::WorkerExited{kFirst, "exit status 0"});
    CHECK(story.find<core::Launch>()->generation == kSecond);
    CHECK(story.response(9) == nullptr);
    story.make_ready(kSecond);
    REQUIRE(story.response(9) != nullptr);
    CHECK_FALSE(story.response(9)->error.has_value());
    CHECK(story.response(9)->generation == kSecond);
}

TEST_CASE("a restart of a model that is not there loads it") {
    Story story;
    story.happen(core::RestartAsked{RequestId{9}, kModel, 1h});
    CHECK(story.find<core::Launch>()->generation == kFirst);
    story.make_ready();
    REQUIRE(story.response(9) != nullptr);
    CHECK_FALSE(story.response(9)->error.has_value());
}

TEST_CASE(
    "a paused model begins nothing; what runs goes on, what waits says so and goes on waiting") {
    Story story{{.prefetch = 1}};
    story.call(1);
    story.make_ready();
    story.begin(1);
    story.call(2);  // lies in the channel
    story.happen(core::PauseAsked{kModel});
    CHECK(story.find<core::Recall>()->request == RequestId{2});
    story.happen(core::RunRecalled{kFirst, RequestId{2}, true});
    story.answer(1);
    CHECK(story.response(1) != nullptr);
    CHECK(story.find<core::Dispatch>() == nullptr);
    CHECK(story.engine().wait_reason(RequestId{2}) == core::WaitReason::paused);
    CHECK(story.engine().view(kModel).is_paused);
    story.happen(core::ResumeAsked{kModel});
    CHECK(story.find<core::Dispatch>()->request == RequestId{2});
}

TEST_CASE("a call does not start a paused model, an administrator's load does") {
    Story story;
    story.happen(core::PauseAsked{kModel});
    story.call(1, 10s);
    CHECK(story.find<core::Launch>() == nullptr);
    story.happen(core::LoadAsked{RequestId{2}, kModel, 1h});
    CHECK(story.find<core::Launch>() != nullptr);
    story.happen(core::LoadFailed{kFirst, windlass::base::fail(Errc::internal, "no such file")});
    CHECK(story.was_refused(2, Errc::internal));
    CHECK(story.response(1) == nullptr);  // it did not wait for that load
    story.wait(10s);
    CHECK(story.was_refused(1, Errc::timeout));
}

TEST_CASE("the breaker opens at the n-th death, refuses at once, and lets one probe through") {
    Story story{with_breaker(3)};
    for (std::uint64_t n = 1; n <= 2; ++n) {
        die_once(story, n, Generation{n});
        CHECK(story.engine().view(kModel).breaker == core::BreakerState::closed);
        story.wait(1s);
    }
    die_once(story, 3, Generation{3});
    CHECK(story.was_refused(3, Errc::worker_lost));
    CHECK(story.engine().view(kModel).breaker == core::BreakerState::open);
    story.call(4);
    CHECK(story.was_refused(4, Errc::unavailable));
    const auto error = story.response(4)->error.value_or(core::Error{});
    CHECK(error.reason == "breaker_open");
    CHECK(error.retry_after == 300s);
    story.wait(300s);
    CHECK(story.engine().view(kModel).breaker == core::BreakerState::probing);
    story.call(5);
    story.call(6);
    story.make_ready(Generation{4});
    CHECK(story.find<core::Dispatch>()->request == RequestId{5});
    CHECK(story.engine().wait_reason(RequestId{6}) == core::WaitReason::busy);
    story.begin(5, Generation{4});
    story.answer(5, Generation{4});
    CHECK(story.engine().view(kModel).breaker == core::BreakerState::closed);
    CHECK(story.find<core::Dispatch>()->request == RequestId{6});
}

TEST_CASE("a probe that dies opens the breaker again; an administrator's load is a probe at once") {
    Story story{with_breaker(1)};
    die_once(story, 1, kFirst);
    story.happen(core::LoadAsked{RequestId{2}, kModel, 1h});
    CHECK(story.find<core::Launch>()->generation == kSecond);
    CHECK(story.engine().view(kModel).breaker == core::BreakerState::probing);
    story.happen(core::WorkerExited{kSecond, "signal 11"});
    CHECK(story.was_refused(2, Errc::worker_lost));
    CHECK(story.engine().view(kModel).breaker == core::BreakerState::open);
}

TEST_CASE("deaths that are further apart than the window do not open the breaker") {
    Story story{with_breaker(2)};
    for (std::uint64_t n = 1; n <= 4; ++n) {
        die_once(story, n, Generation{n});
        CHECK(story.engine().view(kModel).breaker == core::BreakerState::closed);
        story.wait(60s);
    }
}

TEST_CASE("an administrator's kill ends the process at once, and nobody pays who had not begun") {
    Story story{{.unload_after = {}, .prefetch = 1}};
    story.call(1);
    story.make_ready();
    story.begin(1);
    story.call(2);
    const auto workers = story.engine().workers();
    REQUIRE(workers.size() == 1);
    CHECK(workers[0].generation == kFirst);
    CHECK(workers[0].residency == core::Residency::ready);
    REQUIRE(workers[0].running.size() == 1);
    CHECK(workers[0].running[0].request == core::RequestId{1});
    story.happen(core::KillAsked{kSecond});  // stale or not yet: no effect
    CHECK(story.residency() == core::Residency::ready);
    story.happen(core::KillAsked{kFirst});
    CHECK(story.find<core::Kill>()->generation == kFirst);
    CHECK(story.residency() == core::Residency::stopping);
    story.happen(core::WorkerExited{kFirst, "signal 9"});
    CHECK(story.was_refused(1, Errc::worker_lost));
    CHECK(story.response(2) == nullptr);
    CHECK(story.residency() == core::Residency::loading);  // no back-off: nothing has failed
    CHECK(story.engine().view(kModel).failure_count == 0);
}

TEST_CASE("an administrator's kill shortens an end that has begun, and a load") {
    Story story{{.unload_after = {}}};
    story.call(1);
    story.make_ready();
    story.answer(1);
    story.happen(core::UnloadAsked{core::RequestId{5}, kModel, 1min});
    CHECK(story.residency() == core::Residency::stopping);
    story.happen(core::KillAsked{kFirst});
    CHECK(story.find<core::Kill>()->generation == kFirst);
    story.happen(core::WorkerExited{kFirst, "signal 9"});
    story.call(2);
    story.happen(core::WorkerHello{kSecond});
    story.happen(core::KillAsked{kSecond});
    CHECK(story.find<core::Kill>()->generation == kSecond);
    story.happen(core::WorkerExited{kSecond, "signal 9"});
    CHECK(story.residency() == core::Residency::loading);
    CHECK(story.response(2) == nullptr);
}

TEST_CASE("new limits count for the runs that go on, and do not touch the process") {
    Story story{{.run_timeout = 1min, .unload_after = {}}};
    story.call(1);
    story.make_ready();
    story.begin(1);
    story.happen(core::ModelConfigured{named({.run_timeout = 10s, .unload_after = {}}), false});
    CHECK(story.residency() == core::Residency::ready);
    story.wait(10s);
    CHECK(story.was_refused(1, Errc::timeout));
}

TEST_CASE("a changed program is taken after the runs of the old one, and forgets its failures") {
    Story story{with_breaker(1)};
    die_once(story, 1, kFirst);
    CHECK(story.residency() == core::Residency::backoff);
    story.happen(core::ModelConfigured{named(with_breaker(1)), true});
    CHECK(story.residency() == core::Residency::cold);
    story.call(2);
    story.make_ready(kSecond);
    story.begin(2, kSecond);
    story.happen(core::ModelConfigured{named(with_breaker(1)), true});
    CHECK(story.residency() == core::Residency::draining);
    story.call(3);
    story.answer(2, kSecond);
    CHECK(story.response(2) != nullptr);
    story.happen(core::WorkerExited{kSecond, "exit status 0"});
    CHECK(story.find<core::Launch>()->generation == Generation{3});
}

TEST_CASE("a removed model refuses what waits, finishes what runs, and may come back") {
    Story story{{.prefetch = 0}};
    story.call(1);
    story.make_ready();
    story.begin(1);
    story.call(2);
    story.happen(core::ModelRemoved{kModel});
    CHECK(story.was_refused(2, Errc::not_found));
    CHECK_FALSE(story.engine().find_model("digits").has_value());
    CHECK(story.engine().view(kModel).is_removed);
    story.answer(1);
    CHECK_FALSE(story.response(1)->error.has_value());
    story.happen(core::ModelConfigured{named({}), false});
    CHECK(story.engine().find_model("digits") == kModel);
    CHECK_FALSE(story.engine().view(kModel).is_removed);
    story.call(3);
    CHECK(story.find<core::Launch>() == nullptr);  // one copy: the old process goes first
    story.happen(core::WorkerExited{kFirst, "exit status 0"});
    CHECK(story.find<core::Launch>()->generation == kSecond);
}

TEST_CASE("a run that began under an idempotent model may still be run again after a reload") {
    Story story{{.idempotent = true, .unload_after = {}}};
    story.call(1);
    story.make_ready();
    story.begin(1);
    story.happen(core::ModelConfigured{named({.idempotent = false, .unload_after = {}}), false});
    story.happen(core::WorkerExited{kFirst, "signal 11"});
    CHECK(story.response(1) == nullptr);
}
